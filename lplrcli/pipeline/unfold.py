"""Which axes of an array should be rows: what is predicted of each unfolding."""

from __future__ import annotations

import logging
from typing import TypeVar

from lplrcli.errors import PlanError, TargetUnreachableError
from lplrcli.model.goals import SizeGoal
from lplrcli.model.request import CompressionRequest
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.compress import passes_over, surveyed
from lplrcli.pipeline.first_plan import first_plan
from lplrcli.pipeline.predict.predictions import Predictor
from lplrcli.runtime.stages import CHOOSE, stage

logger = logging.getLogger(__name__)

Source = TypeVar("Source", bound=MatrixSource)


@stage(CHOOSE)
def best_unfolded(
    source: Source, request: CompressionRequest, threads: int, name: str | None
) -> tuple[Source, Predictor | None]:
    """The array unfolded where the least error, or the least size, is predicted.

    Parameters
    ----------
    source : MatrixSource
        The array, unfolded in whatever way; a matrix is given back as it is.
    request : CompressionRequest
        What is asked; a size or an error is part of it.
    threads : int
        The choice does not depend on it.
    name : str or None
        Name of the matrix in the file.

    Returns
    -------
    source : MatrixSource
        The array, unfolded.
    predictor : Predictor or None
        What was found out about it; None of a matrix, of which there was no choice.

    Raises
    ------
    PlanError
        If neither a size nor an error is asked for: there is nothing to compare then.
    TargetUnreachableError
        If no unfolding is predicted to reach it.
    """
    shape = source.unfolding.array_shape
    if len(shape) == 2:
        return source, None
    best: tuple[tuple[float, float], Source, Predictor] | None = None
    refusals: list[TargetUnreachableError] = []
    for axes in range(1, len(shape)):
        candidate = source.unfolded(axes)
        plan = first_plan(request, candidate.shape, candidate.dtype)
        if plan.target.method != "rate-distortion":
            raise PlanError(
                "an unfolding is chosen by predictions, which need a size or an error",
                path=source.name,
                advice="Ask for one of them, or say how many axes to unfold.",
            )
        if plan.target.passes is not None:
            raise PlanError(
                "choosing an unfolding takes passes that cannot be counted beforehand",
                path=source.name,
                advice="Say how many axes to unfold.",
            )
        try:
            predictor = surveyed(passes_over(candidate, plan, threads), plan, threads, name)
            found = predictor.estimates[0]
        except TargetUnreachableError as error:
            refusals.append(error)
            continue
        logger.info(
            "%d axes as rows, %d x %d: %s, about %d bytes, error about %.4g",
            *(axes, *candidate.shape, found.mode, found.file_bytes, found.relative_error),
        )
        value = found.relative_error, float(found.file_bytes)
        if not isinstance(plan.target.goal, SizeGoal):
            value = value[::-1]
        if best is None or value < best[0]:
            best = value, candidate, predictor
    if best is None and plan.target.without_error:
        return source, None  # entries are stored as they are, whatever are rows
    if best is None:
        raise refusals[0]
    return best[1], best[2]
