"""Arrays that the caller holds, as handles."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from lplrcli.errors import NotAMatrixError
from lplrcli.io.dtypes import matrix_shape, real_dtype
from lplrcli.io.handles import ArrayHandle, CsrHandle, Handle, dense_block_rows
from lplrcli.io.mapping import MappedHandle

_NAME = "array"
_CHUNK_BYTES = 16 << 20  # a block of whole chunks may be this large


def handle_of_array(array: Any) -> Handle:
    """Handle of an ndarray, memmap, h5py.Dataset, scipy sparse array or alike.

    Raises
    ------
    NotAMatrixError
        It is not a two-dimensional array of real numbers.
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
    rows, columns = matrix_shape(shape, _NAME)
    if hasattr(array, "tocsr"):
        return CsrHandle(_canonical(array.tocsr(), array), dtype)
    if isinstance(array, np.memmap):
        mapping = getattr(array, "_mmap", None)
        contiguous = array.flags.c_contiguous or array.flags.f_contiguous
        # Mode "c" is a private map: its pages may hold changes that exist nowhere else.
        if isinstance(mapping, mmap.mmap) and contiguous and array.mode != "c":
            return MappedHandle(np.asarray(array), mapping, dtype)
    if isinstance(array, np.ndarray):
        array = np.asarray(array)  # numpy.matrix and alike would keep their own manners
    height = chunked_block_rows((rows, columns), dtype, getattr(array, "chunks", None))
    return ArrayHandle(array, (rows, columns), dtype, height)


def chunked_block_rows(shape: tuple[int, int], dtype: np.dtype[Any], chunks: Any) -> int:
    """Rows of a block of an array that is stored in chunks.

    A multiple of the chunk height, so that no chunk is read twice, unless one row of chunks is
    larger than 16 MiB; then that of a contiguous array.

    Parameters
    ----------
    shape, dtype
        Of the array.
    chunks : tuple of int or None
        Rows and columns of a chunk (h5py and zarr call it so); None where there are none.
    """
    rows = dense_block_rows(shape, dtype)
    if not isinstance(chunks, tuple) or len(chunks) != 2 or not isinstance(chunks[0], int):
        return rows
    height = min(chunks[0], shape[0])
    if height < 1 or height * shape[1] * dtype.itemsize > _CHUNK_BYTES:
        return rows
    return max(1, rows // height) * height


def _canonical(matrix: Any, given: Any) -> Any:
    """Sort the entries of each row and sum duplicates, in a copy if `matrix` is the caller's."""
    if not matrix.has_canonical_format:
        if matrix is given:
            matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix
