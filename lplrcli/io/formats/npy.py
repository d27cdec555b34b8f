"""NumPy's .npy files, also compressed as a whole: read through a memory map.

The accepted profile is formats/npy.md.
"""

from __future__ import annotations

import io
import math
import os
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lplrcli.errors import InputError, OutputError
from lplrcli.io.files.remote import RangedHandle, is_url
from lplrcli.io.files.seekable import spooled
from lplrcli.io.formats.inflation import Compression, compression_of, inflated
from lplrcli.io.formats.npy_header import read_header
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.mapped import MappedHandle, map_array
from lplrcli.io.handles.unfolding import UnfoldingRequest, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from lplrcli.io.formats.sink import Sink


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> MappedHandle | RangedHandle:
    """Map the array in an .npy file, or read it by ranges where that is behind a URL.

    Parameters
    ----------
    file : binary file
        At its start; closed here, the map lives on.
    path, dataset
        Not used: the open file says all.
    name : str
        For messages.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    NotAMatrixError
        The array is not one of real numbers that is or unfolds to a matrix.
    InputError
        The header is damaged, or does not fit the size of the file, or this is compressed and
        damaged.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    with file:
        try:
            compression = compression_of(file)
            if compression is not None:
                return _inflated(file, compression, name, request)
            if is_url(name):
                return _ranged(file, name, request)
            return map_npy(file, 0, os.fstat(file.fileno()).st_size, name, request)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error


def _ranged(file: BinaryIO, name: str, request: UnfoldingRequest) -> RangedHandle:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    header = read_header(file, size, name)
    dtype = real_dtype(header.stored, name)
    unfolding = unfolding_of(header.shape, name, request)
    header.check_size(size, name)
    if header.fortran_order:
        raise InputError(
            "an array in Fortran order is not read from a URL",
            path=name,
            advice="Save it in C order, or download it first.",
        )
    return RangedHandle(file, name, header.stored, header.offset, unfolding, dtype)


def _inflated(
    file: BinaryIO, compression: Compression, name: str, request: UnfoldingRequest
) -> MappedHandle:
    """Inflate to a temporary file what the header accounts for, and map that."""
    with inflated(file, compression) as stream:
        header = read_header(stream, None, name)
    real_dtype(header.stored, name)
    unfolding_of(header.shape, name, request)
    expected = header.offset + math.prod(header.shape) * header.stored.itemsize
    file.seek(0)
    with inflated(file, compression) as stream:
        first = io.BufferedReader(_First(stream, expected))
        with spooled(first, name) as copy:
            size = copy.seek(0, os.SEEK_END)
            header.check_size(size + len(stream.read(1)), name)
            return map_npy(copy, 0, size, name, request)


class _First(io.RawIOBase):
    """The first bytes of a stream."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(min(len(buffer), self._left))
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        return len(piece)


def map_npy(
    file: BinaryIO, begin: int, size: int, name: str, request: UnfoldingRequest
) -> MappedHandle:
    """Map the array of an .npy file that lies within another.

    Parameters
    ----------
    file : binary file
        A file of the file system. It may be closed afterwards, the map lives on.
    begin, size : int
        Where the .npy file lies in it, in bytes.
    name, request
        As for `open_handle`.

    Raises
    ------
    NotAMatrixError, InputError, PlanError
        As `open_handle` does.
    """
    file.seek(begin)
    header = read_header(file, size, name)
    dtype = real_dtype(header.stored, name)
    unfolding = unfolding_of(header.shape, name, request)
    header.check_size(size, name)
    array, mapping = map_array(
        file, header.stored, header.shape, begin + header.offset, header.fortran_order
    )
    return MappedHandle(array, mapping, unfolding, dtype)


def create_sink(
    stream: BinaryIO,
    shape: tuple[int, ...],
    unfold: int,
    dtype: DTypeLike,
    dataset: str,
    gzip: bool,
) -> Sink:
    """Start an .npy file; see `lplrcli.io.create_sink`."""
    from lplrcli.io.formats.npy_sink import NpySink

    if gzip:
        raise OutputError(
            ".npy files are not compressed", advice="Write HDF5 or Matrix Market with gzip."
        )
    return NpySink(stream, shape, unfold, np.dtype(dtype))
