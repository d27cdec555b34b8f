"""A matrix and a target to a factorization: the algorithm in the paper's order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from threadpoolctl import threadpool_limits

from lplrcli.errors import PlanError
from lplrcli.linalg.passes import Passes
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.parallel import usable_cpus
from lplrcli.model.plan import METHODS, SKETCHES, CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline import baselines, packed
from lplrcli.pipeline.assess import measure
from lplrcli.planning.bit_allocation import MAX_BITS

ENGINE_POWER_ITERATIONS = 2
ENGINE_OVERSAMPLING = 8
"""Together within 2 % of the best possible truncation error on every spectrum measured, see
benchmarks/power_iterations.py; ``lplr`` has neither, as the paper has it."""


def compress(
    source: MatrixSource,
    *,
    method: str = "packed",
    rank: int | None = None,
    bits: int = 4,
    bits_right: int | None = None,
    sketch: str | None = None,
    oversampling: int | None = None,
    power_iterations: int | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Factorization:
    """Compress a matrix and measure the error of what decoding will give back.

    Parameters
    ----------
    source : MatrixSource
        The matrix A (n x d).
    method : str
        ``packed``, the engine, or one of the paper's: ``lplr``, ``lsvd``, ``dsvd``, ``nq``.
    rank : int
        Most components; more than min(n, d) means min(n, d). Not for ``nq``.
    bits, bits_right : int
        Bits per entry of the left and of the right factor, 1 to 16, the latter equal to the
        former by default: means, and upper bounds to the size, for ``packed``; exact for the
        others.
    sketch : str, optional
        ``gaussian``, the default, ``srht`` or ``sparse-sign``.
    oversampling : int, optional
        Columns of the sketch beyond the rank: 8 by default for ``packed``; none for ``lplr``,
        whose left factor is the sketch itself.
    power_iterations : int, optional
        Products with AᵀA: 2 by default for ``packed``, 0 for ``lplr``.
    seed : int
        Of the sketch.
    threads : int, optional
        The bytes do not depend on it. All usable processors by default.

    Raises
    ------
    PlanError
        If the options contradict each other or the matrix.
    InputError
        If the matrix cannot be read or holds NaN or infinity.
    """
    threads = usable_cpus() if threads is None else threads
    _check(method, rank, bits, bits_right, sketch, oversampling, power_iterations, seed, threads)
    right_bits = bits if bits_right is None else bits_right
    target = Target(method, rank, bits, right_bits)
    possible = min(source.shape)
    wanted = min(rank or possible, possible)
    plan = _plan(
        target, wanted, possible, sketch or "gaussian", oversampling, power_iterations, seed
    )
    passes = Passes(source)
    # One BLAS thread for each of ours: two pools would fight for the processors, and the order
    # in which BLAS splits a product among its threads must not decide bytes.
    with threadpool_limits(1, "blas"):
        left, right, residual, plan, bound = _factorize(passes, plan, wanted, threads)
        scan = passes.scan()
        unmeasured = ErrorReport(
            0.0, None, exact=False, source_norm=scan.source_norm, passes=0, bound=bound
        )
        factorization = Factorization(
            shape=source.shape,
            dtype=source.dtype.name,
            left=left,
            right=right,
            residual=residual,
            plan=plan,
            report=unmeasured,
            source={"format": source.format},
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
        return None, None, baselines.nq(passes, plan), plan, None
    bound = None
    if method == "packed":
        left, right, basis = packed.factorize(passes, plan, rank, threads)
        plan = replace(plan, basis=basis)
        if basis != "sketch":
            plan = replace(plan, sketch=None, sketch_size=None, power_iterations=None)
    elif method == "lplr":
        left, right, bound = baselines.lplr(passes, plan, rank, threads)
    elif method == "lsvd":
        left, right = baselines.lsvd(passes, plan, rank, threads)
    else:
        left, right = baselines.dsvd(passes, plan, rank, threads)
    return left, right, None, replace(plan, exponent=passes.scan().exponent), bound


def _plan(
    target: Target,
    rank: int,
    possible: int,
    sketch: str,
    oversampling: int | None,
    power_iterations: int | None,
    seed: int,
) -> CompressionPlan:
    method = target.method
    if method == "packed":
        extra = ENGINE_OVERSAMPLING if oversampling is None else oversampling
        iterations = ENGINE_POWER_ITERATIONS if power_iterations is None else power_iterations
        return CompressionPlan(
            target, "factors", "sketch", sketch, min(rank + extra, possible), iterations, seed
        )
    if method == "lplr":
        return CompressionPlan(
            target, "factors", "sketch", sketch, rank, power_iterations or 0, seed
        )
    mode, basis = ("direct", "none") if method == "nq" else ("factors", "svd")
    return CompressionPlan(target, mode, basis, None, None, None, seed)


def _check(
    method: str,
    rank: int | None,
    bits: int,
    bits_right: int | None,
    sketch: str | None,
    oversampling: int | None,
    power_iterations: int | None,
    seed: int,
    threads: int,
) -> None:
    """Raise `PlanError` for the first option that makes no sense."""
    _require(method in METHODS, "unknown method", method, " or ".join(METHODS))
    for name, value in (("bits", bits), ("bits_right", bits_right)):
        valid = value is None or 1 <= value <= MAX_BITS
        _require(valid, f"{name} out of range", value, f"1 to {MAX_BITS}")
    if method == "nq":
        _require(rank is None, "method nq stores no factors, so no rank", rank, None)
        _require(bits_right is None, "method nq has no right factor", bits_right, None)
    else:
        found = "no rank" if rank is None else rank
        _require(
            rank is not None and rank >= 1, f"method {method} needs a rank", found, "1 or more"
        )
    iterated = method in ("packed", "lplr")
    if sketch is not None:
        _require(sketch in SKETCHES, "unknown sketch", sketch, " or ".join(SKETCHES))
        _require(iterated, f"method {method} makes no sketch", sketch, None)
    if power_iterations is not None:
        _require(iterated, f"method {method} makes no power iterations", power_iterations, None)
        least = 1 if method == "packed" else 0
        valid = power_iterations >= least
        _require(valid, "too few power iterations", power_iterations, f"{least} or more")
    if oversampling is not None:
        _require(method == "packed", f"method {method} has no oversampling", oversampling, None)
        _require(oversampling >= 0, "oversampling is negative", oversampling, "0 or more")
    _require(0 <= seed < 2**64, "seed out of range", seed, "0 to 2**64 - 1")
    _require(threads >= 1, "number of threads out of range", threads, "1 or more")


def _require(valid: bool, message: str, found: Any, expected: str | None) -> None:
    if not valid:
        raise PlanError(message, found=found, expected=expected)
