"""Rows of an array that is a memory-mapped file, without keeping its pages.

Pages that were read stay resident until the system needs the memory, which makes a pass over a
file look, and be accounted for, as large as the file. They are dropped here once used: they
remain in the page cache, so the next pass over them reads no disk if memory is plentiful.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.io.dtypes import to_native
from lplrcli.io.handles import Handle, dense_block_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A fault maps the pages around the one asked for as well (64 KiB on Linux); a strided read of
# a column-major file thus makes more resident than it reads.
_FAULT_AROUND = 64 << 10
_GROUP_BYTES = 4 << 20


class MappedHandle(Handle):
    """An array in C or Fortran order inside a memory map.

    Parameters
    ----------
    stored : ndarray, shape (rows, columns)
        As stored, contiguous in either order; its memory is that of `mapping`.
    mapping : mmap.mmap
        A shared or read-only map of a file: dropping pages of a private one loses data.
    dtype : numpy.dtype
        Native type of the entries.
    """

    def __init__(self, stored: NDArray[Any], mapping: mmap.mmap, dtype: np.dtype[Any]) -> None:
        self.shape = (stored.shape[0], stored.shape[1])
        self.dtype = dtype
        self.block_rows = dense_block_rows(self.shape, dtype)
        self._stored: NDArray[Any] | None = stored
        self._mapping: mmap.mmap | None = mapping
        start_of_map = np.frombuffer(mapping, np.uint8, 1).ctypes.data
        self._offset = stored.ctypes.data - start_of_map
        self._by_columns = not stored.flags.c_contiguous
        if not self._by_columns and hasattr(mmap, "MADV_SEQUENTIAL"):
            mapping.madvise(mmap.MADV_SEQUENTIAL)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        assert self._stored is not None, "closed"
        if self._by_columns:
            return self._gather(self._stored, rows)
        return to_native(self._stored[rows.start : rows.stop], self.dtype)

    def release(self, start: int, stop: int) -> None:
        """Drop the pages of the rows; those of a column-major file are gone already."""
        if not self._by_columns:
            row_bytes = self.shape[1] * self.dtype.itemsize
            self._drop(start * row_bytes, stop * row_bytes)

    def close(self) -> None:
        """Unmap, once the last block is gone too."""
        self._stored = self._mapping = None

    def _gather(self, stored: NDArray[Any], rows: slice) -> NDArray[Any]:
        """Copy a block out of a column-major file, some columns at a time.

        The pages of each group of columns are dropped before the next is touched: a block of
        rows strides over the whole file.
        """
        height = rows.stop - rows.start
        itemsize = self.dtype.itemsize
        column_bytes = self.shape[0] * itemsize
        touched = min(column_bytes, height * itemsize + _FAULT_AROUND)
        group = max(1, _GROUP_BYTES // touched)
        block = np.empty((height, self.shape[1]), self.dtype)
        for left in range(0, self.shape[1], group):
            right = min(left + group, self.shape[1])
            columns = stored[rows.start : rows.stop, left:right]
            if columns.dtype.type is np.void:
                columns = columns.view(self.dtype)
            block[:, left:right] = columns
            self._drop(left * column_bytes, right * column_bytes)
        return block

    def _drop(self, begin: int, end: int) -> None:
        """Drop the pages of bytes ``begin : end`` of the array, rounded outwards."""
        if self._mapping is None:
            return
        begin = (self._offset + begin) // mmap.PAGESIZE * mmap.PAGESIZE
        end = min(self._offset + end, len(self._mapping))
        self._mapping.madvise(mmap.MADV_DONTNEED, begin, end - begin)
