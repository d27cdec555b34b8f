"""What is opened: an object that gives whole rows, the same face for every format."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.io.handles.dtypes import to_native
from lplrcli.io.handles.unfolding import boxes
from lplrcli.model.source import CsrRows, Unfolding, working_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 2 << 20  # what a second-level cache holds from one product to the next
_CHUNK_BYTES = 16 << 20  # a block of whole chunks may be this large


class Handle(ABC):
    """Rows of a matrix on demand; asked from several threads at once.

    Attributes
    ----------
    unfolding : Unfolding
        The array, and the grids of rows and columns.
    dtype : numpy.dtype
        Native type of the entries.
    sparse : bool
        Whether ``handle[a:b]`` gives `CsrRows` in place of an ndarray.
    block_rows : int
        Rows that are best read at a time. Depends on the matrix alone.
    """

    unfolding: Unfolding
    dtype: np.dtype[Any]
    sparse: bool = False
    block_rows: int
    _columns: CsrRows | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, both at least 1."""
        return self.unfolding.matrix_shape

    @abstractmethod
    def __getitem__(self, rows: slice) -> NDArray[Any] | CsrRows:
        """Give rows ``rows.start : rows.stop``; dense ones in C order and native bytes."""

    def unfolded(self, unfolding: Unfolding) -> Handle:
        """The same array, unfolded in another way; it reads what this one has opened."""
        other = copy.copy(self)
        other.unfolding = unfolding
        other._arrange()
        return other

    def _arrange(self) -> None:  # noqa: B027 - a matrix has one unfolding
        """Choose what depends on the unfolding, blocks above all."""

    def expect(self, start: int, stop: int) -> None:  # noqa: B027 - most are read when asked
        """Take note that the rows will be asked for soon: reading them may begin."""

    def columns(self) -> CsrRows | None:
        """The transpose of a sparse matrix: as large, made when first asked for, and kept."""
        if self.sparse and self._columns is None:
            rows = self[0 : self.shape[0]]
            self._columns = columns_of(rows) if isinstance(rows, CsrRows) else None
        return self._columns

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


def chunked_block_rows(unfolding: Unfolding, dtype: np.dtype[Any], chunks: Any) -> int:
    """Rows of a block of an array that is stored in chunks.

    A multiple of what a layer of chunks across the array has of rows, so that no chunk is read
    twice, unless one layer is larger than 16 MiB; then that of a contiguous array.

    Parameters
    ----------
    unfolding, dtype
        Of the array.
    chunks : tuple of int or None
        Extents of a chunk (h5py and zarr call it so); None where there are none.
    """
    shape = unfolding.matrix_shape
    rows = dense_block_rows(shape, dtype)
    height = layer_rows(unfolding, chunks)
    if height is None or height * shape[1] * dtype.itemsize > _CHUNK_BYTES:
        return rows
    return max(1, rows // height) * height


def layer_rows(unfolding: Unfolding, chunks: Any) -> int | None:
    """Rows of the matrix in a layer of chunks, one along the first axis; None without chunks."""
    shape = unfolding.array_shape
    if not isinstance(chunks, tuple) or len(chunks) != len(shape):
        return None
    if not isinstance(chunks[0], int) or chunks[0] < 1:
        return None
    return min(chunks[0], shape[0]) * math.prod(shape[1 : unfolding.axes])


class ArrayHandle(Handle):
    """An array whose ``array[a:b]`` gives rows, or slabs that unfold to rows.

    Parameters
    ----------
    array : array-like
        With ``array[a:b]``; with three to five dimensions also ``array[a:b, c:d]`` and so on, as
        many slices as there are axes unfolded to rows.
    unfolding, dtype
        As checked by `lplrcli.io.handles.unfolding` and `lplrcli.io.handles.dtypes`.
    block_rows : int, optional
        By default `chunked_block_rows`.
    """

    def __init__(
        self,
        array: Any,
        unfolding: Unfolding,
        dtype: np.dtype[Any],
        block_rows: int | None = None,
    ) -> None:
        self.unfolding = unfolding
        self.dtype = dtype
        self._array = array
        self._arrange()
        if block_rows is not None:
            self.block_rows = block_rows

    def _arrange(self) -> None:
        chunks = getattr(self._array, "chunks", None)
        self.block_rows = chunked_block_rows(self.unfolding, self.dtype, chunks)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        unfolding = self.unfolding
        if unfolding.axes == 1:
            slab = np.asarray(self._array[rows.start : rows.stop])
            return to_native(slab.reshape(len(slab), -1), self.dtype)
        leading = unfolding.array_shape[: unfolding.axes]
        slabs = [np.asarray(self._array[box]) for box in boxes(leading, rows.start, rows.stop)]
        parts = [slab.reshape(-1, unfolding.matrix_shape[1]) for slab in slabs]
        return to_native(parts[0] if len(parts) == 1 else np.concatenate(parts), self.dtype)

    def close(self) -> None:
        """Let go of the array."""
        self._array = None


def columns_of(rows: CsrRows) -> CsrRows:
    """The transpose of a sparse matrix: as large, entries of the same type."""
    from scipy.sparse import csr_array

    turned = csr_array((rows.data, rows.indices, rows.indptr), rows.shape, copy=False).tocsc()
    return CsrRows(rows.shape[::-1], turned.indptr.astype(np.int64), turned.indices, turned.data)


def joined_rows(pieces: Sequence[CsrRows]) -> CsrRows:
    """Pieces of a sparse matrix, in row order, as one."""
    ends = accumulate(len(piece.data) for piece in pieces)
    indptr = [
        piece.indptr[1:] + end - len(piece.data) for piece, end in zip(pieces, ends, strict=True)
    ]
    return CsrRows(
        shape=(sum(piece.shape[0] for piece in pieces), pieces[0].shape[1]),
        indptr=np.concatenate([pieces[0].indptr[:1], *indptr]),
        indices=np.concatenate([piece.indices for piece in pieces]),
        data=np.concatenate([piece.data for piece in pieces]),
    )


class CsrHandle(Handle):
    """A sparse matrix in compressed sparse row form, without duplicates.

    Parameters
    ----------
    matrix : scipy.sparse CSR array or matrix
        Canonical; not changed.
    unfolding : Unfolding
        Of a matrix: sparse arrays have two dimensions here.
    dtype : numpy.dtype
        Type of the entries as stored; blocks hold them in `working_dtype`.
    """

    sparse = True

    def __init__(self, matrix: Any, unfolding: Unfolding, dtype: np.dtype[Any]) -> None:
        self.unfolding = unfolding
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
