"""NumPy's .npy files: read through a memory map, written as numpy.save writes them.

The accepted profile is formats/npy.md.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from lplrcli.errors import InputError, OutputError
from lplrcli.io.files.remote import RangedHandle, is_url
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
        The header is damaged, or does not fit the size of the file.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    with file:
        try:
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
