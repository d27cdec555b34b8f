"""Decoded chunks that several readers ask for at about the same time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any

from lplrcli.errors import ContainerError


class ChunkCache:
    """Decodes each chunk once for all who read parts of it, and forgets the oldest.

    Parameters
    ----------
    decode : callable
        Gives the values of a chunk by its number.
    count : int
        Chunks that there are.
    most : int
        Chunks kept.
    """

    def __init__(self, decode: Callable[[int], Any], count: int, most: int) -> None:
        self._decode = decode
        self._count = count
        self._most = most
        self._lock = Lock()
        self._entries: OrderedDict[int, _Entry] = OrderedDict()

    def __getitem__(self, number: int) -> Any:
        entry = self._entry(number)
        if not entry.lock.acquire(blocking=False):
            # Another reader is at it: the next chunk is what is wanted next.
            self._prepare(number + 1)
            entry.lock.acquire()
        try:
            if entry.values is None:
                entry.values = self._decode(number)
            return entry.values
        finally:
            entry.lock.release()

    def _prepare(self, number: int) -> None:
        if number >= self._count:
            return
        entry = self._entry(number)
        if entry.lock.acquire(blocking=False):
            try:
                # A damaged chunk raises when it is read; a prefetched one may never be.
                with suppress(ContainerError):
                    if entry.values is None:
                        entry.values = self._decode(number)
            finally:
                entry.lock.release()

    def _entry(self, number: int) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(number, _Entry())
            self._entries.move_to_end(number)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
            return entry


class _Entry:
    def __init__(self) -> None:
        self.lock = Lock()
        self.values: Any = None
