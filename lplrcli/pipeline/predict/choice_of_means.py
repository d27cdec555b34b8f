"""Which means are stored apart, where the matrix decides; its survey is handed on."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

from lplrcli.errors import TargetUnreachableError
from lplrcli.linalg.passes import Passes
from lplrcli.model.goals import ErrorGoal, PointwiseGoal
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.means import predictor_of
from lplrcli.pipeline.predict.predictions import Predictor
from lplrcli.planning.limits import DIRECT_ENTRIES
from lplrcli.runtime.stages import CHOOSE, stage

logger = logging.getLogger(__name__)

_CHOICES = (None, "mean-row", "mean-column", "both")

_WORTH_STORING = 0.97
"""Means that were not asked for by name are stored apart if error or size is predicted to be this
much less: predictions of files that differ so little are no better than that."""


@stage(CHOOSE)
def chosen_predictor(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> Predictor:
    """Predictions for the plan, its choice of means settled where the matrix decides.

    ``auto`` becomes the choice with the least predicted error, or size. Lossless targets store no
    means: subtracting one would destroy the lattice.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    plan : CompressionPlan
        For the method ``rate-distortion``.
    threads : int
        The result does not depend on it.
    name : str or None
        Name of the matrix in the file.

    Raises
    ------
    PlanError
        If means of a sparse matrix are asked for, or all entries of one that is too large.
    TargetUnreachableError
        If no choice is predicted to reach the target.
    """
    target, source = plan.target, passes.source
    _check_entries(source, target)
    candidates = [replace(plan, target=replace(target, center=one)) for one in _CHOICES]
    if target.center is None or target.goal == ErrorGoal(0.0):
        return predictor_of(passes, candidates[0], threads, name)
    if target.center != "auto":
        if source.sparse:
            raise refusals.centered_sparse(source.name, target.center)
        return predictor_of(passes, plan, threads, name)
    if source.sparse:
        return predictor_of(passes, candidates[0], threads, name)
    best: tuple[float, Predictor] | None = None
    refused: list[TargetUnreachableError] = []
    for candidate in candidates:
        predictor = predictor_of(passes, candidate, threads, name)
        try:
            found = predictor.estimates[0]
        except TargetUnreachableError as error:
            refused.append(error)
            continue
        logger.info(
            "storing apart %s: about %d bytes, error about %.4g",
            *(candidate.target.center or "no mean", found.file_bytes, found.relative_error),
        )
        if candidate.target.center and found.mode == "direct" != target.mode:
            # Contexts and transforms make a mean cheap where all entries are coded: a size that
            # is predicted to be less owes that to the prediction.
            continue
        value = target.goal.value_of(found)
        if best is None or value < _WORTH_STORING * best[0]:
            best = value, predictor
    if best is None:
        raise refused[0]
    return best[1]


def _check_entries(source: MatrixSource, target: Target) -> None:
    """Refuse a sparse matrix all of whose entries would have to be coded, if they are too many."""
    if not source.sparse or math.prod(source.shape) <= DIRECT_ENTRIES:
        return
    asked = {
        f"--mode {target.mode}": target.mode not in (None, "factors"),
        "--max-abs-error": isinstance(target.goal, PointwiseGoal),
        "-e 0": target.goal == ErrorGoal(0.0),
    }
    for name, impossible in asked.items():
        if impossible:
            raise refusals.entry_by_entry(source.name, source.shape, name)
