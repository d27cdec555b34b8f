"""The error of a sparse matrix of any shape, from inner products: nothing is made dense.

``‖A − Â‖² = ‖A‖² − 2 <A, L R> + <LᵀL, R Rᵀ>``: the second term is a sum over the nonzeros of A, the
third one over Gram matrices of the factors. Means stored apart are two components more: with a
column of ones beside L, the mean row is a row of R; the mean column likewise.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.passes import Passes, Scan
from lplrcli.linalg.tall import gram_of
from lplrcli.model.compressed import Factorization
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import CsrRows, RowBlock
from lplrcli.pipeline.decode.factors import decode_factor

DENSE_ENTRIES = 2**28
"""Up to here a sparse matrix is compared entry by entry, a few rows at a time."""

LEAST_ERROR = 1e-4
"""What is smaller loses digits in a difference of squares near 1; its own is 1e-8 of them."""


def follows_from_inner_products(passes: Passes, factorization: Factorization) -> bool:
    """Whether `measure_sparse` is for this matrix: sparse and large, no residual to be decoded."""
    rows, columns = passes.shape
    return (
        passes.source.sparse
        and rows * columns > DENSE_ENTRIES
        and factorization.residual is None
        and factorization.left is not None
    )


def measure_sparse(
    passes: Passes, factorization: Factorization, scan: Scan, threads: int
) -> ErrorReport:
    """Relative Frobenius error of `factorization` against the sparse matrix it was made from.

    All sums are in float64. Exact, unless the error is below `LEAST_ERROR` or decoding rounds to
    integers or narrow floats. The largest error is not known: it may lie at any of the zeros.

    Parameters
    ----------
    passes : Passes
        The original A (n x d); one more pass is made over it.
    factorization : Factorization
        Its compressed form, without a residual.
    scan : Scan
        Range and norm of A.
    threads : int
        The result does not depend on it.
    """
    left, right = _components(factorization, passes.dtype, threads)
    task = partial(_inner, right=np.ascontiguousarray(right.T))
    inner = math.fsum(passes.map_scaled("measurement", task, left))
    product = float(np.sum(gram_of(left.T, threads) * gram_of(right.T, threads)))
    shift = factorization.plan.exponent - scan.exponent
    error = _relative_error(scan.norm, inner, math.sqrt(max(product, 0.0)), shift)
    return ErrorReport(
        relative_frobenius_error=error,
        max_abs_error=None,
        exact=_decodes_unrounded(factorization) and (scan.norm == 0 or error >= LEAST_ERROR),
        source_norm=scan.source_norm,
        passes=passes.count,
        bound=factorization.report.bound,
        bytes_read=passes.bytes_read,
    )


def is_good_enough(report: ErrorReport, factorization: Factorization) -> bool:
    """Whether what `measure_sparse` found can stand, or every entry is to be looked at after all.

    An error near zero is worth it, and one that was asked for: rounding to integers may break it.
    """
    rounds_unasked = (
        not _decodes_unrounded(factorization) and factorization.plan.target.relative_error is None
    )
    return report.exact or rounds_unasked


def _decodes_unrounded(factorization: Factorization) -> bool:
    return factorization.dtype in ("float32", "float64")


def _components(
    factorization: Factorization, dtype: np.dtype[Any], threads: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lᵀ and R of the whole decoded matrix, means included."""
    if factorization.left is None or factorization.right is None:
        raise TypeError("inner products need both factors")
    rows, columns = factorization.shape
    left = [decode_factor(factorization.left, dtype, threads=threads)]
    right = [decode_factor(factorization.right, dtype, threads=threads)]
    if factorization.mean_row is not None:
        left.append(np.ones((1, rows), dtype))
        right.append(decode_factor(factorization.mean_row, dtype))
    if factorization.mean_column is not None:
        left.append(decode_factor(factorization.mean_column, dtype))
        right.append(np.ones((1, columns), dtype))
    if len(left) == 1:
        return left[0], right[0]
    return np.concatenate(left), np.concatenate(right)


def _inner(block: RowBlock, right: NDArray[Any]) -> float:
    """``<A, L R>`` over the block."""
    from lplrcli.kernels.sparse import csr_inner_product

    values = block.values
    if not isinstance(values, CsrRows) or block.beside is None:
        raise TypeError("inner products are for sparse rows, with those of the left factor")
    left = np.ascontiguousarray(block.beside.T)
    return float(csr_inner_product(values.indptr, values.indices, values.data, left, right))


def _relative_error(norm: float, inner: float, product_norm: float, shift: int) -> float:
    """``‖A − 2**shift B‖ / ‖A‖`` given ``‖A‖``, ``<A, B>`` and ``‖B‖``, without overflow."""
    if norm == 0:
        return math.inf if product_norm else 0.0
    if product_norm == 0:
        return 1.0
    if not math.isfinite(product_norm):
        return math.inf
    # ‖A‖ and ‖B‖ as numbers near 1 times powers of two, of which only the quotient matters.
    (unit, own), (other, others) = math.frexp(norm), math.frexp(product_norm)
    quotient = others + shift - own
    if quotient > 500:
        return math.ldexp(other / unit, quotient) if quotient < 1000 else math.inf
    cosine = inner / norm / product_norm
    length = math.ldexp(other / unit, quotient)
    return math.sqrt(max(1 - 2 * cosine * length + length**2, 0.0))
