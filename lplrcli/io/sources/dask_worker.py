"""Tasks of the workers of a cluster: read blocks of the matrix, and do something with each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from lplrcli.io.handles.base import ArrayHandle
from lplrcli.io.sources.base import Description
from lplrcli.io.sources.dask_files import SharedFile
from lplrcli.io.sources.local_source import LocalSource, stored_bytes
from lplrcli.model.source import RowBlock, Unfolding
from lplrcli.runtime.tree_sum import TreeSum

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")


class HeldRows:
    """Rows of a matrix that a worker holds, as parts of the whole."""

    def __init__(self, first: int, values: NDArray[Any]) -> None:
        self._first = first
        self._values = values

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        return self._values[rows.start - self._first : rows.stop - self._first]


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
    """Describe the matrix in files."""
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
