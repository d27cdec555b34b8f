"""Rows of an array in a memory-mapped file, whose pages are dropped once used.

Pages that were read stay resident until the system needs the memory, so a pass over a file would
count as much memory as the file is large. Dropped pages remain in the page cache, and the next
pass reads no disk if memory is plentiful.
"""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lplrcli.io.handles.base import Handle, dense_block_rows
from lplrcli.io.handles.dtypes import to_native
from lplrcli.io.handles.unfolding import boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lplrcli.model.source import Unfolding

# A page fault maps the pages around as well (64 KiB on Linux), so a strided read of a column-major
# file makes more resident than it reads.
_FAULT_AROUND = 64 << 10
_GROUP_BYTES = 4 << 20


def map_array(
    file: BinaryIO,
    stored: np.dtype[Any],
    shape: tuple[int, ...],
    offset: int,
    fortran_order: bool = False,
) -> tuple[NDArray[Any], mmap.mmap]:
    """Map an array that a file holds as raw bytes.

    Parameters
    ----------
    file : binary file
        File of the file system that is long enough; it may be closed afterwards.
    stored : numpy.dtype
        Type of the entries in the file.
    shape : tuple of int
        Extents of the array, none of them 0.
    offset : int
        Offset of its first byte.
    fortran_order : bool
        Whether the first axis varies fastest.

    Returns
    -------
    array : ndarray
        Read-only array; aligned only if the offset is.
    mapping : mmap.mmap
        Map that the memory of the array belongs to.

    Raises
    ------
    OSError
        The file cannot be mapped.
    """
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    flat = np.frombuffer(mapping, stored, math.prod(shape), offset)
    return flat.reshape(shape, order="F" if fortran_order else "C"), mapping


class MappedHandle(Handle):
    """Handle of an array in C or Fortran order inside a memory map.

    Parameters
    ----------
    stored : ndarray
        The array as stored, contiguous in either order; its memory is that of `mapping`.
    mapping : mmap.mmap
        Shared or read-only map of a file: dropping pages of a private map would lose data.
    unfolding : Unfolding
        Unfolding of the array.
    dtype : numpy.dtype
        Native type of the entries.
    """

    def __init__(
        self,
        stored: NDArray[Any],
        mapping: mmap.mmap,
        unfolding: Unfolding,
        dtype: np.dtype[Any],
    ) -> None:
        self.unfolding = unfolding
        self.dtype = dtype
        self._stored: NDArray[Any] | None = stored
        self._mapping: mmap.mmap | None = mapping
        start_of_map = np.frombuffer(mapping, np.uint8, 1).ctypes.data
        self._offset = stored.ctypes.data - start_of_map
        self._by_columns = not stored.flags.c_contiguous
        self._arrange()
        if not self._by_columns:
            self._advise("MADV_SEQUENTIAL", -self._offset, len(mapping) - self._offset)

    def _arrange(self) -> None:
        self.block_rows = dense_block_rows(self.shape, self.dtype)
        if self._stored is not None and not self._by_columns:
            self._stored = self._stored.reshape(self.shape)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        assert self._stored is not None, "closed"
        if self._by_columns:
            return self._gather(self._stored, rows)
        return to_native(self._stored[rows.start : rows.stop], self.dtype)

    def expect(self, start: int, stop: int) -> None:
        """Start reading the rows into the page cache, if they lie together in the file."""
        if not self._by_columns:
            self._advise_rows("MADV_WILLNEED", start, stop)

    def release(self, start: int, stop: int) -> None:
        """Drop the pages of the rows; those of a column-major file were dropped already."""
        if not self._by_columns:
            self._advise_rows("MADV_DONTNEED", start, stop)

    def close(self) -> None:
        """Drop the map, which is unmapped when the last block of it is gone."""
        self._stored = self._mapping = None

    def _gather(self, stored: NDArray[Any], rows: slice) -> NDArray[Any]:
        """Copy a block out of a column-major file, some columns at a time.

        A block of rows is spread over the whole file, so the pages of each group of columns are
        dropped before the next is touched. Columns of an array lie in the file as their grid with
        its axes reversed.
        """
        axes, shape = self.unfolding.axes, self.unfolding.array_shape
        row_boxes = list(boxes(shape[:axes], rows.start, rows.stop))
        height = rows.stop - rows.start
        itemsize = self.dtype.itemsize
        column_bytes = self.shape[0] * itemsize
        touched = column_bytes
        if axes == 1:
            touched = min(column_bytes, height * itemsize + _FAULT_AROUND)
        group = max(1, _GROUP_BYTES // touched)
        block = np.empty((height, *shape[axes:]), self.dtype)
        for left in range(0, self.shape[1], group):
            right = min(left + group, self.shape[1])
            for reversed_box in boxes(shape[axes:][::-1], left, right):
                columns = reversed_box[::-1]
                row = 0
                for box in row_boxes:
                    part = stored[(*box, *columns)]
                    if part.dtype.type is np.void:
                        part = part.view(self.dtype)
                    part = part.reshape(-1, *part.shape[axes:])
                    block[(slice(row, row + len(part)), *columns)] = part
                    row += len(part)
            self._advise("MADV_DONTNEED", left * column_bytes, right * column_bytes)
        return block.reshape(height, -1)

    def _advise_rows(self, advice: str, start: int, stop: int) -> None:
        if self._stored is None:
            return
        row_bytes = self.shape[1] * self._stored.itemsize
        self._advise(advice, start * row_bytes, stop * row_bytes)

    def _advise(self, advice: str, begin: int, end: int) -> None:
        """Advise the system, if it takes advice, on bytes ``begin : end``, rounded outwards."""
        number = getattr(mmap, advice, None)
        if self._mapping is None or number is None or not hasattr(self._mapping, "madvise"):
            return
        begin = (self._offset + begin) // mmap.PAGESIZE * mmap.PAGESIZE
        end = min(self._offset + end, len(self._mapping))
        self._mapping.madvise(number, begin, end - begin)
