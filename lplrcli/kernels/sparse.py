"""Products with sparse operands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel, summing_kernel

RUN = 256
"""Entries of a row that are added up in the precision of the factor before their sum is added to
`out`: sums of a long row in float32 keep their digits where `out` is in float64."""


@kernel
def csr_times_dense(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[Any],
    x: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Add A x to `out`, for A in compressed sparse row form.

    Parameters
    ----------
    indptr, indices, data : ndarray
        A (m x d), as in `lplrcli.model.source.CsrRows`.
    x : ndarray, shape (d, k)
        Entries of a row lie side by side.
    out : ndarray, shape (m, k)
        Added to; at least as precise as `x`.
    """
    width = x.shape[1]
    # The sum has memory of its own, which cannot alias `x`, and `out` is written once a run.
    total = np.empty(width, x.dtype)
    for i in range(indptr.size - 1):
        end = indptr[i + 1]
        for start in range(indptr[i], end, RUN):
            total[:] = 0
            for p in range(start, min(start + RUN, end)):
                value = data[p]
                j = indices[p]
                for k in range(width):
                    total[k] += value * x[j, k]
            for k in range(width):
                out[i, k] += total[k]


@kernel
def csr_transposed_times_dense(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[Any],
    y: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Add Aᵀ y to `out`, for A in compressed sparse row form.

    Parameters
    ----------
    indptr, indices, data : ndarray
        A (m x d), as in `lplrcli.model.source.CsrRows`.
    y : ndarray, shape (m, k)
        C-contiguous.
    out : ndarray, shape (d, k)
        C-contiguous; added to.
    """
    for i in range(indptr.size - 1):
        row = y[i]
        for p in range(indptr[i], indptr[i + 1]):
            value = data[p]
            other = out[indices[p]]
            for k in range(row.size):
                other[k] += value * row[k]


@kernel
def csr_gram(
    indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[Any], out: NDArray[np.float64]
) -> None:
    """Add Aᵀ A to `out`, for A in compressed sparse row form; products are in float64.

    Parameters
    ----------
    indptr, indices, data : ndarray
        A (m x d), as in `lplrcli.model.source.CsrRows`.
    out : ndarray of float64, shape (d, d)
        Added to.
    """
    for i in range(indptr.size - 1):
        for p in range(indptr[i], indptr[i + 1]):
            value = np.float64(data[p])
            row = out[indices[p]]
            for q in range(indptr[i], indptr[i + 1]):
                row[indices[q]] += value * np.float64(data[q])


@summing_kernel
def csr_inner_product(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[Any],
    left: NDArray[Any],
    right: NDArray[Any],
) -> float:
    """Compute ``<A, L Rᵀ>``, the sum of entrywise products, in float64.

    Parameters
    ----------
    indptr, indices, data : ndarray
        A (m x d), as in `lplrcli.model.source.CsrRows`.
    left : ndarray, shape (m, r)
        C-contiguous.
    right : ndarray, shape (d, r)
        C-contiguous: the transposed right factor.
    """
    total = 0.0
    for i in range(indptr.size - 1):
        row = left[i]
        for p in range(indptr[i], indptr[i + 1]):
            other = right[indices[p]]
            product = 0.0
            for k in range(row.size):
                product += np.float64(row[k]) * np.float64(other[k])
            total += data[p] * product
    return total


@kernel
def dense_times_sparse_sign(
    values: NDArray[Any], columns: NDArray[np.int32], signs: NDArray[Any], out: NDArray[Any]
) -> None:
    """Add ``values S`` to `out`, for a sketch S with a fixed number of nonzeros in every row.

    Parameters
    ----------
    values : ndarray, shape (m, d)
        Rows of the matrix sketched.
    columns : ndarray of int32, shape (d, z)
        Columns of the nonzeros of each row of S.
    signs : ndarray, shape (d, z)
        Values of these nonzeros.
    out : ndarray, shape (m, k)
        Added to.
    """
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            value = values[i, j]
            for t in range(columns.shape[1]):
                out[i, columns[j, t]] += value * signs[j, t]
