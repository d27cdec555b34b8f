"""Handles of arrays that the caller of the Python interface holds."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.base import ArrayHandle, Handle
from lplrcli.io.handles.csr import csr_handle
from lplrcli.io.handles.dtypes import matrix_shape, real_dtype
from lplrcli.io.handles.mapped import MappedHandle
from lplrcli.io.handles.unfolding import UnfoldingRequest, unfolding_of

_NAME = "array"


def handle_of_array(array: Any, request: UnfoldingRequest) -> Handle:
    """Make the handle of an ndarray, a memmap, an h5py.Dataset, a SciPy sparse array or the like.

    Raises
    ------
    NotAMatrixError
        The object is not an array of real numbers that is or unfolds to a matrix.
    InputError
        The array is one of a file, and parts of it are stored nowhere.
    PlanError
        The request does not fit the shape of the array.
    """
    try:
        shape, stored = tuple(array.shape), np.dtype(array.dtype)
    except (AttributeError, TypeError) as error:
        raise NotAMatrixError(
            "the object is not an array like NumPy's",
            found=type(array).__name__,
            expected="shape, dtype and rows as array[a:b]",
            advice="Convert it with numpy.asarray first.",
        ) from error
    if isinstance(array, np.ma.MaskedArray):
        raise NotAMatrixError(
            "the array is masked",
            path=_NAME,
            advice="Give the masked entries a value with filled().",
        )
    dtype = real_dtype(stored, _NAME)
    if hasattr(array, "tocsr"):
        unfolding = unfolding_of(matrix_shape(shape, _NAME), _NAME, request)
        return csr_handle(array, unfolding, dtype)
    unfolding = unfolding_of(shape, _NAME, request)
    _require_stored(array)
    if isinstance(array, np.memmap):
        mapping = getattr(array, "_mmap", None)
        contiguous = array.flags.c_contiguous or array.flags.f_contiguous
        # Mode "c" is a private map, whose pages may hold changes that no file has.
        if isinstance(mapping, mmap.mmap) and contiguous and array.mode != "c":
            return MappedHandle(np.asarray(array), mapping, unfolding, dtype)
    if isinstance(array, np.ndarray):
        array = np.asarray(array)  # indexing a numpy.matrix or the like works differently
    return ArrayHandle(array, unfolding, dtype)


def _require_stored(array: Any) -> None:
    """Check arrays of files by the rules of their formats, if they are of a library known here."""
    library = type(array).__module__.partition(".")[0]
    if library == "h5py":
        from lplrcli.io.formats.hdf5_storage import require_storage

        require_storage(array, _NAME)
    elif library == "zarr":
        from lplrcli.io.formats.zarr import require_chunks

        require_chunks(array, _NAME)
