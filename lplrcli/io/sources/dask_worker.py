"""What a worker of a cluster does: opens the matrix, reads its blocks, and runs tasks on them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from stat import S_ISDIR
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from lplrcli.errors import ClusterError
from lplrcli.io.files.remote import is_url
from lplrcli.io.handles.base import ArrayHandle
from lplrcli.io.sources.local_source import LocalSource, stored_bytes
from lplrcli.model.source import RowBlock, Unfolding
from lplrcli.model.version import __version__
from lplrcli.runtime.tree_sum import TreeSum

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")


def versions() -> dict[str, str]:
    """Versions of everything here that bytes depend on."""
    return {
        "lplr": __version__,
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in ("numpy", "numba", "scipy")},
    }


def check_versions(expected: dict[str, str], dask_worker: Any = None) -> str:
    """Address of this worker, if its packages are those expected.

    Parameters
    ----------
    expected : dict
        What `versions` gives elsewhere.
    dask_worker : distributed.Worker, optional
        This one; ``Client.run`` gives it under this name, and within a task it is known.

    Raises
    ------
    ClusterError
        They are not: bytes could differ.
    """
    from distributed import get_worker

    address, here = str((dask_worker or get_worker()).address), versions()
    for package, version_there in expected.items():
        if here[package] != version_there:
            raise ClusterError(
                f"the worker {address} has another version of {package}, "
                "of which bytes could differ",
                found=here[package],
                expected=version_there,
                advice="Run scheduler, workers and lplr in equal environments.",
            )
    return address


@dataclass(frozen=True)
class Opening:
    """Files, as every worker opens them.

    Attributes
    ----------
    paths : tuple of str
        Absolute, or URLs.
    name : str
        What the user calls it, for messages.
    arguments : dict
        Of `lplrcli.io.open_source`.
    lengths : tuple of (int or None), or None
        Bytes of the files where they are known; they must be the same everywhere.
    versions : dict
        Those of the process that the results go to.
    """

    paths: tuple[str, ...]
    name: str
    arguments: dict[str, Any]
    lengths: tuple[int | None, ...] | None = None
    versions: dict[str, str] = field(default_factory=versions)

    def checked(self, dask_worker: Any = None) -> tuple[int | None, ...]:
        """Bytes of the files as they are seen here; None for URLs and folders.

        Parameters
        ----------
        dask_worker : distributed.Worker, optional
            See `check_versions`.

        Raises
        ------
        ClusterError
            If results would differ here: another version of a package, or no such files, or
            others.
        """
        worker = check_versions(self.versions, dask_worker)
        found = tuple(_length(path, worker) for path in self.paths)
        for path, here, there in zip(self.paths, found, self.lengths or found, strict=True):
            if here != there:
                raise ClusterError(
                    f"the worker {worker} sees another file",
                    path=path,
                    found=f"{here} bytes",
                    expected=f"{there}",
                    advice="Put the file on a file system that all workers share.",
                )
        return found


def _length(path: str, worker: str) -> int | None:
    if is_url(path):
        return None
    try:
        status = Path(path).stat()
    except OSError as error:
        raise ClusterError(
            f"the worker {worker} cannot open it: {error.strerror or error}",
            path=path,
            advice="Put the file on a file system that all workers share, under the same path.",
        ) from error
    return None if S_ISDIR(status.st_mode) else status.st_size


class SharedFile:
    """The matrix in files, opened once in every process that reads it.

    Parameters
    ----------
    opening : Opening
        All that travels from process to process.
    """

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self._lock = Lock()
        self._source: LocalSource | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedFile, (self.opening,)

    def source(self) -> LocalSource:
        """The matrix; they are closed when nobody holds it any more."""
        from lplrcli.io import open_source

        with self._lock:
            if self._source is None:
                self.opening.checked()
                found: Any = open_source(self.opening.paths, threads=1, **self.opening.arguments)
                found.name = self.opening.name
                self._source = found
            return self._source


class HeldRows:
    """Rows of a matrix that a worker holds, as parts of the whole."""

    def __init__(self, first: int, values: NDArray[Any]) -> None:
        self._first = first
        self._values = values

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        return self._values[rows.start - self._first : rows.stop - self._first]


@dataclass(frozen=True)
class Description:
    """What a matrix is like, without its entries; as in `lplrcli.model.source.MatrixSource`."""

    unfolding: Unfolding
    dtype: np.dtype[Any]
    sparse: bool
    block_rows: int
    format: str

    @classmethod
    def of(cls, source: LocalSource) -> Description:
        """That of an open matrix."""
        return cls(source.unfolding, source.dtype, source.sparse, source.block_rows, source.format)


@dataclass(frozen=True)
class Span:
    """A group of neighbouring blocks.

    Attributes
    ----------
    start, stop : int
        Rows.
    height : int
        Rows of every block but the last.
    beside : ndarray or None
        What lies beside the rows.
    """

    start: int
    stop: int
    height: int
    beside: NDArray[Any] | None

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Start and stop of every block."""
        for start in range(self.start, self.stop, self.height):
            yield start, min(start + self.height, self.stop)


def described(file: SharedFile) -> Description:
    """What the matrix in a file is like."""
    return Description.of(file.source())


def map_group(
    task: Callable[[RowBlock], T], rows: SharedFile | NDArray[Any], span: Span
) -> list[tuple[int, T]]:
    """Bytes read and result of the task for every block of a group."""
    return list(_results(task, rows, span))


def sum_group(
    task: Callable[[RowBlock], tuple[T, NDArray[Any]]],
    rows: SharedFile | NDArray[Any],
    span: Span,
) -> tuple[list[tuple[int, T]], NDArray[np.float64]]:
    """Bytes read and what is kept of every block of a group, and the sum of what is added."""
    tree, kept = TreeSum(), []
    for count, (mine, part) in _results(task, rows, span):
        kept.append((count, mine))
        tree.add(part)
    return kept, tree.total()


def run_task(task: Callable[[Any], T], item: Any) -> T:
    """Result of a task that no rows are read for."""
    with _one_blas_thread():
        return task(item)


def _results(
    task: Callable[[RowBlock], T], rows: SharedFile | NDArray[Any], span: Span
) -> Iterator[tuple[int, T]]:
    source = rows.source() if isinstance(rows, SharedFile) else _source_of(rows, span)
    with _one_blas_thread():
        for start, stop in span.blocks():
            beside = span.beside
            if beside is not None:
                beside = beside[..., start - span.start : stop - span.start]
            counted = partial(_counted, task=task, dtype=source.dtype)
            yield source.on_block(counted, start, stop, beside)


def _counted(block: RowBlock, task: Callable[[RowBlock], T], dtype: np.dtype[Any]) -> tuple[int, T]:
    """Bytes that a block took from the matrix, and the result of the task."""
    return stored_bytes(block.values, dtype), task(block)


def _source_of(values: NDArray[Any], span: Span) -> LocalSource:
    held = HeldRows(span.start, np.asarray(values))
    unfolding = Unfolding.of((span.stop, values.shape[1]))
    dtype = values.dtype.newbyteorder("=")
    return LocalSource(ArrayHandle(held, unfolding, dtype), name="array", format="array")


_limit_lock = Lock()
_limited: list[Any] = []


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """One BLAS thread for each of the worker's, while any of them is at work.

    The limit is that of the process: the first to come sets it, the last to go lifts it.
    """
    with _limit_lock:
        if not _limited:
            _limited.append([threadpool_limits(1, "blas"), 0])
        _limited[0][1] += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limited[0][1] -= 1
            if _limited[0][1] == 0:
                _limited.pop()[0].restore_original_limits()
