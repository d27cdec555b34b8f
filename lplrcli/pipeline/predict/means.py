"""Means subtracted from a matrix before it is coded: what they decode to, so that nothing is lost.

An error in the mean row repeats in all n rows, one in the mean column in all d columns: they are
quantized so finely that this stays a small part of the error that the whole matrix will have.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np

from lplrcli.linalg.passes import Means, Passes
from lplrcli.model.plan import CompressionPlan
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.means import StoredMeans, encode_mean
from lplrcli.pipeline.engines.codings import ModeCoders

logger = logging.getLogger(__name__)

_SHARE = 1 / 128
"""Of the squared error, at most, is that of a mean: entries of it are few, and bits of theirs
cheap, beside those of everything else."""


def coders_of(passes: Passes, plan: CompressionPlan, threads: int) -> ModeCoders:
    """Ways to code a matrix, or what is left of it without the means that a plan stores apart.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d); not changed.
    plan : CompressionPlan
        Its target says which means; ``auto`` is settled.
    threads : int
        The result does not depend on it.
    """
    if plan.target.center is None:
        return ModeCoders(passes, plan, threads)
    exact = _exact(passes, plan.target.center)
    coders = ModeCoders(passes.centered(exact), plan, threads)
    squared_error = coders.allowed()
    if plan.target.size is not None:
        # Only the spectrum of what is left tells. Stored means differ so little from the exact
        # ones that the directions found without these serve as well.
        squared_error = min((one.squared_error for one in coders.predictions(None)), default=0.0)
    coders.means = _stored(coders, exact, squared_error)
    coders.passes.means = _decoded(coders.means, passes.dtype)
    logger.info("means: %d bytes", coders.means.file_bytes)
    return coders


def _exact(passes: Passes, center: str) -> Means:
    """The mean row, the mean column, or the mean row and the mean column of what it leaves."""
    rows, columns = passes.shape
    over_rows, over_columns = passes.sums()
    row = (over_rows / rows).astype(passes.dtype) if center != "mean-column" else None
    if center == "mean-row":
        return Means(row, None)
    grand = 0.0 if row is None else row.mean(dtype=np.float64)
    return Means(row, (over_columns / columns - grand).astype(passes.dtype))


def _stored(coders: ModeCoders, means: Means, squared_error: float) -> StoredMeans:
    """The means coded, given the squared error that the matrix will have."""
    unfolding, threads = coders.passes.source.unfolding, coders.threads
    # What rounding does to entries anyway is fine enough.
    rounding = float(np.finfo(coders.passes.dtype).eps) * coders.passes.original().norm
    allowed = max(_SHARE * squared_error, rounding**2)
    # A trellis leaves a quarter of the squared step, in each of n d entries.
    step = 2 * math.sqrt(allowed / coders.entries) or 1.0
    row, column = (
        None if mean is None else encode_mean(mean, grid, coders.transforms, step, threads)
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
