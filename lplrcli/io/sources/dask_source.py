"""Who maps the blocks: the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from lplrcli.io.handles.base import columns_of, joined_rows
from lplrcli.io.sources.dask_cluster import Cluster, Shared
from lplrcli.io.sources.dask_worker import Description, Span, map_group, sum_group
from lplrcli.model.source import CsrRows
from lplrcli.runtime.tree_sum import GROUP, TreeSum, group_sum

if TYPE_CHECKING:
    from types import TracebackType

    from distributed import Future
    from numpy.typing import NDArray

    from lplrcli.model.source import RowBlock, Unfolding
    from lplrcli.runtime.parallel import Mapper

T = TypeVar("T")

SECTION = GROUP**2
"""Groups whose sum comes to this process: until then the scheduler keeps how each is made."""


class Rows(Protocol):
    """Where workers get the rows from."""

    @property
    def description(self) -> Description:
        """What the matrix is like."""
        ...

    def of(self, span: Span) -> Future:
        """What the tasks of `lplrcli.io.sources.dask_worker` read the rows of a group from."""
        ...

    def unfolded(self, axes: int) -> Rows:
        """The same array with that many leading axes as rows."""
        ...


class DaskSource:
    """A `MatrixSource` whose blocks are read and worked on by a dask.distributed cluster.

    Blocks are those of the matrix read by one machine, and sums are added in the same order, so
    that the bits are the same. A task is sent to every worker once a pass; a group of eight
    blocks is one task of the cluster, and its part of a sum stays there.

    Parameters
    ----------
    cluster : Cluster
        Left with the source, unless it was opened elsewhere.
    rows : Rows
        Where workers get the rows from.
    name : str
        Path or other name, for messages.
    observer : callable, optional
        As for `lplrcli.io.sources.local_source.LocalSource`.
    """

    def __init__(
        self,
        cluster: Cluster,
        rows: Rows,
        *,
        name: str,
        observer: Callable[[int, int], None] | None = None,
    ) -> None:
        self._cluster = cluster
        self._rows = rows
        self._description = rows.description
        self.name = name
        self.format = self._description.format
        self.observer = observer
        self._columns: CsrRows | None = None
        self._bytes_read = 0

    @property
    def bytes_read(self) -> int:
        """Bytes that workers took from the matrix; see `lplrcli.model.source.MatrixSource`."""
        return self._bytes_read

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.unfolding.matrix_shape

    @property
    def unfolding(self) -> Unfolding:
        """The array that the matrix was, and the grids of its sides."""
        return self._description.unfolding

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries as stored, in native byte order."""
        return self._description.dtype

    @property
    def sparse(self) -> bool:
        """Whether blocks are `CsrRows`."""
        return self._description.sparse

    @property
    def distribute(self) -> Mapper:
        """Gives other work to the workers."""
        return self._cluster.map

    def columns(self) -> CsrRows | None:
        """The transpose of a sparse matrix, which comes here once and is kept."""
        if self.sparse and self._columns is None:
            self._columns = columns_of(joined_rows(list(self.map_blocks(_values))))
        return self._columns

    def unfolded(self, axes: int) -> DaskSource:
        """The same array with that many leading axes as rows; closed when this one is."""
        rows = self._rows.unfolded(axes)
        return DaskSource(self._cluster, rows, name=self.name, observer=self.observer)

    def map_blocks(
        self, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Apply `task` to every block and yield the results in row order.

        Raises
        ------
        InputError
            The rows cannot be read.
        ClusterError
            The workers are gone, or lost the same blocks too often.
        """
        submit = partial(self._submit, map_group, Shared(self._cluster, task))
        groups = self._cluster.ordered(
            self._spans(beside),
            lambda span: (span, submit(span)),
            lambda group: (group[0], self._cluster.result(group[1])),
            self._cluster.in_flight,
        )
        for span, results in groups:
            yield from self._observed(span, results)

    def sum_blocks(
        self,
        task: Callable[[RowBlock], tuple[T, NDArray[Any]]],
        keep: Callable[[T], None],
        beside: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Sum of the arrays that `task` gives; see `lplrcli.model.source.MatrixSource`.

        Raises
        ------
        InputError
            The rows cannot be read.
        ClusterError
            The workers are gone, or lost the same blocks too often.
        """
        submit = partial(self._submit, sum_group, Shared(self._cluster, task))
        taken = 0  # groups of the oldest section whose parts were kept

        def take(section: _Section) -> NDArray[np.float64]:
            nonlocal taken
            for span, future in section.kept[taken:]:
                for kept in self._observed(span, self._cluster.result(future)):
                    keep(kept)
                taken += 1
            total: NDArray[np.float64] = self._cluster.result(section.total)
            taken = 0
            return total

        tree = TreeSum()
        sections = self._cluster.ordered(
            _sections(self._spans(beside)),
            lambda spans: _Section(self._cluster, submit, spans),
            take,
            1 + self._cluster.in_flight // SECTION,
        )
        for total in sections:
            tree.add(total)
        return tree.total()

    def close(self) -> None:
        """Leave the cluster; the source cannot be visited any more."""
        self._cluster.close()

    def __enter__(self) -> DaskSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _spans(self, beside: NDArray[Any] | None) -> Iterator[Span]:
        rows, height = self.shape[0], self._description.block_rows
        for start in range(0, rows, GROUP * height):
            stop = min(start + GROUP * height, rows)
            yield Span(start, stop, height, None if beside is None else beside[..., start:stop])

    def _submit(self, work: Callable[..., Any], task: Shared[Any], span: Span) -> Future:
        return self._cluster.submit(work, task.future, self._rows.of(span), span)

    def _observed(self, span: Span, results: list[tuple[int, T]]) -> Iterator[T]:
        """The results of a group, each after its bytes were counted and the observer was told."""
        for (_, stop), (count, result) in zip(span.blocks(), results, strict=True):
            self._bytes_read += count
            if self.observer is not None:
                self.observer(stop, self.shape[0])
            yield result


class _Section:
    """Groups that are added on the cluster.

    Attributes
    ----------
    kept : list of (Span, Future)
        What is kept of each group.
    total : Future
        The sum.
    """

    def __init__(
        self, cluster: Cluster, submit: Callable[[Span], Future], spans: list[Span]
    ) -> None:
        self.kept, sums = [], []
        for span in spans:
            group = submit(span)
            self.kept.append((span, cluster.submit(_kept, group)))
            sums.append(cluster.submit(_sum, group))
        while len(sums) > 1:
            neighbours = [sums[k : k + GROUP] for k in range(0, len(sums), GROUP)]
            sums = [cluster.submit(group_sum, parts) for parts in neighbours]
        self.total = sums[0]


def _kept(group: tuple[list[tuple[int, T]], NDArray[np.float64]]) -> list[tuple[int, T]]:
    return group[0]


def _sum(group: tuple[list[tuple[int, T]], NDArray[np.float64]]) -> NDArray[np.float64]:
    return group[1]


def _sections(spans: Iterator[Span]) -> Iterator[list[Span]]:
    while section := list(islice(spans, SECTION)):
        yield section


def _values(block: RowBlock) -> Any:
    return block.values
