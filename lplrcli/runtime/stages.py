"""Stages of a long task, and how far each has come: told to a watcher, such as a progress bar.

The algorithm names what it does; what is shown of that, if anything, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

Result = TypeVar("Result")

READ = "read"
FIND_DIRECTIONS = "find directions"
CHOOSE = "choose"
CODE = "code"
VERIFY = "verify"
WRITE = "write"
STAGES = (READ, FIND_DIRECTIONS, CHOOSE, CODE, VERIFY, WRITE)
"""Names of all stages, in the order of a compression."""


class Watcher(Protocol):
    """Protocol of what follows the stages of a task."""

    def begin(self, stage: str) -> None:
        """Note that `stage`, one of `STAGES`, begins or goes on."""
        ...

    def count(self, done: int, total: int | None, unit: str) -> None:
        """Note that `done` things, called `unit`, are done, of `total` if that is known."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_stage: ContextVar[str | None] = ContextVar("stage", default=None)


@contextmanager
def watched_by(watcher: Watcher | None) -> Iterator[None]:
    """Tell `watcher` of the stages of this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def begin(name: str) -> None:
    """Name what is done until a stage begins."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher.begin(name)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Name what the block does, or a function decorated with it; then the outer stage goes on.

    Examples
    --------
    >>> @stage(CODE)
    ... def code():
    ...     return _stage.get()
    >>> code(), _stage.get()
    ('code', None)
    """
    watcher, outer = _watcher.get(), _stage.get()
    token = _stage.set(name)
    if watcher is not None and name != outer:
        watcher.begin(name)
    try:
        yield
    finally:
        _stage.reset(token)
        if watcher is not None and outer is not None and name != outer:
            watcher.begin(outer)


def counted(
    results: Iterable[Result], total: int | None = None, unit: str = "chunks"
) -> Iterator[Result]:
    """Yield `results`, and tell the watcher how many there were.

    Parameters
    ----------
    results : iterable
        What is counted as it comes.
    total : int, optional
        How many there will be.
    unit : str
        What they are called.

    Examples
    --------
    >>> list(counted([3, 1, 2], total=3))
    [3, 1, 2]
    """
    watcher = _watcher.get()
    for done, result in enumerate(results, 1):
        if watcher is not None:
            watcher.count(done, total, unit)
        yield result
