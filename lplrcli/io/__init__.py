"""Foreign matrices in and out: one file per format, one line per format in `FORMATS`.

`open_source` and `open_array` give a `MatrixSource`; `create_sink` takes slabs of a matrix and
writes them in a format. Importing this package imports no NumPy: the module of a format is
imported when a file of that format is met, and not before.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from lplrcli.errors import InputError, OutputError
from lplrcli.io.output import AtomicOutput
from lplrcli.io.recognition import Format, is_hdf5, is_mtx, is_npy, recognise
from lplrcli.io.unfolding import ANY_ARRAY, UnfoldingRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from lplrcli.io.backends import LocalSource
    from lplrcli.io.sinks import Sink

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

# Each module has `open_handle(file, path, name, dataset, request)` and
# `create_sink(stream, shape, unfold, dtype, dataset, gzip)`.
FORMATS: dict[str, Format] = {
    "npy": Format("lplrcli.io.npy", "NumPy .npy", (".npy",), is_npy),
    "hdf5": Format("lplrcli.io.hdf5", "HDF5", (".h5", ".hdf5", ".hdf", ".he5"), is_hdf5),
    "mtx": Format("lplrcli.io.mtx", "Matrix Market", (".mtx", ".mtx.gz"), is_mtx),
}


def open_source(
    path: str,
    *,
    dataset: str | None = None,
    request: UnfoldingRequest = ANY_ARRAY,
    threads: int | None = None,
    observer: Callable[[int, int], None] | None = None,
    once: bool = False,
) -> LocalSource:
    """Open the matrix in a file, whatever its format.

    Parameters
    ----------
    path : str
        File to read; ``"-"`` is standard input. What cannot be read twice (standard input, a
        FIFO) is first copied to an unnamed temporary file.
    dataset : str, optional
        Path of the dataset inside an HDF5 file; refused for the other formats.
    request : UnfoldingRequest
        How an array of more than two dimensions is to become a matrix.
    threads : int, optional
        Worker threads of every pass; by default the number of usable CPUs.
    observer : callable, optional
        Called with (rows done, rows in total) as a pass goes on.
    once : bool
        The matrix will be visited once: an ``.npy`` file in C order that cannot be read twice is
        then not copied, but read as it comes.

    Returns
    -------
    LocalSource
        Close it, or use it in a ``with`` statement.

    Raises
    ------
    UnknownFormatError
        The content is of no format in `FORMATS`.
    NotAMatrixError
        The content is not one array of real numbers that is or unfolds to a matrix.
    InputError
        The file cannot be read, is damaged, or `dataset` does not apply to it.
    PlanError
        What is asked of the unfolding does not fit the array.
    MissingDependencyError
        A filter of an HDF5 dataset needs a package that is not installed.
    """
    from lplrcli.io.backends import LocalSource
    from lplrcli.io.spool import open_seekable

    if once and dataset is None:
        from lplrcli.io.forward import open_forward

        file, name, reopenable, forward = open_forward(path, request)
        if forward is not None:
            return LocalSource(forward, name=name, format="npy", threads=threads, observer=observer)
    else:
        file, name, reopenable = open_seekable(path)
    try:
        key = recognise(file, FORMATS, name)
        if dataset is not None and key != "hdf5":
            raise InputError(
                f"{FORMATS[key].title} holds one matrix without a name, not dataset {dataset!r}",
                path=name,
                advice="Leave --dataset out; it is for HDF5 files.",
            )
        file.seek(0)
        # The handle owns the file from here on and closes it when it has no more use for it.
        module = import_module(FORMATS[key].module)
        handle = module.open_handle(file, path if reopenable else None, name, dataset, request)
    except BaseException:
        file.close()
        raise
    return LocalSource(handle, name=name, format=key, threads=threads, observer=observer)


def open_array(
    array: Any,
    *,
    request: UnfoldingRequest = ANY_ARRAY,
    threads: int | None = None,
    observer: Callable[[int, int], None] | None = None,
) -> LocalSource:
    """Visit an array that the caller holds.

    Parameters
    ----------
    array : ndarray, memmap, h5py.Dataset, scipy sparse array or alike
        Anything with ``shape``, ``dtype`` and ``array[a:b]``; sparse ones are converted to CSR
        with duplicates summed, the caller's array is not changed.
    request, threads, observer
        As for `open_source`.

    Returns
    -------
    LocalSource

    Raises
    ------
    NotAMatrixError
        It is not an array of real numbers that is or unfolds to a matrix.
    PlanError
        What is asked of the unfolding does not fit the array.
    """
    from lplrcli.io.arrays import handle_of_array
    from lplrcli.io.backends import LocalSource

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
        Key of `FORMATS`.
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
    if format not in FORMATS:
        raise OutputError("there is no such format", found=format, expected=", ".join(FORMATS))
    module = import_module(FORMATS[format].module)
    extents = tuple(int(extent) for extent in shape)
    sink: Sink = module.create_sink(stream, extents, unfold, dtype, dataset, gzip)
    return sink


def format_of_suffix(path: str) -> str | None:
    """Key of the format that the name of a file stands for, None where it stands for none."""
    name = PurePath(path).name.lower()
    for key, entry in FORMATS.items():
        if name.endswith(entry.suffixes):
            return key
    return None


def suffix_of_format(format: str) -> str:  # noqa: A002
    """Suffix, with its dot, of a new file in a format of `FORMATS`."""
    return FORMATS[format].suffixes[0]
