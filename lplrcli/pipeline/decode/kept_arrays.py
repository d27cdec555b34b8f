"""Decoded arrays that stay in memory, under one bound on their bytes."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from numpy.typing import NDArray

WHOLE = -1
"""Number that stands in a key for all of a factor, or of the matrix, not for a chunk."""

Key = tuple[str, int]
"""Name of a factor, or ``matrix``, and number of a chunk or `WHOLE`."""


class KeptArrays:
    """Arrays by name and number; where they exceed the bound, those not used for longest go.

    Arrays are read-only once they are kept, since all who ask get the same one. Threads may
    share one object.

    Parameters
    ----------
    most : int
        Bytes of all arrays together.

    Examples
    --------
    >>> import numpy as np
    >>> kept = KeptArrays(100)
    >>> kept.put(("left", 0), np.zeros(8))
    >>> kept.put(("left", 1), np.ones(8))
    >>> kept.get(("left", 0)) is None, kept.held
    (True, 64)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._entries: OrderedDict[Key, NDArray[Any]] = OrderedDict()
        self._held = 0

    @property
    def most(self) -> int:
        """Bytes that all arrays together may have; setting less forgets what exceeds it."""
        return self._most

    @most.setter
    def most(self, most: int) -> None:
        with self._lock:
            self._most = most
            self._shrink(most)

    @property
    def held(self) -> int:
        """Bytes of the arrays that are kept now."""
        return self._held

    def get(self, key: Key) -> NDArray[Any] | None:
        """The array under a key, if it is kept."""
        with self._lock:
            values = self._entries.get(key)
            if values is not None:
                self._entries.move_to_end(key)
            return values

    def put(self, key: Key, values: NDArray[Any], displace: bool = True) -> None:
        """Keep an array, if it has room at all; without `displace` only if there is room now."""
        values.flags.writeable = False
        with self._lock:
            if key in self._entries:
                self._held -= self._entries.pop(key).nbytes
            if values.nbytes > (self._most if displace else self._most - self._held):
                return
            self._shrink(self._most - values.nbytes)
            self._entries[key] = values
            self._held += values.nbytes

    def forget(self, name: str, but: int | None = None) -> None:
        """Forget all of a factor, or all but what has one number."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == name and key[1] != but]:
                self._held -= self._entries.pop(key).nbytes

    def _shrink(self, most: int) -> None:
        while self._held > most:
            _, oldest = self._entries.popitem(last=False)
            self._held -= oldest.nbytes
