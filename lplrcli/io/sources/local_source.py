"""Who maps the blocks: threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lplrcli.errors import InputError, LplrError
from lplrcli.model.source import CsrRows, RowBlock, Unfolding
from lplrcli.runtime.parallel import ordered_map, usable_cpus
from lplrcli.runtime.tree_sum import TreeSum

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from lplrcli.io.handles.base import Handle

T = TypeVar("T")


class LocalSource:
    """A `MatrixSource` whose blocks are read and worked on by threads of this process.

    Parameters
    ----------
    handle : Handle
        Where the rows come from; closed with the source.
    name : str
        Path or other name, for messages.
    format : str
        Key of the input format, or ``"array"``.
    threads : int, optional
        Blocks worked on at a time; None or 0 is one per usable CPU.
    observer : callable, optional
        Called in the thread of the caller with (rows done, rows in total) before each result
        is yielded.
    """

    def __init__(
        self,
        handle: Handle,
        *,
        name: str,
        format: str,  # noqa: A002 - as in MatrixSource
        threads: int | None = None,
        observer: Callable[[int, int], None] | None = None,
    ) -> None:
        self._handle = handle
        self.name = name
        self.format = format
        self.threads = threads or usable_cpus()
        self.observer = observer
        self._bytes_read = 0
        self._counting = threading.Lock()

    @property
    def bytes_read(self) -> int:
        """Bytes taken from the matrix so far; see `lplrcli.model.source.MatrixSource`."""
        return self._bytes_read

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._handle.shape

    @property
    def unfolding(self) -> Unfolding:
        """The array that the matrix was, and the grids of its sides."""
        return self._handle.unfolding

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries as stored, in native byte order."""
        return self._handle.dtype

    @property
    def sparse(self) -> bool:
        """Whether blocks are `CsrRows`."""
        return self._handle.sparse

    @property
    def block_rows(self) -> int:
        """Rows of every block but the last; depends on the matrix alone."""
        return self._handle.block_rows

    @property
    def distribute(self) -> None:
        """There is nobody else to give work to."""

    def columns(self) -> CsrRows | None:
        """The transpose of a sparse matrix; see `lplrcli.model.source.MatrixSource`."""
        return self._handle.columns()

    def unfolded(self, axes: int) -> LocalSource:
        """The same array with that many leading axes as rows; closed when this one is."""
        handle = self._handle.unfolded(Unfolding.of(self.unfolding.array_shape, axes))
        return LocalSource(
            handle,
            name=self.name,
            format=self.format,
            threads=self.threads,
            observer=self.observer,
        )

    def map_blocks(
        self, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Apply `task` to every block and yield the results in row order.

        At most ``threads + 1`` blocks are in memory at a time. Where the iteration ends early,
        by an error or because the caller drops it, blocks not started are cancelled and those
        under way are waited for.

        Raises
        ------
        InputError
            The rows cannot be read.
        """
        rows, height = self.shape[0], self.block_rows
        starts = range(0, rows, height)
        run = partial(self._run, task, height, beside)
        for start, result in zip(starts, ordered_map(run, starts, self.threads), strict=True):
            if self.observer is not None:
                self.observer(min(start + height, rows), rows)
            yield result

    def sum_blocks(
        self,
        task: Callable[[RowBlock], tuple[T, NDArray[Any]]],
        keep: Callable[[T], None],
        beside: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Sum of the arrays that `task` gives; see `lplrcli.model.source.MatrixSource`."""
        tree = TreeSum()
        for kept, part in self.map_blocks(task, beside):
            keep(kept)
            tree.add(part)
        return tree.total()

    def close(self) -> None:
        """Close the file; the source cannot be visited any more."""
        self._handle.close()

    def __enter__(self) -> LocalSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def on_block(
        self, task: Callable[[RowBlock], T], start: int, stop: int, beside: NDArray[Any] | None
    ) -> T:
        """Read one block, of rows from `start` to `stop`, and run the task on it.

        Parameters
        ----------
        task : callable
            Of a block.
        start, stop : int
            Rows.
        beside : ndarray, shape (..., stop - start), or None
            What lies beside these rows.

        Raises
        ------
        InputError
            The rows cannot be read.
        """
        try:
            values = self._handle[start:stop]
        except LplrError:
            raise
        except (OSError, MemoryError) as error:
            reason = "they do not fit in memory" if isinstance(error, MemoryError) else str(error)
            raise InputError(
                f"rows {start} to {stop - 1} cannot be read: {reason}", path=self.name
            ) from error
        with self._counting:
            self._bytes_read += stored_bytes(values, self.dtype)
        try:
            return task(RowBlock(start, values, beside))
        finally:
            self._handle.release(start, stop)

    def _run(
        self,
        task: Callable[[RowBlock], T],
        height: int,
        beside: NDArray[Any] | None,
        start: int,
    ) -> T:
        stop = min(start + height, self.shape[0])
        # What this thread takes next, while the processors are at what is read.
        ahead = start + (self.threads + 1) * height
        if ahead < self.shape[0]:
            self._handle.expect(ahead, min(ahead + height, self.shape[0]))
        mine = None if beside is None else beside[..., start:stop]
        return self.on_block(task, start, stop, mine)


def stored_bytes(values: NDArray[Any] | CsrRows, dtype: np.dtype[Any]) -> int:
    """Bytes of rows whose entries are stored as `dtype`: of sparse ones with their columns."""
    if isinstance(values, CsrRows):
        return len(values.indices) * (dtype.itemsize + values.indices.itemsize)
    return values.size * dtype.itemsize
