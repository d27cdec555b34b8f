"""Arrays that the caller holds, as handles."""

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
    """Handle of an ndarray, memmap, h5py.Dataset, scipy sparse array or alike.

    Raises
    ------
    NotAMatrixError
        It is not an array of real numbers that is or unfolds to a matrix.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    try:
        shape, stored = tuple(array.shape), np.dtype(array.dtype)
    except (AttributeError, TypeError) as error:
        raise NotAMatrixError(
            "not an array of NumPy's kind",
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
    if isinstance(array, np.memmap):
        mapping = getattr(array, "_mmap", None)
        contiguous = array.flags.c_contiguous or array.flags.f_contiguous
        # Mode "c" is a private map: its pages may hold changes that exist nowhere else.
        if isinstance(mapping, mmap.mmap) and contiguous and array.mode != "c":
            return MappedHandle(np.asarray(array), mapping, unfolding, dtype)
    if isinstance(array, np.ndarray):
        array = np.asarray(array)  # numpy.matrix and alike would keep their own manners
    return ArrayHandle(array, unfolding, dtype)
