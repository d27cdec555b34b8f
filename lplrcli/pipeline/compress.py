"""A matrix and a target to a factorization: the algorithm in the paper's order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from lplrcli.linalg.passes import Passes
from lplrcli.linalg.probe import Probe
from lplrcli.linalg.single_pass import range_size
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.decode.factors import on_grid
from lplrcli.pipeline.engines import packed, paper
from lplrcli.pipeline.measure.error import measure
from lplrcli.pipeline.memory_needs import require_for_compressing
from lplrcli.planning.pass_budget import MEASURED, iterations_within
from lplrcli.planning.targets import ENGINES, check_sketch, require, target_of
from lplrcli.runtime.parallel import usable_cpus, work_mapped_by

ENGINE_POWER_ITERATIONS = 2
ENGINE_OVERSAMPLING = 8
"""Together within 2 % of the best possible truncation error on every spectrum measured, see
benchmarks/power_iterations.py; ``lplr`` has neither, as the paper has it."""


def compress(
    source: MatrixSource,
    *,
    method: str | None = None,
    rank: int | None = None,
    bits: int | None = None,
    bits_right: int | None = None,
    bpc: float | None = None,
    ratio: float | None = None,
    size: int | None = None,
    rel_error: float | None = None,
    max_abs_error: float | None = None,
    mode: str | None = None,
    transform: str | None = None,
    center: str | None = None,
    passes: int | None = None,
    sketch: str | None = None,
    oversampling: int | None = None,
    power_iterations: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    name: str | None = None,
) -> Factorization:
    """Compress a matrix and measure the error of what decoding will give back.

    Parameters
    ----------
    source : MatrixSource
        The matrix A (n x d).
    method : str, optional
        ``rate-distortion``, the default where a size or an error is asked for; ``packed``, the
        default for a rank alone; or one of the paper's: ``lplr``, ``lsvd``, ``dsvd``, ``nq``.
    rank : int, optional
        Most components; more than min(n, d) means min(n, d). Not for ``nq``; may be left out
        for ``rate-distortion``.
    bits, bits_right : int, optional
        Bits per entry of the left and of the right factor, 1 to 16, the former 4 and the latter
        equal to it by default: means, and upper bounds to the size, for ``packed``; exact for the
        paper's methods.
    bpc, ratio, size : float, float, int, optional
        Most bits per coordinate, least compression ratio, or most bytes, of the whole file.
    rel_error : float, optional
        Largest relative Frobenius error of the decoded matrix.
    max_abs_error : float, optional
        Largest absolute error of any of its entries.
    mode : str, optional
        Force ``factors``, ``factors+residual`` or ``direct``.
    transform : str, optional
        The only one to try, ``dct``, ``cdf97``, ``cdf97-tensor`` or, of factors, ``klt``, or
        ``none``; any by default.
    center : str, optional
        Means stored apart: ``mean-row`` (the mean over the rows, 1 x d), ``mean-column`` (over
        the columns, n x 1), ``both``, ``auto`` for what is predicted to pay; ``none``, the
        default.
    passes : int, optional
        How often the matrix may be read, the measurement of the error included. With 1 or 2 the
        error is estimated; with 1 every block is visited once and in order. A size or an error
        then means mode ``factors``; an error needs 3 or more, a size below that a rank.
    sketch : str, optional
        ``gaussian``, the default, ``srht`` or ``sparse-sign``.
    oversampling : int, optional
        Columns of the sketch beyond the rank, 8 by default, 3 r + 1 for one pass; for ``packed``
        only.
    power_iterations : int, optional
        Products with AᵀA: 2 by default for the engines, 0 for ``lplr``.
    seed : int
        Of the sketch.
    threads : int, optional
        The bytes do not depend on it. All usable processors by default.
    name : str, optional
        Name that the matrix will have in the file: it counts towards the size.

    Raises
    ------
    PlanError
        If the options contradict each other or the matrix.
    TargetUnreachableError
        If the size or the error cannot be reached.
    InputError
        If the matrix cannot be read or holds NaN or infinity.
    """
    threads = usable_cpus() if threads is None else threads
    require(threads >= 1, "number of threads out of range", threads, "1 or more")
    plan = first_plan(
        source.shape,
        source.dtype,
        method=method,
        rank=rank,
        bits=bits,
        bits_right=bits_right,
        bpc=bpc,
        ratio=ratio,
        size=size,
        rel_error=rel_error,
        max_abs_error=max_abs_error,
        mode=mode,
        transform=transform,
        center=center,
        passes=passes,
        sketch=sketch,
        oversampling=oversampling,
        power_iterations=power_iterations,
        seed=seed,
    )
    return carried_out(passes_over(source, plan, threads), plan, threads, name)


def passes_over(source: MatrixSource, plan: CompressionPlan, threads: int) -> Passes:
    """Passes over a matrix, no more than the plan allows."""
    limit = plan.target.passes
    estimated = limit is not None and limit < MEASURED
    return Passes(source, threads, limit, Probe(plan.seed) if estimated else None)


def first_plan(
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    *,
    sketch: str | None = None,
    oversampling: int | None = None,
    power_iterations: int | None = None,
    seed: int = 0,
    **asked: Any,
) -> CompressionPlan:
    """What the options of `compress` ask for, before the matrix is looked at.

    Parameters
    ----------
    shape : tuple of int
        Of the matrix.
    dtype : numpy.dtype
        Of its entries as stored.
    sketch, oversampling, power_iterations, seed
        See `compress`.
    **asked
        The other options of `compress`, as `lplrcli.planning.targets.target_of` takes them.

    Raises
    ------
    PlanError
        If the options contradict each other or the matrix.
    """
    target = target_of(shape, dtype, **asked)
    check_sketch(target.method, sketch, oversampling, power_iterations, seed, target.passes)
    return _plan(target, shape, sketch or "gaussian", oversampling, power_iterations, seed)


def carried_out(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> Factorization:
    """The factorization that a plan asks for, measured; several may share their `passes`."""
    source = passes.source
    require_for_compressing(source, plan, threads)
    # One BLAS thread for each of ours: two pools would fight for the processors, and the order
    # in which BLAS splits a product among its threads must not decide bytes.
    with threadpool_limits(1, "blas"), work_mapped_by(source.distribute):
        if plan.target.method == "rate-distortion":
            # Imported here: the memory that the packed engine takes is counted in megabytes.
            from lplrcli.pipeline.engines import rate_distortion
            from lplrcli.pipeline.predict import estimates

            plan = estimates.settled(passes, plan, threads, name)
            return rate_distortion.factorize(passes, plan, threads, name)
        wanted = min(plan.target.rank or min(source.shape), *source.shape)
        left, right, residual, plan, bound = _factorize(passes, plan, wanted, threads)
        scan = passes.scan()
        unmeasured = ErrorReport(
            0.0, None, exact=False, source_norm=scan.source_norm, passes=0, bound=bound
        )
        unfolding = source.unfolding
        factorization = Factorization(
            shape=source.shape,
            dtype=source.dtype.name,
            left=on_grid(left, unfolding.row_grid),
            right=on_grid(right, unfolding.column_grid),
            residual=residual,
            plan=plan,
            report=unmeasured,
            source={"format": source.format},
            array_shape=unfolding.array_shape,
            unfold=unfolding.axes,
        )
        return replace(factorization, report=measure(passes, factorization, scan, threads))


def _factorize(
    passes: Passes, plan: CompressionPlan, rank: int, threads: int
) -> tuple[
    QuantizedFactor | None, QuantizedFactor | None, QuantizedFactor | None, CompressionPlan,
    float | None,
]:  # fmt: skip
    """Left, right and residual factor, the plan completed, and the theorem's bound."""
    method = plan.target.method
    if method == "nq":
        return None, None, paper.nq(passes, plan), plan, None
    bound = None
    if method == "packed":
        left, right, basis = packed.factorize(passes, plan, rank, threads)
        plan = replace(plan, basis=basis)
        if basis == "gram":
            plan = replace(plan, sketch=None, sketch_size=None, power_iterations=None)
    elif method == "lplr":
        left, right, bound = paper.lplr(passes, plan, rank, threads)
    elif method == "lsvd":
        left, right = paper.lsvd(passes, plan, rank, threads)
    else:
        left, right = paper.dsvd(passes, plan, rank, threads)
    return left, right, None, replace(plan, exponent=passes.scan().exponent), bound


def _plan(
    target: Target,
    shape: tuple[int, int],
    sketch: str,
    oversampling: int | None,
    power_iterations: int | None,
    seed: int,
) -> CompressionPlan:
    method, possible = target.method, min(shape)
    rank = min(target.rank or possible, possible)
    if method == "lplr":
        return CompressionPlan(
            target, "factors", "sketch", sketch, rank, power_iterations or 0, seed
        )
    if method not in ENGINES:
        mode, basis = ("direct", "none") if method == "nq" else ("factors", "svd")
        return CompressionPlan(target, mode, basis, None, None, None, seed)
    size = None if oversampling is None else min(rank + oversampling, possible)
    if target.passes == 1:
        size = range_size(rank, shape) if size is None else size
        return CompressionPlan(target, "factors", "single-pass", sketch, size, None, seed)
    iterations = ENGINE_POWER_ITERATIONS if power_iterations is None else power_iterations
    within = iterations_within(target.passes, iterations)
    if size is None and (method == "packed" or (target.passes and target.rank)):
        # The basis is as large with fewer iterations, as they make it of their products.
        size = min((rank + ENGINE_OVERSAMPLING) * iterations // within, possible)
    return CompressionPlan(target, "factors", "sketch", sketch, size, within, seed)
