"""Which axes of an array should be rows: what the planner predicts of each unfolding."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

from lplrcli.errors import PlanError, TargetUnreachableError
from lplrcli.linalg.passes import Passes
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.compress import first_plan
from lplrcli.pipeline.memory_needs import require_for_compressing
from lplrcli.pipeline.predict.estimates import prospects

logger = logging.getLogger(__name__)

Source = TypeVar("Source", bound=MatrixSource)


def best_unfolded(source: Source, threads: int, name: str | None, **asked: Any) -> Source:
    """The array unfolded where the least error, or the least size, is predicted.

    Parameters
    ----------
    source : MatrixSource
        The array, unfolded in whatever way; a matrix is given back as it is.
    threads : int
        The choice does not depend on it.
    name : str or None
        Name of the matrix in the file.
    **asked
        Options of `lplrcli.pipeline.compress.compress`; a size or an error is among them.

    Raises
    ------
    PlanError
        If neither a size nor an error is asked for: there is nothing to compare then.
    TargetUnreachableError
        If no unfolding is predicted to reach it.
    """
    shape = source.unfolding.array_shape
    if len(shape) == 2:
        return source
    best: tuple[tuple[float, float], Source] | None = None
    refusals: list[TargetUnreachableError] = []
    for axes in range(1, len(shape)):
        candidate = source.unfolded(axes)
        plan = first_plan(candidate.shape, candidate.dtype, **asked)
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
        require_for_compressing(candidate, plan, threads)
        try:
            found = prospects(Passes(candidate, threads), plan, threads, name)[0]
        except TargetUnreachableError as error:
            refusals.append(error)
            continue
        logger.info(
            "%d axes as rows, %d x %d: %s, about %d bytes, error about %.4g",
            *(axes, *candidate.shape, found.mode, found.file_bytes, found.relative_error),
        )
        value = (found.relative_error, float(found.file_bytes))
        if plan.target.size is None:
            value = value[::-1]
        if best is None or value < best[0]:
            best = value, candidate
    if best is None:
        raise refusals[0]
    return best[1]
