"""Products of a block of rows, dense or sparse: the one place where the two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.source import CsrRows


class RightOperand(Protocol):
    """Something that a block of rows can be multiplied by from the right."""

    @property
    def columns(self) -> int:
        """Columns of the product."""
        ...

    def multiply(self, values: NDArray[Any] | CsrRows) -> NDArray[Any]:
        """``values @ operand``, of shape (rows, columns)."""
        ...


@dataclass(frozen=True)
class Dense:
    """A dense right operand.

    Attributes
    ----------
    matrix : ndarray, shape (d, k)
        In the working precision, C-contiguous.
    """

    matrix: NDArray[Any]

    @property
    def columns(self) -> int:
        """Columns of the product."""
        return int(self.matrix.shape[1])

    def multiply(self, values: NDArray[Any] | CsrRows) -> NDArray[Any]:
        """``values @ matrix``."""
        if isinstance(values, CsrRows):
            from lplrcli.kernels.sparse import csr_times_dense

            out = np.zeros((values.shape[0], self.columns), self.matrix.dtype)
            csr_times_dense(values.indptr, values.indices, values.data, self.matrix, out)
            return out
        product: NDArray[Any] = values @ self.matrix
        return product


def transposed_times(values: NDArray[Any] | CsrRows, y: NDArray[Any]) -> NDArray[Any]:
    """``valuesᵀ @ y``, of shape (d, k), for y of shape (rows, k)."""
    if isinstance(values, CsrRows):
        from lplrcli.kernels.sparse import csr_transposed_times_dense

        out = np.zeros((values.shape[1], y.shape[1]), y.dtype)
        y = np.ascontiguousarray(y)
        csr_transposed_times_dense(values.indptr, values.indices, values.data, y, out)
        return out
    product: NDArray[Any] = values.T @ y
    return product


def gram_of_rows(values: CsrRows) -> NDArray[np.float64]:
    """``valuesᵀ @ values`` of sparse rows, of shape (d, d), in float64."""
    from lplrcli.kernels.sparse import csr_gram

    out = np.zeros((values.shape[1], values.shape[1]))
    csr_gram(values.indptr, values.indices, values.data, out)
    return out


def stored_entries(values: NDArray[Any] | CsrRows) -> NDArray[Any]:
    """The entries that are stored, flat, in memory order: no copy."""
    entries = values.data if isinstance(values, CsrRows) else values
    return entries.ravel(order="K")


def scaled(values: NDArray[Any], exponent: int) -> NDArray[Any]:
    """``2**exponent * values``, exactly; `values` themselves for an exponent of 0."""
    return np.ldexp(values, exponent) if exponent else values


def position_of_nonfinite(values: NDArray[Any] | CsrRows) -> tuple[int, tuple[int, int]]:
    """How many entries are NaN or infinite, and row and column of the first in row order."""
    if isinstance(values, CsrRows):
        wrong = np.flatnonzero(~np.isfinite(values.data))
        row = int(np.searchsorted(values.indptr, wrong[0], side="right")) - 1
        return len(wrong), (row, int(values.indices[wrong[0]]))
    places = np.argwhere(~np.isfinite(values))
    return len(places), (int(places[0, 0]), int(places[0, 1]))


def dense_rows(values: NDArray[Any] | CsrRows, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The rows as a dense array: for a few rows at a time only."""
    if isinstance(values, CsrRows):
        out = np.zeros(values.shape, dtype)
        rows = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
        out[rows, values.indices] = values.data
        return out
    return values.astype(dtype, copy=False)
