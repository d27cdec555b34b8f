"""Sparse matrices that files hold as several arrays, in any of SciPy's formats.

Every index is checked before SciPy sees it: its loops trust them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lplrcli.errors import InputError
from lplrcli.io.handles.csr import bears_out, csr_handle
from lplrcli.io.handles.dtypes import matrix_shape, real_dtype, to_native
from lplrcli.io.handles.unfolding import shorten, unfolding_of
from lplrcli.model.source import working_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lplrcli.io.handles.base import CsrHandle
    from lplrcli.io.handles.unfolding import UnfoldingRequest


class SparseParts(Protocol):
    """The arrays of one sparse matrix, by the names that SciPy gives them.

    Attributes
    ----------
    name : str
        Name of the matrix, for messages.
    advice : str
        How to save the matrix again, for messages.
    """

    name: str
    advice: str

    def names(self) -> Collection[str]:
        """Names of the arrays that are there."""
        ...

    def name_of(self, part: str) -> str:
        """Name of an array, for messages."""
        ...

    def described(self, part: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and stored type of an array, which is not read for it."""
        ...

    def array(self, part: str) -> NDArray[Any]:
        """The array."""
        ...


def sparse_handle(
    parts: SparseParts, kind: str, shape: Sequence[int], request: UnfoldingRequest
) -> CsrHandle:
    """Make the handle of a sparse matrix, whose arrays are checked.

    Parameters
    ----------
    parts : SparseParts
        The arrays.
    kind : str
        One of ``csr``, ``csc``, ``coo``, ``bsr`` and ``dia``.
    shape : sequence of int
        Rows and columns, as the file says.
    request : UnfoldingRequest
        Grids of rows and columns.

    Raises
    ------
    NotAMatrixError
        The matrix is empty, or not of real numbers.
    InputError
        The format is unknown, an array is damaged, or the matrix does not fit in memory.
    PlanError
        The grids do not fit the shape.
    """
    import scipy.sparse as sp

    name = parts.name
    if kind not in _READERS:
        raise InputError(
            "the sparse format is unknown",
            path=name,
            found=shorten(repr(kind)),
            expected=", ".join(_READERS),
        )
    extents = matrix_shape([int(n) for n in shape], name)
    unfolding = unfolding_of(extents, name, request)
    _require(parts, "data")
    described, stored_as = parts.described("data")
    dtype = real_dtype(stored_as, name)
    stored = 1
    for extent in described:
        stored *= extent
    if not bears_out(extents, stored):
        what = "far more rows or columns than entries"
        raise damaged_sparse(parts, name, what, " x ".join(map(str, extents)))
    try:
        # SciPy knows neither float16 nor bfloat16.
        data = to_native(parts.array("data"), dtype).astype(working_dtype(dtype), copy=False)
        arrays = _READERS[kind](parts, data, extents)
        matrix = getattr(sp, f"{kind}_array")(arrays, shape=extents)
        return csr_handle(matrix, unfolding, dtype)
    except MemoryError as error:
        raise InputError("the matrix does not fit in memory", path=name) from error
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise damaged_sparse(parts, name, str(error)) from error


def _compressed(parts: SparseParts, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``csr``: the entries of one row after another."""
    _check_axes(parts, data, 1)
    indices, indptr = _indices(parts, len(data), *shape)
    return data, indices, indptr


def _transposed(parts: SparseParts, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``csc``: the entries of one column after another."""
    return _compressed(parts, data, shape[::-1])


def _blocks(parts: SparseParts, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``bsr``: small dense blocks in place of entries."""
    _check_axes(parts, data, 3)
    _, height, width = data.shape
    if not height or not width or shape[0] % height or shape[1] % width:
        raise damaged_sparse(
            parts, parts.name, f"blocks of {height} x {width} do not fill the matrix"
        )
    indices, indptr = _indices(parts, len(data), shape[0] // height, shape[1] // width)
    return data, indices, indptr


def _coordinates(parts: SparseParts, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``coo``: a row and a column for every entry."""
    _check_axes(parts, data, 1)
    sides = []
    for member, extent in zip(("row", "col"), shape, strict=True):
        sides.append(integers(parts, member, 1))
        _check_range(parts, parts.name_of(member), sides[-1], extent)
        if len(sides[-1]) != len(data):
            raise damaged_sparse(
                parts, parts.name, f"{len(sides[-1])} of {member} for {len(data)} entries"
            )
    return data, tuple(sides)


def _diagonals(parts: SparseParts, data: NDArray[Any], shape: tuple[int, int]) -> Any:
    """``dia``: whole diagonals, and by how much each is off the main one."""
    _check_axes(parts, data, 2)
    offsets = integers(parts, "offsets", 1)
    if len(offsets) != len(data) or len(np.unique(offsets)) != len(offsets):
        raise damaged_sparse(
            parts, parts.name, f"{len(data)} diagonals with {len(offsets)} offsets"
        )
    _check_range(parts, parts.name_of("offsets"), offsets, shape[1], least=1 - shape[0])
    return data, offsets


_READERS: dict[str, Callable[[SparseParts, NDArray[Any], tuple[int, int]], Any]] = {
    "csr": _compressed,
    "csc": _transposed,
    "coo": _coordinates,
    "bsr": _blocks,
    "dia": _diagonals,
}


def _indices(
    parts: SparseParts, entries: int, lines: int, extent: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """``indices`` and ``indptr`` of `lines` rows of `extent` columns, checked."""
    indptr = integers(parts, "indptr", 1)
    if len(indptr) != lines + 1 or indptr[0] != 0 or indptr[-1] != entries:
        raise damaged_sparse(parts, parts.name, "indptr does not fit the matrix")
    if np.any(indptr[1:] < indptr[:-1]):
        raise damaged_sparse(parts, parts.name, "indptr decreases")
    indices = integers(parts, "indices", 1)
    if len(indices) != entries:
        raise damaged_sparse(parts, parts.name, f"{len(indices)} indices for {entries} entries")
    _check_range(parts, parts.name_of("indices"), indices, extent)
    return indices, indptr


def integers(parts: SparseParts, part: str, axes: int) -> NDArray[Any]:
    """Read an array of integers.

    Raises
    ------
    InputError
        The array is missing, holds other numbers, or has another number of axes.
    """
    _require(parts, part)
    shape, stored = parts.described(part)
    if stored.kind not in "iu" or len(shape) != axes:
        raise damaged_sparse(parts, parts.name_of(part), f"found {stored} of shape {shape}")
    return to_native(parts.array(part), np.dtype(stored.name))


def _require(parts: SparseParts, part: str) -> None:
    if part not in parts.names():
        there = shorten(", ".join(parts.names()))
        raise damaged_sparse(parts, parts.name, f"{part} is missing; there are {there}")


def _check_range(
    parts: SparseParts, name: str, values: NDArray[Any], most: int, least: int = 0
) -> None:
    if len(values) and (int(values.min()) < least or int(values.max()) >= most):
        raise damaged_sparse(
            parts, name, f"{values.min()} to {values.max()} lie outside of the matrix"
        )


def _check_axes(parts: SparseParts, data: NDArray[Any], axes: int) -> None:
    if data.ndim != axes:
        raise damaged_sparse(
            parts, parts.name_of("data"), f"{data.ndim} dimensions in place of {axes}"
        )


def damaged_sparse(parts: SparseParts, name: str, what: str, found: object = None) -> InputError:
    """Build the error for arrays that make no sparse matrix."""
    return InputError(
        f"the sparse matrix is damaged: {what}", path=name, found=found, advice=parts.advice
    )
