"""What is opened: an object that gives whole rows, the same face for every format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.io.dtypes import to_native
from lplrcli.model.source import CsrRows, working_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 2 << 20  # what a second-level cache holds from one product to the next


class Handle(ABC):
    """Rows of a matrix on demand; asked from several threads at once.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns, both at least 1.
    dtype : numpy.dtype
        Native type of the entries.
    sparse : bool
        Whether ``handle[a:b]`` gives `CsrRows` in place of an ndarray.
    block_rows : int
        Rows that are best read at a time. Depends on the matrix alone.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    sparse: bool = False
    block_rows: int

    @abstractmethod
    def __getitem__(self, rows: slice) -> NDArray[Any] | CsrRows:
        """Give rows ``rows.start : rows.stop``; dense ones in C order and native bytes."""

    def release(self, start: int, stop: int) -> None:  # noqa: B027 - most have nothing to free
        """Take note that the rows are not needed for now."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Give back files."""


def dense_block_rows(shape: tuple[int, int], dtype: np.dtype[Any]) -> int:
    """Rows of about 2 MiB: a multiple of 8 where that many fit, never less than 1."""
    rows = max(1, BLOCK_BYTES // (shape[1] * dtype.itemsize))
    return rows // 8 * 8 if rows >= 8 else rows


def sparse_block_rows(rows: int) -> int:
    """Rows of a block of a sparse matrix: about 32 blocks, of 1024 to 65536 rows each."""
    return min(max(rows // 32, 1024), 65536)


class ArrayHandle(Handle):
    """An array whose ``array[a:b]`` gives rows.

    Parameters
    ----------
    array : array-like
        Two-dimensional, with ``array[a:b]``.
    shape, dtype
        As checked by `lplrcli.io.dtypes`.
    block_rows : int, optional
        By default `dense_block_rows`.
    """

    def __init__(
        self,
        array: Any,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        block_rows: int | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.block_rows = block_rows or dense_block_rows(shape, dtype)
        self._array = array

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        return to_native(np.asarray(self._array[rows.start : rows.stop]), self.dtype)

    def close(self) -> None:
        """Let go of the array."""
        self._array = None


class CsrHandle(Handle):
    """A sparse matrix in compressed sparse row form, without duplicates.

    Parameters
    ----------
    matrix : scipy.sparse CSR array or matrix
        Canonical; not changed.
    dtype : numpy.dtype
        Type of the entries as stored; blocks hold them in `working_dtype`.
    """

    sparse = True

    def __init__(self, matrix: Any, dtype: np.dtype[Any]) -> None:
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.dtype = dtype
        self.block_rows = sparse_block_rows(self.shape[0])
        self._working = working_dtype(dtype)
        self._indptr = matrix.indptr
        self._indices = matrix.indices
        self._data = matrix.data

    def __getitem__(self, rows: slice) -> CsrRows:
        indptr = self._indptr[rows.start : rows.stop + 1].astype(np.int64)
        begin, end = int(indptr[0]), int(indptr[-1])
        return CsrRows(
            shape=(rows.stop - rows.start, self.shape[1]),
            indptr=indptr - begin,
            indices=self._indices[begin:end],
            data=self._data[begin:end].astype(self._working, copy=False),
        )
