"""Sparse matrices as ``scipy.sparse.save_npz`` writes them; the arrays are mapped."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.io.handles.sparse_parts import damaged_sparse, integers, sparse_handle
from lplrcli.io.handles.unfolding import shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lplrcli.io.formats.zip_arrays import NpyArchive
    from lplrcli.io.handles.base import CsrHandle
    from lplrcli.io.handles.unfolding import UnfoldingRequest

_SIGNS = {"format", "shape", "data"}
_LONGEST_FORMAT = 64  # bytes of a short word
_MOST_EXTENTS = 32  # of which any but two are no matrix


class _Members:
    """The members of an archive as the arrays of a sparse matrix."""

    advice = "Save it again with scipy.sparse.save_npz."

    def __init__(self, archive: NpyArchive) -> None:
        self.name = archive.name
        self._archive = archive

    def names(self) -> Collection[str]:
        return self._archive.members

    def name_of(self, part: str) -> str:
        return self._archive.name_of(part)

    def described(self, part: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        header = self._archive.header(part)
        return header.shape, header.stored

    def array(self, part: str) -> NDArray[Any]:
        return self._archive.array(part)


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
    parts = _Members(archive)
    kind = _text(archive.array("format"))
    axes, _ = parts.described("shape")
    if len(axes) != 1 or axes[0] > _MOST_EXTENTS:
        what = f"found an array of shape {shorten(axes)}"
        raise damaged_sparse(parts, parts.name_of("shape"), what)
    shape = [int(n) for n in integers(parts, "shape", 1)]
    return sparse_handle(parts, kind, shape, request)


def _text(value: NDArray[Any]) -> str:
    item = value.item()
    return item.decode("latin1") if isinstance(item, bytes) else str(item)
