"""Datasets of HDF5 files; the accepted profile is formats/hdf5.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, BinaryIO

import h5py
import numpy as np

from lplrcli.errors import InputError, LplrError, NotAMatrixError
from lplrcli.io.formats.hdf5_filters import require_filters
from lplrcli.io.formats.hdf5_library import H5_ERRORS, MAX_CACHE_BYTES, reason_of
from lplrcli.io.formats.hdf5_storage import require_storage
from lplrcli.io.formats.sparse_groups import open_sparse_group, sparse_group
from lplrcli.io.handles.base import ArrayHandle, CsrHandle, chunked_block_rows, layer_rows
from lplrcli.io.handles.dataset_choice import Candidate, no_such_dataset, only_matrix
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.unfolding import UnfoldingRequest, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lplrcli.io.formats.sink import Sink
    from lplrcli.model.source import Unfolding


class Hdf5Handle(ArrayHandle):
    """Rows of a dataset.

    Parameters
    ----------
    h5 : h5py.File
        Closed with the handle.
    file : binary file
        What `h5` reads from, where that is not a path; closed with the handle too.
    dataset : h5py.Dataset
        Has real numbers as entries.
    unfolding : Unfolding
        How the dataset becomes a matrix.
    name : str
        Names the file in messages.
    """

    def __init__(
        self,
        h5: h5py.File,
        file: BinaryIO,
        dataset: h5py.Dataset,
        unfolding: Unfolding,
        name: str,
    ) -> None:
        super().__init__(dataset, unfolding, real_dtype(dataset.dtype, name))
        self._h5 = h5
        self._file = file
        self._name = name

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        try:
            return super().__getitem__(rows)
        except H5_ERRORS as error:
            raise InputError(
                f"rows {rows.start} to {rows.stop - 1} cannot be read: {reason_of(error)}",
                path=self._name,
                advice="The file is damaged or its storage fails; h5dump may tell more.",
            ) from error

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._h5.close()
        self._file.close()


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> Hdf5Handle | CsrHandle:
    """Open a dataset, or a group that is a sparse matrix, of an HDF5 file.

    Parameters
    ----------
    file : binary file
        Read from where there is no `path`; closed with the handle.
    path : str, optional
        Name of that file, if it has one: the library reads it faster than through `file`.
    name : str
        For messages.
    dataset : str, optional
        Path of the dataset or group; by default the only one in the file that is or unfolds to a
        matrix.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    NotAMatrixError
        There is no such dataset, or several to choose from.
    InputError
        The file is damaged, or a part of the dataset is stored nowhere.
    PlanError
        What is asked of the unfolding does not fit its shape.
    MissingDependencyError
        The data went through a filter that is not installed.
    MemoryLimitError
        Less memory is allowed than a sparse matrix takes.
    """
    h5 = None
    try:
        h5 = h5py.File(path or file, "r")
        if path is not None:
            file.close()
        if dataset is None:
            chosen = h5[only_matrix(_candidates(h5), name)]
        else:
            chosen = _named(h5, dataset, name)
        if isinstance(chosen, h5py.Group):
            return _sparse(h5, file, chosen, name, request)
        dtype = real_dtype(chosen.dtype, name)
        unfolding = unfolding_of(chosen.shape, name, request)
        require_filters(chosen, name)
        require_storage(chosen, name)
        cache = _cache_for(chosen.chunks, unfolding, dtype)
        if cache:
            # A dataset gets its cache when it is first opened in a file, hence a second time.
            within = dataset or chosen.name
            h5.close()
            h5 = h5py.File(path or file, "r", **cache)
            chosen = h5[within]
        return Hdf5Handle(h5, file, chosen, unfolding, name)
    except BaseException as error:
        if h5 is not None:
            h5.close()
        if isinstance(error, H5_ERRORS) and not isinstance(error, LplrError | MemoryError):
            raise InputError(
                f"the HDF5 file cannot be read: {reason_of(error)}", path=name
            ) from error
        raise


def _sparse(
    h5: h5py.File, file: BinaryIO, group: h5py.Group, name: str, request: UnfoldingRequest
) -> CsrHandle:
    """Read a sparse matrix, and close the file."""
    found = sparse_group(group)
    assert found is not None
    for part in found.places.values():
        if isinstance(group.get(part), h5py.Dataset):
            require_filters(group[part], name)
            require_storage(group[part], name)
    handle = open_sparse_group(group, found, f"{name}:{group.name}", request)
    h5.close()
    file.close()
    return handle


def _candidates(h5: h5py.File) -> list[Candidate]:
    """Describe every dataset of the file, and every group that is a sparse matrix.

    ``visititems`` comes to each object once and follows neither soft nor external links, so
    links in a circle do no harm.
    """
    found: list[Candidate] = []

    def visit(path: str, thing: object) -> None:
        if isinstance(thing, h5py.Dataset):
            found.append(_described(f"/{path}", thing))
        elif isinstance(thing, h5py.Group):
            sparse = sparse_group(thing)
            if sparse is not None:
                found.append(sparse.candidate(f"/{path}", thing))

    whole = sparse_group(h5)
    if whole is not None:
        found.append(whole.candidate("/", h5))
    h5.visititems(visit)
    return found


def _described(path: str, dataset: h5py.Dataset) -> Candidate:
    try:
        return Candidate.of(path, dataset.shape or (), dataset.dtype)
    except H5_ERRORS:  # TypeError: a type NumPy has no equivalent of
        return Candidate(path, "unreadable", False)


def _named(h5: h5py.File, dataset: str, name: str) -> h5py.Dataset | h5py.Group:
    try:
        chosen = h5.get(dataset) if "\0" not in dataset else None
    except H5_ERRORS:
        chosen = None
    if isinstance(chosen, h5py.Dataset):
        if chosen.shape is None:
            raise NotAMatrixError(f"dataset {dataset} is empty", path=name)
        return chosen
    if isinstance(chosen, h5py.Group) and sparse_group(chosen) is not None:
        return chosen
    what = "is not a dataset" if chosen is not None else "does not exist"
    raise no_such_dataset(dataset, _candidates(h5), name, what)


def _cache_for(
    chunks: tuple[int, ...] | None, unfolding: Unfolding, dtype: np.dtype[Any]
) -> dict[str, Any]:
    """Size the chunk cache so that a pass over the rows decompresses no chunk twice.

    Empty where the default will do: blocks of whole layers of chunks need no cache. Otherwise two
    such layers must stay: one that a block ends in and one that the next block, read by another
    thread, has begun.
    """
    height = layer_rows(unfolding, chunks)
    if chunks is None or height is None:
        return {}
    if chunked_block_rows(unfolding, dtype, chunks) % height == 0:
        return {}
    sides = zip(unfolding.array_shape[1:], chunks[1:], strict=True)
    across = math.prod(-(-extent // side) for extent, side in sides)
    size = 2 * across * math.prod(chunks) * dtype.itemsize
    # Chunks are hashed by position; many more slots than chunks keep them from colliding.
    slots = min(max(100 * across, 521), 1_000_000) | 1
    return {"rdcc_nbytes": min(size, MAX_CACHE_BYTES), "rdcc_nslots": slots, "rdcc_w0": 1.0}


def create_sink(
    stream: BinaryIO,
    shape: tuple[int, ...],
    unfold: int,
    dtype: DTypeLike,
    dataset: str,
    gzip: bool,
) -> Sink:
    """Start an HDF5 file; see `lplrcli.io.create_sink`."""
    from lplrcli.io.formats.hdf5_sink import Hdf5Sink

    return Hdf5Sink(stream, shape, unfold, np.dtype(dtype), dataset, gzip)
