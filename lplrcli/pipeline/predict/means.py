"""Means subtracted from a matrix before it is coded: what they decode to, so that nothing is lost.

An error in the mean row repeats in all n rows, one in the mean column in all d columns: they are
quantized so finely that this stays a small part of the error that the whole matrix will have.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np

from lplrcli.linalg.adjustment import Means
from lplrcli.linalg.passes import Passes
from lplrcli.model.goals import SizeGoal
from lplrcli.model.plan import CompressionPlan
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.means import StoredMeans, encode_mean
from lplrcli.pipeline.predict.demand import TargetDemand
from lplrcli.pipeline.predict.estimates import told_of
from lplrcli.pipeline.predict.predictions import Predictor
from lplrcli.pipeline.survey.matrix_survey import MatrixSurvey

logger = logging.getLogger(__name__)

_MEANS_SHARE = 1 / 128
"""Part of the squared error, at most, that a mean has: entries of it are few, and its bits cheap,
beside those of everything else."""


def predictor_of(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> Predictor:
    """Predictions for a matrix, or for what is left of it without the means that a plan stores.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d); not changed.
    plan : CompressionPlan
        Its target says which means; ``auto`` is settled.
    threads : int
        The result does not depend on it.
    name : str or None
        Name of the matrix in the file.
    """
    center, demand = plan.target.center, TargetDemand(plan.target)
    if center is None:
        return Predictor(MatrixSurvey(passes, plan, demand, threads), plan, demand, name)
    exact = _exact(passes, center)
    left = passes.centered(exact)
    first = Predictor(MatrixSurvey(left, plan, demand, threads), plan, demand, name)
    squared_error, told = demand.allowed(left), dict[str, float]()
    if isinstance(first.goal, SizeGoal):
        # Only the spectrum of what is left tells.
        found = first.at(first.goal)
        told = told_of(found, first.goal, first.survey.entries)
        reached = [one.prediction.squared_error for one in found if one.prediction]
        squared_error = min(reached, default=0.0)
    stored = _stored(first.survey, demand, exact, squared_error)
    survey = first.survey.centered(stored, _decoded(stored, passes.dtype))
    logger.info("means: %d bytes", stored.file_bytes)
    return Predictor(survey, plan, demand, name, told)


def _exact(passes: Passes, center: str) -> Means:
    """The mean row, the mean column, or the mean row and the mean column of what it leaves."""
    rows, columns = passes.shape
    over_rows, over_columns = passes.sums()
    row = (over_rows / rows).astype(passes.dtype) if center != "mean-column" else None
    if center == "mean-row":
        return Means(row, None)
    grand = 0.0 if row is None else row.mean(dtype=np.float64)
    return Means(row, (over_columns / columns - grand).astype(passes.dtype))


def _stored(
    survey: MatrixSurvey, demand: TargetDemand, means: Means, squared_error: float
) -> StoredMeans:
    """The means coded, given the squared error that the matrix will have."""
    passes = survey.passes
    unfolding = passes.source.unfolding
    # What rounding does to entries anyway is fine enough.
    rounding = float(np.finfo(passes.dtype).eps) * passes.original().norm
    allowed = max(_MEANS_SHARE * squared_error, rounding**2)
    # A trellis leaves a quarter of the squared step, in each of n d entries.
    step = 2 * math.sqrt(allowed / survey.entries) or 1.0
    row, column = (
        None if mean is None else encode_mean(mean, grid, demand.transforms, step, survey.threads)
        for mean, grid in (
            (means.row, unfolding.column_grid),
            (means.column, unfolding.row_grid),
        )
    )
    return StoredMeans(row, column)


def _decoded(means: StoredMeans, dtype: np.dtype[Any]) -> Means:
    row, column = (
        None if mean is None else decode_factor(mean, dtype)[0]
        for mean in (means.row, means.column)
    )
    return Means(row, column)
