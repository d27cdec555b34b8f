"""NumPy's .npz archives, and SciPy's sparse matrices in them; the profile is formats/npz.md."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, BinaryIO

from lplrcli.errors import InputError
from lplrcli.io.formats.npy import map_npy
from lplrcli.io.formats.recognition import ZIP_ERRORS
from lplrcli.io.formats.sparse_npz import holds_sparse, open_sparse
from lplrcli.io.formats.zip_arrays import NpyArchive
from lplrcli.io.handles.dataset_choice import Candidate, no_such_dataset, only_matrix

if TYPE_CHECKING:
    from lplrcli.io.handles.base import CsrHandle
    from lplrcli.io.handles.mapped import MappedHandle
    from lplrcli.io.handles.unfolding import UnfoldingRequest


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> MappedHandle | CsrHandle:
    """Map a member of an .npz archive, or read the sparse matrix that it is.

    Parameters
    ----------
    file : binary file
        Closed here; maps live on.
    path
        Not used.
    name : str
        For messages.
    dataset : str, optional
        Name of the array, with or without ``.npy``; by default the only one in the archive that
        is or unfolds to a matrix.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    NotAMatrixError
        There is no such array, or several to choose from, or it is no matrix of real numbers.
    InputError
        The archive, or the array in it, is damaged.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    with file:
        try:
            with zipfile.ZipFile(file) as zipped:
                archive = NpyArchive(file, zipped, name)
                if dataset is None and holds_sparse(archive):
                    return open_sparse(archive, request)
                member = _chosen(archive, dataset)
                with archive.plain(member) as (plain, begin, size):
                    return map_npy(plain, begin, size, archive.name_of(member), request)
        except ZIP_ERRORS as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise InputError(
                f"the zip archive cannot be read: {reason}",
                path=name,
                advice="It seems to be damaged; save it again with numpy.savez.",
            ) from error


def _chosen(archive: NpyArchive, dataset: str | None) -> str:
    if dataset is not None:
        member = dataset.removesuffix(".npy")
        if member in archive.members:
            return member
    candidates = []
    for member in archive.members:
        try:
            header = archive.header(member)
        except InputError:
            candidates.append(Candidate(member, "unreadable", False))
        else:
            candidates.append(Candidate.of(member, header.shape, header.stored))
    if dataset is not None:
        raise no_such_dataset(dataset, candidates, archive.name)
    return only_matrix(candidates, archive.name)
