"""Results of work that is done elsewhere, in order, and done again where it is lost."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
Submitted = TypeVar("Submitted")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""How often one piece of work may be lost."""


class LostTooOftenError(Exception):
    """Raised where some work was lost `ATTEMPTS` times."""


class OrderedWork(Generic[Item, Submitted, Result]):
    """Submits work, and takes the results in the order of the items.

    Parameters
    ----------
    submit : callable
        Starts the work of an item.
    take : callable
        Waits for the result of what was submitted; called again for the same item if work is
        lost meanwhile.
    lost : tuple of exception types
        What either raises where work is lost, and may be done again.
    recover : callable
        Called after a loss, before all that is pending is submitted again.
    """

    def __init__(
        self,
        submit: Callable[[Item], Submitted],
        take: Callable[[Submitted], Result],
        lost: tuple[type[BaseException], ...],
        recover: Callable[[], None],
    ) -> None:
        self._submit = submit
        self._take = take
        self._lost = lost
        self._recover = recover
        self._pending: deque[_Work[Item, Submitted]] = deque()

    def results(self, items: Iterable[Item], most: int) -> Iterator[Result]:
        """Results of all items, in their order, with at most so many items in flight.

        Raises
        ------
        LostTooOftenError
            Some work was lost `ATTEMPTS` times.
        """
        for item in items:
            self._pending.append(_Work(item))
            self._start([self._pending[-1]])
            if len(self._pending) > most:
                yield self._oldest()
        while self._pending:
            yield self._oldest()

    def _start(self, works: Iterable[_Work[Item, Submitted]]) -> None:
        """Submit work; what cannot be, because work is being lost, waits for `_oldest`."""
        for work in works:
            work.submitted = None
            try:
                work.submitted = self._submit(work.item)
            except self._lost as error:
                logger.info("work could not be given to the cluster (%s)", type(error).__name__)

    def _oldest(self) -> Result:
        for _ in range(ATTEMPTS):
            submitted = self._pending[0].submitted
            if submitted is not None:
                try:
                    found = self._take(submitted)
                except self._lost as error:
                    logger.info("work lost on the cluster is done again (%s)", type(error).__name__)
                else:
                    self._pending.popleft()
                    return found
            self._recover()
            self._start(self._pending)
        raise LostTooOftenError


class _Work(Generic[Item, Submitted]):
    def __init__(self, item: Item) -> None:
        self.item = item
        self.submitted: Submitted | None = None
