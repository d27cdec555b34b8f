"""Work on a dask.distributed cluster: results in order, and no run lost with a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lplrcli.errors import ClusterError, LplrError, MissingDependencyError
from lplrcli.io.sources.dask_worker import run_task
from lplrcli.io.sources.ordered_work import ATTEMPTS, LostTooOftenError, OrderedWork
from lplrcli.model.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future

Item = TypeVar("Item")
Submitted = TypeVar("Submitted")
Result = TypeVar("Result")

CONNECT_SECONDS = 5.0
"""How long a scheduler may take to answer."""

WORKER_SECONDS = 20.0
"""How long to wait for a first worker, or for another one when all are lost."""

_POLL_SECONDS = 2.0
_TRANSFER_SECONDS = 600.0


class Cluster:
    """A scheduler and its workers.

    Parameters
    ----------
    scheduler : str or distributed.Client
        Address such as ``tcp://host:8786``; or a client, which is left open.

    Attributes
    ----------
    address : str
        Address of the scheduler, for messages.
    losses : int
        How often everything that workers held may have been lost.

    Raises
    ------
    MissingDependencyError
        dask.distributed is not installed.
    ClusterError
        No scheduler answers there, or it has no workers.
    """

    def __init__(self, scheduler: str | Client) -> None:
        try:
            import distributed
        except ImportError as error:
            raise MissingDependencyError(
                "a cluster needs dask.distributed",
                advice="Install it with: pip install 'lplrcli[dask]'",
            ) from error
        self.losses = 0
        self._lost = (CancelledError, distributed.scheduler.KilledWorker, _WorkLostError)
        self._owned = isinstance(scheduler, str)
        if not isinstance(scheduler, str):
            self.client = scheduler
            self.address = str(scheduler.scheduler.address)
        else:
            self.address = scheduler
            try:
                self.client = distributed.Client(
                    scheduler, timeout=CONNECT_SECONDS, set_as_default=False
                )
            except (OSError, ValueError) as error:
                raise ClusterError(
                    f"the scheduler {scheduler} does not answer: {error}",
                    advice="Start one with `dask scheduler`, and give the address that it prints.",
                ) from error
        try:
            self._wait_for_workers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the cluster; its workers keep nothing."""
        if self._owned:
            self.client.close(timeout=CONNECT_SECONDS)

    def check(self, look: Callable[..., Result], *arguments: Any) -> set[Result]:
        """Call a function on every worker, and give the different answers.

        Raises
        ------
        ClusterError
            A worker does not have what it takes.
        """
        with self._talking():
            found = self.client.run(look, *arguments, on_error="return")
        for address, answer in found.items():
            if isinstance(answer, LplrError):
                raise answer
            if isinstance(answer, BaseException):
                raise ClusterError(
                    f"the worker {address} cannot run lplr: {_kind(answer)}: {answer}",
                    advice=f"Install lplrcli {__version__} where the workers run.",
                ) from answer
        return set(found.values())

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future:
        """Have a worker call a function, with results of others among its arguments."""
        import dask

        # Rows beside a group, or a chunk to code, may well be larger than what dask warns of.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            return self.client.submit(task, *arguments, pure=False)

    def result(self, future: Future) -> Any:
        """Wait for a result.

        Raises
        ------
        ClusterError
            All workers are gone, or the scheduler is.
        """
        from distributed import wait

        with self._talking():
            while not future.done():
                try:
                    with self.client.as_current():
                        wait([future], timeout=_POLL_SECONDS)
                except TimeoutError:
                    self._wait_for_workers()
        if future.status == "error":
            future.result()  # raises what the task raised
        with self._talking():
            return future.result(timeout=_TRANSFER_SECONDS)

    def ordered(
        self,
        items: Iterable[Item],
        submit: Callable[[Item], Submitted],
        take: Callable[[Submitted], Result],
        most: int,
    ) -> Iterator[Result]:
        """Submit work for every item, and take the results in their order.

        What is lost for good with a worker, as what was scattered is, is submitted again.

        Parameters
        ----------
        items : iterable
            Kept while they are worked on.
        submit : callable
            Gives a future, or several.
        take : callable
            Waits for the result of what was submitted; called again for the same item if work
            is lost meanwhile.
        most : int
            Items in flight; memory is bounded by them.

        Raises
        ------
        ClusterError
            Some work was lost too often.
        """

        def submitted(item: Item) -> Submitted:
            with self._talking():
                return submit(item)

        work = OrderedWork(submitted, take, self._lost, self._recover)
        try:
            yield from work.results(items, most)
        except LostTooOftenError as error:
            raise ClusterError(
                f"the workers of {self.address} were lost {ATTEMPTS} times with the same work",
                advice="They may run out of memory: give each more, or fewer threads; "
                "their logs say more.",
            ) from error

    def map(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results of a task over items, in order; see `lplrcli.runtime.parallel.heavy_map`."""
        shared = Shared(self, task)
        return self.ordered(
            items,
            lambda item: self.submit(run_task, shared.future, item),
            self.result,
            self.in_flight,
        )

    @property
    def in_flight(self) -> int:
        """Tasks that keep all workers busy while results are waited for in their order."""
        with self._talking():
            threads: dict[str, int] = self.client.nthreads()
        return 2 * sum(threads.values()) + 1

    def _recover(self) -> None:
        """Wait for a worker, and note that everything that workers held may be gone."""
        self._wait_for_workers()
        self.losses += 1

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Turn what goes wrong on the way into an error of the cluster, not of any file."""
        self._require_connection()
        try:
            yield
        except OSError as error:
            self._wait_for_workers()
            raise _WorkLostError(
                f"the scheduler {self.address} lost a message: {error}",
                advice="Nothing was written; try again.",
            ) from error

    def _require_connection(self) -> None:
        if self.client.status in ("closing", "closed"):
            raise self._scheduler_lost("the connection is closed")

    def _wait_for_workers(self) -> None:
        self._require_connection()
        try:
            self.client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError as error:
            raise ClusterError(
                f"the scheduler {self.address} has no workers",
                advice=f"Start some with `dask worker {self.address}`.",
            ) from error
        except OSError as error:
            raise self._scheduler_lost(str(error)) from error

    def _scheduler_lost(self, reason: str) -> ClusterError:
        return ClusterError(
            f"the scheduler {self.address} is lost: {reason}",
            advice="Nothing was written; start scheduler and workers again.",
        )


def _kind(error: BaseException) -> str:
    return type(error).__name__


class _WorkLostError(ClusterError):
    """A message was lost with a worker; what it was about may be done again."""


class Shared(Generic[Item]):
    """A value of which every worker gets a copy, once.

    Nothing tells the scheduler how to make it again: it is sent anew after a loss.

    Parameters
    ----------
    cluster : Cluster
    value : object
        What is sent, by pickle.
    """

    def __init__(self, cluster: Cluster, value: Item) -> None:
        self._cluster = cluster
        self._value = value
        self._sent: tuple[int, Future] | None = None

    @property
    def future(self) -> Future:
        """What to give to `Cluster.submit`."""
        if self._sent is None or self._sent[0] != self._cluster.losses:
            client = self._cluster.client
            (future,) = client.scatter([self._value], broadcast=True, hash=False)
            self._sent = self._cluster.losses, future
        return self._sent[1]
