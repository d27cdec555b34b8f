"""Foreign matrices in and out: one module per format, one line per format in `FORMATS`.

`open_source` and `open_array` give a `MatrixSource`; `create_sink` takes slabs of a matrix and
writes them in a format. Importing this package imports no NumPy: the module of a format is
imported when a file of that format is met, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from lplrcli.errors import OutputError, PlanError
from lplrcli.io.files.atomic_output import AtomicOutput
from lplrcli.io.formats.table import FORMATS, format_of_suffix, suffix_of_format
from lplrcli.io.handles.unfolding import ANY_ARRAY, UnfoldingRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Client
    from numpy.typing import DTypeLike

    from lplrcli.io.formats.raw import RawLayout
    from lplrcli.io.formats.sink import Sink
    from lplrcli.io.sources.dask_source import DaskSource
    from lplrcli.io.sources.local_source import LocalSource

    Source: TypeAlias = LocalSource | DaskSource

__all__ = [
    "FORMATS",
    "AtomicOutput",
    "UnfoldingRequest",
    "create_sink",
    "format_of_suffix",
    "open_array",
    "open_source",
    "suffix_of_format",
]


def open_source(
    path: str | Sequence[str],
    *,
    dataset: str | None = None,
    layout: RawLayout | None = None,
    request: UnfoldingRequest = ANY_ARRAY,
    threads: int | None = None,
    observer: Callable[[int, int], None] | None = None,
    scheduler: str | Client | None = None,
    once: bool = False,
) -> Source:
    """Open the matrix in a file, whatever its format, or in several files.

    Parameters
    ----------
    path : str or sequence of str
        File to read, folder of a Zarr store, or a URL that fsspec knows; ``"-"`` is standard
        input. What cannot be read twice (standard input, a FIFO) is first copied to an unnamed
        temporary file. The arrays of several files are joined along their first axis, in this
        order.
    dataset : str, optional
        Name of the array inside a file that may hold several; refused for the other formats.
    layout : RawLayout, optional
        Shape and type of files that are nothing but numbers; their content is not looked at.
    request : UnfoldingRequest
        How an array of more than two dimensions is to become a matrix.
    threads : int, optional
        Worker threads of every pass; by default the number of usable CPUs.
    observer : callable, optional
        Called with (rows done, rows in total) as a pass goes on.
    scheduler : str or distributed.Client, optional
        Address or client of a dask cluster, whose workers then open the files and do all passes.
    once : bool
        The matrix will be visited once: an ``.npy`` file in C order that cannot be read twice is
        then not copied, but read as it comes.

    Returns
    -------
    LocalSource or DaskSource
        Close it, or use it in a ``with`` statement.

    Raises
    ------
    UnknownFormatError
        The content is of no format in `FORMATS`.
    NotAMatrixError
        The content is not one array of real numbers that is or unfolds to a matrix.
    InputError
        A file cannot be read, is damaged, cannot be joined to the others, or `dataset` does not
        apply to it.
    PlanError
        What is asked of the unfolding does not fit the array.
    MissingDependencyError
        A filter of an HDF5 dataset, a Zarr store, a URL or a cluster needs a package that is not
        installed.
    ClusterError
        The cluster is not there, does not see the files, or differs from this process.
    """
    from lplrcli.io.files.remote import without_file_scheme
    from lplrcli.io.opening import open_local

    paths = [without_file_scheme(one) for one in ([path] if isinstance(path, str) else path)]
    if scheduler is not None:
        from lplrcli.io.sources.dask_opening import open_on_cluster

        arguments = {"dataset": dataset, "layout": layout, "request": request}
        return open_on_cluster(paths, scheduler, observer, **arguments)
    return open_local(
        paths,
        dataset=dataset,
        layout=layout,
        request=request,
        threads=threads,
        observer=observer,
        once=once,
    )


def open_array(
    array: Any,
    *,
    request: UnfoldingRequest = ANY_ARRAY,
    threads: int | None = None,
    observer: Callable[[int, int], None] | None = None,
    scheduler: str | Client | None = None,
) -> Source:
    """Visit an array that the caller holds.

    Parameters
    ----------
    array : ndarray, memmap, h5py.Dataset, scipy sparse array or alike
        Anything with ``shape``, ``dtype`` and ``array[a:b]``; sparse ones are converted to CSR
        with duplicates summed, the caller's array is not changed. A dask array is visited on the
        cluster of its active client, if there is one.
    request, threads, observer, scheduler
        As for `open_source`; a scheduler is for dask arrays only.

    Returns
    -------
    LocalSource or DaskSource

    Raises
    ------
    NotAMatrixError
        It is not an array of real numbers that is or unfolds to a matrix.
    PlanError
        What is asked of the unfolding does not fit the array, or a scheduler is given for an
        array of this process.
    ClusterError
        The cluster is not there.
    """
    from lplrcli.io.handles.in_memory import handle_of_array
    from lplrcli.io.sources.dask_array import active_client, check_dask_array, is_dask_array

    if is_dask_array(array):
        scheduler = scheduler or active_client()
        if scheduler is not None:
            from lplrcli.io.sources.dask_opening import open_array_on_cluster

            return open_array_on_cluster(array, scheduler, observer, request)
        check_dask_array(array)
    elif scheduler is not None:
        raise PlanError(
            "an array of this process is not worked on by a cluster",
            path="array",
            advice="Give a path that the workers can open, or a dask.array.",
        )
    from lplrcli.io.sources.local_source import LocalSource

    handle = handle_of_array(array, request)
    return LocalSource(handle, name="array", format="array", threads=threads, observer=observer)


def create_sink(
    format: str,  # noqa: A002 - the word of the command line
    stream: BinaryIO,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    *,
    unfold: int = 1,
    dataset: str = "matrix",
    gzip: bool = False,
) -> Sink:
    """Start writing an array in a format, by slabs of the matrix that it unfolds to.

    Parameters
    ----------
    format : str
        Key of one of `FORMATS` that is written.
    stream : binary file
        Written forwards only, unless it is seekable and readable and the format profits from
        it. It is left open.
    shape : tuple of int
        Extents of the array to come.
    dtype : dtype
        Type of its entries; one of those the format is read with.
    unfold : int
        How many of the leading axes are the rows of the slabs.
    dataset : str
        Path of the dataset to create in an HDF5 file; without effect on the other formats.
    gzip : bool
        Compress: the chunks of an HDF5 dataset, or all of a Matrix Market file.

    Returns
    -------
    Sink
        Give it slabs of the matrix as its ``order`` says, then close it.

    Raises
    ------
    OutputError
        The format does not exist or cannot hold what is asked.
    """
    if format not in FORMATS or not FORMATS[format].written:
        written = ", ".join(key for key, entry in FORMATS.items() if entry.written)
        raise OutputError("no such format is written", found=format, expected=written)
    extents = tuple(int(extent) for extent in shape)
    sink: Sink = FORMATS[format].load().create_sink(stream, extents, unfold, dtype, dataset, gzip)
    return sink
