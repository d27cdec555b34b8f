"""What the workers of a cluster read rows from: files that they open, or a dask array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lplrcli.errors import ClusterError, InputError
from lplrcli.io.files.remote import is_url
from lplrcli.io.formats.recognition import is_zarr_folder
from lplrcli.io.handles.unfolding import UnfoldingRequest
from lplrcli.io.sources.dask_array import ArrayRows
from lplrcli.io.sources.dask_cluster import Cluster, Shared
from lplrcli.io.sources.dask_source import DaskSource
from lplrcli.io.sources.dask_worker import (
    Opening,
    SharedFile,
    Span,
    check_versions,
    described,
    versions,
)

if TYPE_CHECKING:
    from distributed import Client, Future


class FileRows:
    """Rows of files that every worker opens.

    Parameters
    ----------
    cluster : Cluster
    opening : Opening
        Checked by all workers.
    """

    def __init__(self, cluster: Cluster, opening: Opening) -> None:
        self._cluster = cluster
        self._opening = opening
        self._file = Shared(cluster, SharedFile(opening))
        (self.description,) = cluster.ordered(
            [None], lambda _: cluster.submit(described, self._file.future), cluster.result, 0
        )

    def of(self, span: Span) -> Future:
        """The files, whatever the group."""
        return self._file.future

    def unfolded(self, axes: int) -> FileRows:
        """The same array with that many leading axes as rows."""
        arguments = {**self._opening.arguments, "request": UnfoldingRequest(axes)}
        return FileRows(self._cluster, replace(self._opening, arguments=arguments))


def open_on_cluster(
    paths: Sequence[str],
    scheduler: str | Client,
    observer: Callable[[int, int], None] | None,
    **arguments: Any,
) -> DaskSource:
    """Have workers open the matrix in a file, or in several.

    Parameters
    ----------
    paths : sequence of str
        Files on a file system that all workers share, or URLs.
    scheduler : str or distributed.Client
        See `lplrcli.io.sources.dask_cluster.Cluster`.
    observer : callable or None
        Called with (rows done, rows in total) as a pass goes on.
    **arguments
        Others of `lplrcli.io.open_source`.

    Raises
    ------
    InputError
        A path is standard input, or can be read only once.
    ClusterError
        The cluster is not there, does not see the files, or differs from this process.
    """
    places = tuple(_place(path) for path in paths)
    name = paths[0] if len(paths) == 1 else f"{paths[0]} ... {paths[-1]}"
    cluster = Cluster(scheduler)
    try:
        opening = Opening(places, name, arguments)
        lengths = cluster.check(opening.checked)
        if len(lengths) > 1:
            raise ClusterError(
                "the workers see different files",
                path=name,
                found=" and ".join(sorted(map(str, lengths))) + " bytes",
                advice="Put the files on a file system that all workers share.",
            )
        rows = FileRows(cluster, replace(opening, lengths=next(iter(lengths), None)))
    except BaseException:
        cluster.close()
        raise
    return DaskSource(cluster, rows, name=name, observer=observer)


def _place(path: str) -> str:
    """Where workers find it: an absolute path, or the URL."""
    if is_url(path):
        return path
    place = Path(path).absolute()
    if path == "-" or (place.exists() and not place.is_file() and not is_zarr_folder(path)):
        raise InputError(
            "only a regular file can be read by the workers of a cluster",
            path="<stdin>" if path == "-" else path,
            advice="Store it in a file on a file system that they share.",
        )
    return str(place)


def open_array_on_cluster(
    array: Any,
    scheduler: str | Client,
    observer: Callable[[int, int], None] | None,
    request: UnfoldingRequest,
) -> DaskSource:
    """Visit a dask.array where its chunks are computed.

    Parameters
    ----------
    array : dask.array.Array
    scheduler, observer
        As for `open_on_cluster`.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    NotAMatrixError
        It is not an array of real numbers that is or unfolds to a matrix.
    ClusterError
        The cluster is not there, or differs from this process.
    """
    cluster = Cluster(scheduler)
    try:
        cluster.check(check_versions, versions())
        rows = ArrayRows(cluster, array, request)
    except BaseException:
        cluster.close()
        raise
    return DaskSource(cluster, rows, name="array", observer=observer)
