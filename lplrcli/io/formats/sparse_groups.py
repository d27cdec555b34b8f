"""Sparse matrices that groups of HDF5 and Zarr hold as three arrays, by several conventions.

AnnData, 10x Genomics and MATLAB 7.3 each store one compressed matrix a group. Groups of h5py and
of zarr are alike enough for one piece of code.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.dataset_choice import Candidate
from lplrcli.io.handles.dtypes import are_sizes
from lplrcli.io.handles.sparse_parts import sparse_handle
from lplrcli.runtime.workspace import workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lplrcli.io.handles.base import CsrHandle
    from lplrcli.io.handles.unfolding import UnfoldingRequest

_PARTS = ("data", "indices", "indptr")
_OF_MATLAB = {"data": "data", "indices": "ir", "indptr": "jc"}
_ENCODINGS = {"csr_matrix": "csr", "csc_matrix": "csc", "csr": "csr", "csc": "csc"}
_WORDS = ("encoding-type", "h5sparse_format", "format")
_SHAPES = ("shape", "h5sparse_shape")
_SIGNS_OF_10X = ("barcodes", "features", "genes", "gene_names")


@dataclass(frozen=True)
class SparseGroup:
    """Sparse matrix that a group holds.

    Attributes
    ----------
    kind : str
        ``csr`` or ``csc``; empty where the group does not say which.
    shape : tuple of int
        Rows and columns, as the group says; checked when the matrix is read.
    places : dict of str to str
        Names of the arrays in the group, by those that SciPy gives them.
    """

    kind: str
    shape: tuple[int, ...]
    places: dict[str, str]

    def candidate(self, path: str, group: Any) -> Candidate:
        """Describe the matrix for the choice among the arrays of a file."""
        stored = _stored(group, self.places)
        found = Candidate.of(path, self.shape, stored)
        return Candidate(path, f"{found.text}, sparse", found.is_matrix)


def sparse_group(group: Any) -> SparseGroup | None:
    """Find the sparse matrix that a group is.

    Parameters
    ----------
    group : h5py.Group or zarr.Group
        Any group.

    Returns
    -------
    SparseGroup or None
        None where the group is something else.
    """
    rows = group.attrs.get("MATLAB_sparse")
    if rows is not None:
        jc = _array(group, "jc")
        if jc is None or np.ndim(rows) or len(jc.shape) != 1:
            return None
        return SparseGroup("csc", (int(rows), jc.shape[0] - 1), _OF_MATLAB)
    if any(_array(group, part) is None for part in _PARTS):
        return None
    shape = _shape(group)
    if shape is None:
        return None
    places = {part: part for part in _PARTS}
    return SparseGroup(_kind(group, shape), shape, places)


def open_sparse_group(
    group: Any, found: SparseGroup, name: str, request: UnfoldingRequest
) -> CsrHandle:
    """Read the sparse matrix of a group.

    Parameters
    ----------
    group : h5py.Group or zarr.Group
        Group that holds the arrays.
    found : SparseGroup
        What `sparse_group` finds of it.
    name : str
        Name of file and group, for messages.
    request : UnfoldingRequest
        Grids of rows and columns.

    Raises
    ------
    NotAMatrixError
        The matrix is empty or not of real numbers, or the group does not say whether rows or
        columns are compressed.
    InputError
        An array is damaged.
    MemoryLimitError
        Less memory is allowed than the arrays take.
    PlanError
        The grids do not fit the shape.
    """
    if not found.kind:
        raise NotAMatrixError(
            "the sparse matrix does not say whether its rows or its columns are compressed",
            path=name,
            found=f"square, {' x '.join(map(str, found.shape))}",
            expected="an attribute 'encoding-type', csr_matrix or csc_matrix, of the group",
            advice="Add the attribute, or save the matrix with scipy.sparse.save_npz.",
        )
    parts = _GroupParts(group, found.places, name)
    # Chunks that were never written take no room in the file, however many are announced.
    workspace().require(2 * parts.size(), name, 1)
    return sparse_handle(parts, found.kind, found.shape, request)


class _GroupParts:
    """The arrays of a group as those of a sparse matrix."""

    advice = "Save it again with the program that wrote it, or with scipy.sparse.save_npz."

    def __init__(self, group: Any, places: dict[str, str], name: str) -> None:
        self.name = name
        self._group = group
        # MATLAB leaves the entries out where there are none.
        self._absent = [part for part in _PARTS[:2] if places[part] not in group]
        self._places = places

    def names(self) -> Collection[str]:
        return _PARTS

    def name_of(self, part: str) -> str:
        return f"{self.name}/{self._places[part]}"

    def described(self, part: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        if part in self._absent:
            return (0,), np.dtype(np.float64 if part == "data" else np.int64)
        array = self._group[self._places[part]]
        return tuple(array.shape or ()), array.dtype

    def array(self, part: str) -> NDArray[Any]:
        if part in self._absent:
            return np.empty(*self.described(part))
        return np.asarray(self._group[self._places[part]][...])

    def size(self) -> int:
        """Bytes of all arrays."""
        total = 0
        for part in _PARTS:
            extents, stored = self.described(part)
            count = stored.itemsize
            for extent in extents:
                count *= extent
            total += count
        return total


def _array(group: Any, name: str) -> Any:
    """The array of this name in a group; None where there is none."""
    found = group.get(name)
    return found if getattr(found, "shape", None) is not None else None


def _stored(group: Any, places: dict[str, str]) -> np.dtype[Any]:
    data = _array(group, places["data"])
    return np.dtype(np.float64) if data is None else data.dtype


def _shape(group: Any) -> tuple[int, ...] | None:
    values: Any = None
    for name in _SHAPES:
        values = group.attrs.get(name)
        if values is not None:
            break
    else:
        stored = _array(group, "shape")
        if stored is not None and tuple(stored.shape) == (2,):
            values = stored[...]
    if values is None or np.ndim(values) != 1:
        return None
    extents = [int(n) for n in values if isinstance(n, int | np.integer)]
    return tuple(extents) if len(extents) == 2 and are_sizes(extents) else None


def _kind(group: Any, shape: Sequence[int]) -> str:
    for name in _WORDS:
        word = group.attrs.get(name)
        if isinstance(word, bytes):
            word = word.decode("latin1")
        if word in _ENCODINGS:
            return _ENCODINGS[word]
    if any(sign in group for sign in _SIGNS_OF_10X):
        return "csc"
    # Square ones fit both.
    indptr = group["indptr"].shape
    fitting = [
        kind
        for kind, lines in (("csr", shape[0]), ("csc", shape[1]))
        if tuple(indptr) == (lines + 1,)
    ]
    return fitting[0] if len(fitting) == 1 else "" if fitting else "csr"
