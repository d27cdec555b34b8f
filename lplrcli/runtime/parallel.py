"""Many threads, one order: the only way this package runs things in parallel on one machine."""

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
"""Results of a task over items, in their order, computed in other processes: both are pickled."""

_mapper: ContextVar[Mapper | None] = ContextVar("mapper", default=None)


def usable_cpus() -> int:
    """Processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    task: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Results of `task` over `items`, in their order, computed by `threads` threads.

    At most ``threads + 1`` items are in flight, so memory stays bounded by them. Closing the
    iterator, or an exception in a task, abandons the items not yet started.
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
    """Meanwhile `heavy_map` of this thread gives its work to `mapper`, if that is not None."""
    token = _mapper.set(mapper)
    try:
        yield
    finally:
        _mapper.reset(token)


def heavy_map(
    task: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """As `ordered_map`, but other processes do the work where there are any.

    For tasks that take far longer than their item and result take to travel. A task is a
    module-level function bound by `functools.partial`, or a method of what can be pickled.
    """
    mapper = _mapper.get()
    return ordered_map(task, items, threads) if mapper is None else mapper(task, items)
