"""Sparse matrices as ``scipy.sparse.save_npz`` writes them.

The arrays are mapped and every index checked before SciPy sees them: its loops trust them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.errors import InputError
from lplrcli.io.handles.csr import bears_out, csr_handle
from lplrcli.io.handles.dtypes import matrix_shape, real_dtype, to_native
from lplrcli.io.handles.unfolding import shorten, unfolding_of
from lplrcli.model.source import working_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lplrcli.io.formats.zip_arrays import NpyArchive
    from lplrcli.io.handles.base import CsrHandle
    from lplrcli.io.handles.unfolding import UnfoldingRequest

_SIGNS = {"format", "shape", "data"}
_LONGEST_FORMAT = 64  # bytes of a short word
_MOST_EXTENTS = 32  # of which any but two are no matrix


def holds_sparse(archive: NpyArchive) -> bool:
    """Whether the members are those of one sparse matrix."""
    if not set(archive.members) >= _SIGNS:
        return False
    header = archive.header("format")
    stored = header.stored
    return header.shape == () and stored.kind in "SU" and stored.itemsize <= _LONGEST_FORMAT


def open_sparse(archive: NpyArchive, request: UnfoldingRequest) -> CsrHandle:
    """Read the sparse matrix of an archive for which `holds_sparse`.

    Parameters
    ----------
    archive : NpyArchive
    request : UnfoldingRequest
        Grids of rows and columns.

    Raises
    ------
    NotAMatrixError
        It is no matrix of real numbers.
    InputError
        It is damaged, or does not fit in memory.
    PlanError
        The grids do not fit its shape.
    """
    import scipy.sparse as sp

    name = archive.name
    kind = _text(archive.array("format"))
    if kind not in _READERS:
        raise InputError(
            "the sparse format is unknown",
            path=name,
            found=shorten(repr(kind)),
            expected=", ".join(_READERS),
        )
    axes = archive.header("shape").shape
    if len(axes) != 1 or axes[0] > _MOST_EXTENTS:
        raise _damaged(archive.name_of("shape"), f"found an array of shape {shorten(axes)}")
    shape = matrix_shape([int(n) for n in _integers(archive, "shape", 1)], name)
    unfolding = unfolding_of(shape, name, request)
    header = archive.header("data")
    dtype = real_dtype(header.stored, name)
    stored = 1
    for extent in header.shape:
        stored *= extent
    if not bears_out(shape, stored):
        raise _damaged(name, "far more rows or columns than entries", " x ".join(map(str, shape)))
    try:
        # SciPy knows neither float16 nor bfloat16.
        data = to_native(archive.array("data"), dtype).astype(working_dtype(dtype), copy=False)
        parts = _READERS[kind](archive, data, shape)
        matrix = getattr(sp, f"{kind}_array")(parts, shape=shape)
        return csr_handle(matrix, unfolding, dtype)
    except MemoryError as error:
        raise InputError("the matrix does not fit in memory", path=name) from error
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(name, str(error)) from error


def _compressed(archive: NpyArchive, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``csr``: the entries of one row after another."""
    _check_axes(archive, data, 1)
    indices, indptr = _indices(archive, len(data), *shape)
    return data, indices, indptr


def _transposed(archive: NpyArchive, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``csc``: the entries of one column after another."""
    return _compressed(archive, data, shape[::-1])


def _blocks(archive: NpyArchive, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``bsr``: small dense blocks in place of entries."""
    _check_axes(archive, data, 3)
    _, height, width = data.shape
    if not height or not width or shape[0] % height or shape[1] % width:
        raise _damaged(archive.name, f"blocks of {height} x {width} do not fill the matrix")
    indices, indptr = _indices(archive, len(data), shape[0] // height, shape[1] // width)
    return data, indices, indptr


def _coordinates(archive: NpyArchive, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``coo``: a row and a column for every entry."""
    _check_axes(archive, data, 1)
    sides = []
    for member, extent in zip(("row", "col"), shape, strict=True):
        sides.append(_integers(archive, member, 1))
        _check_range(archive.name_of(member), sides[-1], extent)
        if len(sides[-1]) != len(data):
            raise _damaged(archive.name, f"{len(sides[-1])} of {member} for {len(data)} entries")
    return data, tuple(sides)


def _diagonals(archive: NpyArchive, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``dia``: whole diagonals, and by how much each is off the main one."""
    _check_axes(archive, data, 2)
    offsets = _integers(archive, "offsets", 1)
    if len(offsets) != len(data) or len(np.unique(offsets)) != len(offsets):
        raise _damaged(archive.name, f"{len(data)} diagonals with {len(offsets)} offsets")
    _check_range(archive.name_of("offsets"), offsets, shape[1], least=1 - shape[0])
    return data, offsets


_READERS: dict[str, Callable[[NpyArchive, NDArray[Any], tuple[int, int]], Any]] = {
    "csr": _compressed,
    "csc": _transposed,
    "coo": _coordinates,
    "bsr": _blocks,
    "dia": _diagonals,
}


def _indices(
    archive: NpyArchive, entries: int, lines: int, extent: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """``indices`` and ``indptr`` of `lines` rows of `extent` columns, checked."""
    indptr = _integers(archive, "indptr", 1)
    if len(indptr) != lines + 1 or indptr[0] != 0 or indptr[-1] != entries:
        raise _damaged(archive.name, "indptr does not fit the matrix")
    if np.any(indptr[1:] < indptr[:-1]):
        raise _damaged(archive.name, "indptr decreases")
    indices = _integers(archive, "indices", 1)
    if len(indices) != entries:
        raise _damaged(archive.name, f"{len(indices)} indices for {entries} entries")
    _check_range(archive.name_of("indices"), indices, extent)
    return indices, indptr


def _integers(archive: NpyArchive, member: str, axes: int) -> NDArray[Any]:
    if member not in archive.members:
        found = ", ".join(archive.members)
        raise _damaged(archive.name, f"{member}.npy is missing; there are {shorten(found)}")
    header = archive.header(member)
    if header.stored.kind not in "iu" or len(header.shape) != axes:
        raise _damaged(archive.name_of(member), f"found {header.stored} of shape {header.shape}")
    return to_native(archive.array(member), np.dtype(header.stored.name))


def _check_range(name: str, values: NDArray[Any], most: int, least: int = 0) -> None:
    if len(values) and (int(values.min()) < least or int(values.max()) >= most):
        raise _damaged(name, f"{values.min()} to {values.max()} lie outside of the matrix")


def _check_axes(archive: NpyArchive, data: NDArray[Any], axes: int) -> None:
    if data.ndim != axes:
        raise _damaged(archive.name_of("data"), f"{data.ndim} dimensions in place of {axes}")


def _text(value: NDArray[Any]) -> str:
    item = value.item()
    return item.decode("latin1") if isinstance(item, bytes) else str(item)


def _damaged(name: str, what: str, found: object = None) -> InputError:
    return InputError(
        f"the sparse matrix is damaged: {what}",
        path=name,
        found=found,
        advice="Save it again with scipy.sparse.save_npz.",
    )
