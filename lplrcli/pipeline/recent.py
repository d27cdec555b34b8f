"""Decoded chunks that several readers ask for at about the same time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from numpy.typing import NDArray


class RecentChunks:
    """Decodes each chunk once for all who read parts of it, and forgets the oldest.

    Parameters
    ----------
    decode : callable
        Gives the values of a chunk by its number.
    most : int
        Chunks kept.
    """

    def __init__(self, decode: Callable[[int], NDArray[Any]], most: int) -> None:
        self._decode = decode
        self._most = most
        self._lock = Lock()
        self._entries: OrderedDict[int, _Entry] = OrderedDict()

    def __getitem__(self, number: int) -> NDArray[Any]:
        with self._lock:
            entry = self._entries.setdefault(number, _Entry())
            self._entries.move_to_end(number)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
        # Whoever comes second waits here for the first.
        with entry.lock:
            if entry.values is None:
                entry.values = self._decode(number)
            return entry.values


class _Entry:
    def __init__(self) -> None:
        self.lock = Lock()
        self.values: NDArray[Any] | None = None
