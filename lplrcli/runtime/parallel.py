"""Work in many threads with results in one order: all parallel work on one machine is done here."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Function that computes a task over items in other processes and yields the results in order; task
and items are pickled."""

_mapper: ContextVar[Mapper | None] = ContextVar("mapper", default=None)


def usable_cpus() -> int:
    """Count the processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    task: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Yield the results of `task` over `items`, in their order, computed by `threads` threads.

    At most ``threads + 1`` items are in flight, which bounds the memory. Closing the iterator, or
    an exception in a task, abandons the items not yet started.

    Parameters
    ----------
    task : callable
        Function of an item; it runs in several threads at once.
    items : iterable
        Items, which this thread alone iterates over.
    threads : int
        Number of threads; with 1 the tasks run in the calling thread.

    Yields
    ------
    result
        Result of each item, in the order of the items.

    Examples
    --------
    >>> list(ordered_map(abs, [-3, 1, -2], threads=2))
    [3, 1, 2]
    """
    if threads == 1:
        yield from map(task, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(task, item))
                if len(pending) > threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


@contextmanager
def work_mapped_by(mapper: Mapper | None) -> Iterator[None]:
    """Let `heavy_map` of this thread give its work to `mapper`, if that is not None."""
    token = _mapper.set(mapper)
    try:
        yield
    finally:
        _mapper.reset(token)


def heavy_map(
    task: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Yield results as `ordered_map` does, computed by other processes if there are any.

    This is for tasks that take far longer than sending an item and its result. A task is a
    module-level function bound by `functools.partial`, or a method of an object that can be
    pickled.
    """
    mapper = _mapper.get()
    return ordered_map(task, items, threads) if mapper is None else mapper(task, items)
