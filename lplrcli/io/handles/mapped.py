"""Rows of an array that is a memory-mapped file, without keeping its pages.

Pages that were read stay resident until the system needs the memory, which makes a pass over a
file look, and be accounted for, as large as the file. They are dropped here once used: they
remain in the page cache, so the next pass over them reads no disk if memory is plentiful.
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

# A fault maps the pages around the one asked for as well (64 KiB on Linux); a strided read of
# a column-major file thus makes more resident than it reads.
_FAULT_AROUND = 64 << 10
_GROUP_BYTES = 4 << 20


def map_array(
    file: BinaryIO,
    stored: np.dtype[Any],
    shape: tuple[int, ...],
    offset: int,
    fortran_order: bool = False,
) -> tuple[NDArray[Any], mmap.mmap]:
    """Map an array that lies plainly in a file.

    Parameters
    ----------
    file : binary file
        Of the file system, and long enough; it may be closed afterwards.
    stored : numpy.dtype
        Type of the entries in the file.
    shape : tuple of int
        Extents of the array, none of them 0.
    offset : int
        Where its first byte lies.
    fortran_order : bool
        Whether the first axis varies fastest.

    Returns
    -------
    array : ndarray
        Read-only; aligned only if the offset is.
    mapping : mmap.mmap
        What its memory is of.

    Raises
    ------
    OSError
        The file cannot be mapped.
    """
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    flat = np.frombuffer(mapping, stored, math.prod(shape), offset)
    return flat.reshape(shape, order="F" if fortran_order else "C"), mapping


class MappedHandle(Handle):
    """An array in C or Fortran order inside a memory map.

    Parameters
    ----------
    stored : ndarray
        As stored, contiguous in either order; its memory is that of `mapping`.
    mapping : mmap.mmap
        A shared or read-only map of a file: dropping pages of a private one loses data.
    unfolding : Unfolding
        Of the array.
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
        if not self._by_columns and hasattr(mmap, "MADV_SEQUENTIAL"):
            mapping.madvise(mmap.MADV_SEQUENTIAL)

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
        """Have the rows read into the page cache; a block of columns strides over the file."""
        if not self._by_columns and hasattr(mmap, "MADV_WILLNEED"):
            self._advise_rows(mmap.MADV_WILLNEED, start, stop)

    def release(self, start: int, stop: int) -> None:
        """Drop the pages of the rows; those of a column-major file are gone already."""
        if not self._by_columns:
            self._advise_rows(mmap.MADV_DONTNEED, start, stop)

    def close(self) -> None:
        """Unmap, once the last block is gone too."""
        self._stored = self._mapping = None

    def _gather(self, stored: NDArray[Any], rows: slice) -> NDArray[Any]:
        """Copy a block out of a column-major file, some columns at a time.

        The pages of each group of columns are dropped before the next is touched: a block of
        rows strides over the whole file. Of an array, columns lie in the file as their grid with
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
            self._advise(mmap.MADV_DONTNEED, left * column_bytes, right * column_bytes)
        return block.reshape(height, -1)

    def _advise_rows(self, advice: int, start: int, stop: int) -> None:
        row_bytes = self.shape[1] * self.dtype.itemsize
        self._advise(advice, start * row_bytes, stop * row_bytes)

    def _advise(self, advice: int, begin: int, end: int) -> None:
        """Tell the system of the pages of bytes ``begin : end`` of the array, rounded outwards."""
        if self._mapping is None:
            return
        begin = (self._offset + begin) // mmap.PAGESIZE * mmap.PAGESIZE
        end = min(self._offset + end, len(self._mapping))
        self._mapping.madvise(advice, begin, end - begin)
