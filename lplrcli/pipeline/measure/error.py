"""The error of a decoded matrix, measured on every entry."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lplrcli.errors import InputError
from lplrcli.linalg.operands import dense_rows, scaled, stored_entries
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.probe import Probe
from lplrcli.linalg.scan import Scan
from lplrcli.model.compressed import Factorization
from lplrcli.model.report import GAUSSIAN_ROWS, ErrorReport
from lplrcli.model.source import CsrRows, MatrixSource, RowBlock
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.memory_needs import require_for_decoding
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.measure.identity import is_identical
from lplrcli.pipeline.measure.sparse_error import (
    follows_from_inner_products,
    is_good_enough,
    measure_sparse,
)
from lplrcli.runtime.stages import VERIFY, stage

_TILE_BYTES = 2**22

_WIDE_INTEGERS = (np.dtype(np.int64), np.dtype(np.uint64))


@stage(VERIFY)
def measure(passes: Passes, factorization: Factorization, scan: Scan, threads: int) -> ErrorReport:
    """Error of `factorization` against the matrix it was made from; an estimate without a pass.

    Parameters
    ----------
    passes : Passes
        The original A (n x d); one more pass is made over it, if that is allowed. Otherwise their
        probe tells the error, of what decoding will give back.
    factorization : Factorization
        Its compressed form.
    scan : Scan
        Range and norm of A.
    threads : int
        For decoding the factors.
    """
    if passes.probe is not None and not passes.allows(1):
        return _estimated(passes, passes.probe, factorization, scan, threads)
    if follows_from_inner_products(passes, factorization):
        found = measure_sparse(passes, factorization, scan, threads)
        if is_good_enough(found, factorization) or not passes.allows(1):
            return found
    reconstruction = Reconstruction(factorization, threads=threads)
    left = factorization.left
    decoded = (
        decode_factor(left, reconstruction.working, threads=threads)
        if left is not None
        else np.empty((0, passes.shape[0]), reconstruction.working)
    )
    exponent = square_safe_exponent(scan, factorization.report.source_norm)
    task = partial(compare, reconstruction=reconstruction, exponent=exponent)
    distances = passes.map_stored("measurement", task, decoded)
    report = report_of(*summed(distances), scan, exponent)
    return replace(
        report,
        passes=passes.count,
        bound=factorization.report.bound,
        bytes_read=passes.bytes_read,
    )


def summed(distances: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Squared and largest distance of all rows, given those of parts."""
    squares = largest = 0.0
    for part_squares, part_largest in distances:
        squares += part_squares
        largest = max(largest, part_largest)
    return squares, largest


def report_of(squares: float, largest: float, scan: Scan, exponent: int) -> ErrorReport:
    """What squared and largest distance over ``2**exponent`` come to, for rows of this norm."""
    return ErrorReport(
        relative_frobenius_error=_ratio(squares, _scaled_norm(scan, exponent) ** 2),
        max_abs_error=math.ldexp(largest, exponent),
        exact=True,
        source_norm=scan.source_norm,
        passes=0,
    )


def _estimated(
    passes: Passes, probe: Probe, factorization: Factorization, scan: Scan, threads: int
) -> ErrorReport:
    reconstruction = Reconstruction(factorization, threads=threads)
    blocks = (
        scaled(block.astype(np.float64), -passes.exponent) for block in reconstruction.blocks()
    )
    squares = probe.squared_distance(probe.times(blocks, passes.dtype))
    return ErrorReport(
        relative_frobenius_error=_ratio(squares, scan.norm**2),
        max_abs_error=None,
        exact=False,
        source_norm=scan.source_norm,
        passes=passes.count,
        bound=factorization.report.bound,
        estimator=GAUSSIAN_ROWS,
        bytes_read=passes.bytes_read,
    )


def assess(source: MatrixSource, factorization: Factorization, threads: int) -> ErrorReport:
    """Error of `factorization` against another copy of its original, in two passes.

    Raises
    ------
    InputError
        If the shapes differ, or the original holds NaN or infinity.
    MemoryLimitError
        If less memory is allowed than decoding needs.
    """
    return scan_and_assess(source, factorization, threads)[1]


def scan_and_assess(
    source: MatrixSource, factorization: Factorization, threads: int
) -> tuple[Scan, ErrorReport]:
    """Range and norm of an original, and the error of `factorization` against it, in two passes.

    Raises
    ------
    InputError
        If the shapes differ, or the original holds NaN or infinity.
    MemoryLimitError
        If less memory is allowed than decoding needs.
    """
    found = (source.unfolding.array_shape, source.shape)
    expected = (factorization.array_shape, factorization.shape)
    if found != expected:
        raise InputError(
            "the shape differs from that of the compressed array",
            path=source.name,
            found=_shape_text(*found),
            expected=_shape_text(*expected),
        )
    require_for_decoding(factorization, threads, source.name)
    passes = Passes(source, threads)
    with threadpool_limits(1, "blas"):
        if is_identical(passes, factorization, threads):
            norm = factorization.report.source_norm
            report = ErrorReport(0.0, 0.0, exact=True, source_norm=norm, passes=passes.count)
            return Scan(0.0, 0.0, norm, 0), report
        scan = passes.scan()
        return scan, measure(passes, factorization, scan, threads)


def _shape_text(array: tuple[int, ...], matrix: tuple[int, int]) -> str:
    text = " x ".join(map(str, array))
    return text if array == matrix else f"{text} as {matrix[0]} x {matrix[1]}"


def compare(
    block: RowBlock,
    reconstruction: Reconstruction,
    exponent: int,
    before: int = 0,
) -> tuple[float, float]:
    """Squared and largest distance of a block, over ``2**exponent``; Lᵀ lies beside it.

    Parameters
    ----------
    block : RowBlock
        Rows as they are stored.
    reconstruction : Reconstruction
        Rows of the matrix that they belong to.
    exponent : int
        Keeps squares within the range of float64.
    before : int
        Rows of the matrix before the first one that blocks are counted from.
    """
    rows, columns = block.values.shape
    height = max(1, _TILE_BYTES // (columns * 8))
    squares = largest = 0.0
    for start in range(0, rows, height):
        tile = _rows_of(block.values, start, min(start + height, rows))
        first = block.start + start
        left = _beside(block)[:, start : start + tile.shape[0]]
        decoded = reconstruction.product(left, before + first)
        total, worst = distance(tile, decoded, exponent)
        squares += total
        largest = max(largest, worst)
    return squares, largest


def distance(
    rows: NDArray[Any] | CsrRows, decoded: NDArray[Any], exponent: int
) -> tuple[float, float]:
    """Squared and largest distance of some rows and what they decode to, over ``2**exponent``."""
    from lplrcli.kernels.statistics import squared_distance

    stored = stored_entries(rows).dtype
    if stored == decoded.dtype and stored in _WIDE_INTEGERS:
        off = _integer_distances(dense_rows(rows, stored), decoded)
        off = scaled(off, -exponent).reshape(-1)
        squares, largest = squared_distance(off, np.zeros_like(off))
        return float(squares), float(largest)
    wide = np.dtype(np.float32 if stored == np.float32 else np.float64)
    original = np.ascontiguousarray(scaled(dense_rows(rows, wide), -exponent)).reshape(-1)
    found = scaled(decoded.astype(wide, copy=False), -exponent).reshape(-1)
    squares, largest = squared_distance(original, found)
    return float(squares), float(largest)


def _integer_distances(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Absolute differences of 64-bit integers, rounded once: above 2**53 float64 has not all."""
    larger, smaller = np.maximum(first, second), np.minimum(first, second)
    # Modulo 2**64, which is exact for either type: no difference is as large.
    off: NDArray[np.uint64] = larger.view(np.uint64) - smaller.view(np.uint64)
    return off.astype(np.float64)


def _rows_of(values: NDArray[Any] | CsrRows, start: int, stop: int) -> NDArray[Any] | CsrRows:
    return values.rows(start, stop) if isinstance(values, CsrRows) else values[start:stop]


def _scaled_norm(scan: Scan, exponent: int) -> float:
    return math.ldexp(scan.norm, scan.exponent - exponent)


def square_safe_exponent(scan: Scan, decoded_norm: float) -> int:
    """0, or the exponent of norms so large or small that squares leave float64's range."""
    exponents = [math.frexp(scan.norm)[1] + scan.exponent] if scan.norm else []
    exponents += [math.frexp(decoded_norm)[1]] if decoded_norm else []
    exponent = max(exponents, default=0)
    return exponent if abs(exponent) > 400 else 0


def _ratio(squares: float, norm: float) -> float:
    if squares == 0:
        return 0.0
    return float(np.sqrt(squares / norm)) if norm > 0 else float("inf")


def _beside(block: RowBlock) -> NDArray[Any]:
    if block.beside is None:
        raise TypeError("the rows of the left factor are missing")
    return block.beside
