"""What a request means for a matrix of one shape and type, before any entry is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from lplrcli.linalg.single_pass import range_size
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.request import CompressionRequest
from lplrcli.planning.pass_budget import iterations_within
from lplrcli.planning.targets import ENGINES, target_of

ENGINE_POWER_ITERATIONS = 2
ENGINE_OVERSAMPLING = 8
"""Together within 2 % of the best possible truncation error on every spectrum measured, see
benchmarks/power_iterations.py; ``lplr`` has neither, as the paper has it."""


def first_plan(
    request: CompressionRequest, shape: tuple[int, int], dtype: np.dtype[Any]
) -> CompressionPlan:
    """The plan that compressing starts from: target, and how directions are to be looked for.

    Parameters
    ----------
    request : CompressionRequest
        What is asked.
    shape : tuple of int
        Rows and columns of the matrix.
    dtype : numpy.dtype
        Type of its entries as stored.

    Raises
    ------
    PlanError
        If the options contradict each other.
    """
    target = target_of(request, shape, dtype)
    sketch, seed = request.sketch or "gaussian", request.seed
    method, possible = target.method, min(shape)
    rank = min(target.rank or possible, possible)
    if method == "lplr":
        iterations = request.power_iterations or 0
        return CompressionPlan(target, "factors", "sketch", sketch, rank, iterations, seed)
    if method not in ENGINES:
        mode, basis = ("direct", "none") if method == "nq" else ("factors", "svd")
        return CompressionPlan(target, mode, basis, None, None, None, seed)
    oversampling = request.oversampling
    size = None if oversampling is None else min(rank + oversampling, possible)
    if target.passes == 1:
        size = range_size(rank, shape) if size is None else size
        return CompressionPlan(target, "factors", "single-pass", sketch, size, None, seed)
    return _of_several_passes(target, rank, size, request, possible)


def _of_several_passes(
    target: Target, rank: int, size: int | None, request: CompressionRequest, possible: int
) -> CompressionPlan:
    """The plan of an engine that sketches, iterates and projects."""
    wanted = request.power_iterations
    iterations = ENGINE_POWER_ITERATIONS if wanted is None else wanted
    within = iterations_within(target.passes, iterations)
    if size is None and (target.method == "packed" or (target.passes and target.rank)):
        # The basis is as large with fewer iterations, as they make it of their products.
        size = min((rank + ENGINE_OVERSAMPLING) * iterations // within, possible)
    sketch = request.sketch or "gaussian"
    return CompressionPlan(target, "factors", "sketch", sketch, size, within, request.seed)
