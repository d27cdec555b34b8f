"""Zarr arrays, versions 2 and 3, in a folder or a zip archive; the profile is formats/zarr.md."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lplrcli.errors import InputError, LplrError, MissingDependencyError, NotAMatrixError
from lplrcli.io.formats.magic import names_in_zip, zarr_roots
from lplrcli.io.formats.sparse_groups import open_sparse_group, sparse_group
from lplrcli.io.handles.base import ArrayHandle, CsrHandle
from lplrcli.io.handles.dataset_choice import Candidate, no_such_dataset, only_matrix
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.unfolding import UnfoldingRequest, shorten, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lplrcli.model.source import Unfolding


_DESCRIPTORS = Path("/dev/fd")
_UNKNOWN_CODEC = re.compile(r"(?:codec not available|unknown codec)[^\w]+([\w.:/-]+)", re.I)
_ADVICE_BY_CODEC = {
    extra: f"Install it with pip install 'numcodecs[{extra}]'."
    for extra in ("crc32c", "msgpack", "pcodec", "zfpy")
}


class ZarrHandle(ArrayHandle):
    """Rows of a Zarr array.

    Parameters
    ----------
    array : zarr.Array
        Array of real numbers.
    store : zarr.abc.store.Store
        What it is in; closed with the handle.
    unfolding : Unfolding
        How the array becomes a matrix.
    name : str
        Name of the array, for messages.
    """

    def __init__(self, array: Any, store: Any, unfolding: Unfolding, name: str) -> None:
        super().__init__(array, unfolding, real_dtype(array.dtype, name))
        self._store = store
        self._name = name

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        try:
            return super().__getitem__(rows)
        except (LplrError, MemoryError):
            raise
        except Exception as error:  # codecs of many packages raise what they please
            _refuse_codec(error, self._name)
            raise InputError(
                f"rows {rows.start} to {rows.stop - 1} cannot be read: {_reason(error)}",
                path=self._name,
                advice="A chunk is damaged, or its storage fails.",
            ) from error

    def close(self) -> None:
        """Close the store."""
        super().close()
        self._store.close()


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> ZarrHandle | CsrHandle:
    """Open an array in a zipped Zarr store; see `open_folder`.

    Parameters
    ----------
    file : binary file
        The archive; closed here.
    path : str, optional
        Name of that file, if it has one.
    name, dataset, request
        As for `open_folder`.
    """
    with file:
        file.seek(0)
        roots = zarr_roots(names_in_zip(file) or [])
        if len(roots) > 1:
            raise InputError(
                f"the zip archive holds {len(roots)} Zarr stores: {shorten(', '.join(roots))}",
                path=name,
                advice="Extract it, and give the folder of one of them.",
            )
        # The library wants a name. The one of the descriptor leads to what has no other.
        if path is None and not _DESCRIPTORS.exists():
            raise InputError(
                "a Zarr archive without a name cannot be read on this system",
                path=name,
                advice="Save it as a file, and name that.",
            )
        place = path or f"/dev/fd/{file.fileno()}"
        return _open("ZipStore", place, name, dataset, request, "".join(roots))


def open_folder(
    path: str, dataset: str | None, request: UnfoldingRequest
) -> ZarrHandle | CsrHandle:
    """Open an array in the folder of a Zarr store, for reading only.

    Parameters
    ----------
    path : str
        The folder of an array or a group.
    dataset : str, optional
        Path of the array in the group; by default the only one that is or unfolds to a matrix.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    NotAMatrixError
        There is no such array, or several to choose from, or it is no matrix of real numbers.
    InputError
        The store is damaged.
    PlanError
        What is asked of the unfolding does not fit its shape.
    MissingDependencyError
        The package zarr is not installed.
    """
    return _open("LocalStore", path, path, dataset, request)


def _open(
    kind: str,
    path: str,
    name: str,
    dataset: str | None,
    request: UnfoldingRequest,
    folder: str = "",
) -> ZarrHandle | CsrHandle:
    try:
        import zarr
        import zarr.storage
    except ImportError as error:
        raise MissingDependencyError(
            "Zarr arrays are read by a package that is not installed",
            path=name,
            advice="Install it with pip install 'lplrcli[zarr]'.",
        ) from error
    store = getattr(zarr.storage, kind)(path, read_only=True)
    try:
        with warnings.catch_warnings():
            # Of what else lies in the folder, and of parts of the standard that may change.
            warnings.simplefilter("ignore")
            root = zarr.open(store, path=folder, mode="r")
            array = _chosen(root, dataset, name)
            if not isinstance(array, zarr.Array):
                return _sparse(array, store, name, request)
            refuse_code(array.metadata.to_dict(), name)
            real_dtype(array.dtype, name)
            unfolding = unfolding_of(array.shape, name, request)
            require_chunks(array, name)
            return ZarrHandle(array, store, unfolding, name)
    except BaseException as error:
        store.close()
        if isinstance(error, LplrError | MemoryError) or not isinstance(error, Exception):
            raise
        _refuse_codec(error, name)
        raise InputError(f"the Zarr store cannot be read: {_reason(error)}", path=name) from error


def _sparse(group: Any, store: Any, name: str, request: UnfoldingRequest) -> CsrHandle:
    """Read a sparse matrix, and close the store."""
    found = sparse_group(group)
    assert found is not None
    for part in found.places.values():
        refuse_code(group[part].metadata.to_dict(), name)
        require_chunks(group[part], name)
    handle = open_sparse_group(group, found, f"{name}:/{group.path}", request)
    store.close()
    return handle


def _chosen(root: Any, dataset: str | None, name: str) -> Any:
    import zarr

    if isinstance(root, zarr.Array):
        if dataset is not None:
            raise InputError(
                f"the store holds one array without a name, not dataset {dataset!r}",
                path=name,
                advice="Leave --dataset out; it chooses an array of a group.",
            )
        return root
    if dataset is None and sparse_group(root) is not None:
        return root
    if dataset is not None:
        try:
            found = root[dataset]
        except (KeyError, ValueError):  # ValueError: '..' among its parts
            raise no_such_dataset(dataset, _candidates(root), name) from None
        if not isinstance(found, zarr.Array) and sparse_group(found) is None:
            raise no_such_dataset(dataset, _candidates(root), name, "is not an array")
        return found
    return root[only_matrix(_candidates(root), name)]


def _candidates(group: Any) -> list[Candidate]:
    """Describe every array of a group, and every group below that is a sparse matrix."""
    candidates = []
    for path, member in sorted(group.members(max_depth=None), key=lambda member: member[0]):
        if hasattr(member, "shape"):
            candidates.append(Candidate.of(path, member.shape, member.dtype))
        else:
            sparse = sparse_group(member)
            if sparse is not None:
                candidates.append(sparse.candidate(path, member))
    return candidates


def refuse_code(metadata: Any, name: str) -> None:
    """Refuse the codec that decodes by running what the chunks say.

    Later versions of the package know it for numbers no more; earlier ones do.

    Raises
    ------
    NotAMatrixError
        The codec pickle is among those of the array, at any depth.
    """
    if isinstance(metadata, dict):
        for key in ("id", "name"):
            if "pickle" in str(metadata.get(key)).lower():
                raise NotAMatrixError(
                    "the chunks are pickled; they are never loaded",
                    path=name,
                    advice="Store the numbers with another codec.",
                )
        metadata = list(metadata.values())
    if isinstance(metadata, list | tuple):
        for part in metadata:
            refuse_code(part, name)


def require_chunks(array: Any, name: str) -> None:
    """Refuse an array of which chunks are absent though it defines no fill value.

    The package gives zeros for them, which are no data.

    Parameters
    ----------
    array : zarr.Array
        Array of version 2 or 3; only the former can leave the fill value undefined.
    name : str
        Name of the store, for messages.

    Raises
    ------
    InputError
        Chunks are absent.
    """
    if array.metadata.fill_value is not None:
        return
    missing = array.nchunks - array.nchunks_initialized
    if missing:
        raise InputError(
            f"{missing} of {array.nchunks} chunks of array /{array.path} are absent, "
            "and its fill value is undefined",
            path=name,
            advice="Copy the store again in whole; or, if they are zeros, set fill_value to 0 in "
            "its .zarray.",
        )


def _refuse_codec(error: BaseException, name: str) -> None:
    """Raise `MissingDependencyError` if what the library says is that it lacks a codec.

    Its versions, and numcodecs, have an error of their own each.
    """
    found = _UNKNOWN_CODEC.search(str(error))
    if found is None or "pickle" in found.group(1):  # never to be installed for this
        return
    codec = found.group(1)
    raise MissingDependencyError(
        f"the chunks are stored with the codec {shorten(codec)}, which is not installed",
        path=name,
        advice=_ADVICE_BY_CODEC.get(
            codec.removeprefix("numcodecs."),
            "Install the package that brings it, or store the array with another codec.",
        ),
    ) from error


def _reason(error: BaseException) -> str:
    """First line of what the library says of a failure."""
    return shorten((str(error) or type(error).__name__).split("\n")[0])
