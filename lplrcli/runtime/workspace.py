"""Large arrays that need not lie in memory: what exceeds the limit lies in a scratch file.

An algorithm asks for arrays here and does not know where they are. Those in scratch files are
mapped: what of them is touched is resident until somebody drops it, which is done here whenever
the process comes near its limit. The files have no names, so nothing is ever left behind.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lplrcli.errors import OutputError
from lplrcli.runtime.available_memory import default_limit, resident_memory
from lplrcli.runtime.lazy_sequence import LazySequence

_PART = 32
"""An array of more than this part of the limit does not lie in memory."""

_SLAB = 64 << 20
"""Bytes of a scratch file, at least: small arrays share one."""

_ALIGNED = 64

_FULL = 0.7
"""Part of the limit from which pages of scratch files are dropped."""

_INTERVAL = 0.01
"""Seconds between two looks at how much is resident: 50 MB are touched in that time at most."""


class Workspace:
    """Memory up to a limit, and scratch files beyond it.

    Parameters
    ----------
    limit : int
        Bytes that this process may have resident.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._mappings: WeakSet[mmap.mmap] = WeakSet()
        self._slab: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._pager: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def share(self) -> int:
        """Bytes of the largest array that lies in memory."""
        return self.limit // _PART

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array to be filled.

        Raises
        ------
        OutputError
            There is no room for a scratch file.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size <= self.share:
            return np.empty(shape, dtype)
        return self.scratch(shape, dtype)

    def scratch(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array to be filled, in a scratch file whatever its size.

        Raises
        ------
        OutputError
            There is no room for it.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            if size > len(self._slab):
                self._slab = self._mapped(max(size, _SLAB))
            taken = -(-size // _ALIGNED) * _ALIGNED
            found, self._slab = self._slab[:size], self._slab[taken:]
        return found.view(dtype).reshape(shape)

    def close(self) -> None:
        """Drop no more pages; arrays stay valid as long as somebody has them."""
        self._closed.set()
        self._slab = np.empty(0, np.uint8)

    def _mapped(self, size: int) -> NDArray[np.uint8]:
        try:
            with tempfile.TemporaryFile(prefix="lplr-") as file:
                # A hole that cannot be filled later would end the process.
                os.posix_fallocate(file.fileno(), 0, size)
                mapping = mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise OutputError(
                f"{size} bytes of scratch space cannot be had: {error.strerror or error}",
                path=tempfile.gettempdir(),
                advice="Set TMPDIR to a folder with room, or allow more memory with -M.",
            ) from error
        self._mappings.add(mapping)
        if self._pager is None:
            self._pager = threading.Thread(target=self._page, name="lplr-pager", daemon=True)
            self._pager.start()
        return np.frombuffer(mapping, np.uint8)

    def _page(self) -> None:
        """Drop what is resident of scratch files, whenever the limit is near."""
        while not self._closed.wait(_INTERVAL):
            if resident_memory() > _FULL * self.limit:
                for mapping in list(self._mappings):
                    # Shared pages are not lost: they are the file's.
                    mapping.madvise(mmap.MADV_DONTNEED)


_CURRENT: ContextVar[Workspace | None] = ContextVar("workspace", default=None)


def workspace() -> Workspace:
    """The one in use here, as `limited_memory` says; one with the default limit otherwise."""
    found = _CURRENT.get()
    if found is None:
        found = Workspace(default_limit())
        _CURRENT.set(found)
    return found


@contextmanager
def limited_memory(limit: int | None) -> Iterator[Workspace]:
    """Keep what this thread asks for within `limit` bytes; the default limit if None."""
    inner = Workspace(default_limit() if limit is None else limit)
    token = _CURRENT.set(inner)
    try:
        yield inner
    finally:
        _CURRENT.reset(token)
        inner.close()


class KeptArrays(LazySequence[NDArray[Any]]):
    """A list of arrays, the first in memory, the others in a scratch file once they are many.

    Parameters
    ----------
    arrays : iterable of ndarray
        To begin with.
    """

    def __init__(self, arrays: Iterable[NDArray[Any]] = ()) -> None:
        self._workspace = workspace()
        self._arrays: list[NDArray[Any]] = []
        self._dtypes: list[np.dtype[Any]] = []
        self._held = 0
        for array in arrays:
            self.append(array)

    def append(self, array: NDArray[Any]) -> None:
        """Take an array, which must not change from here on."""
        self._dtypes.append(array.dtype)
        if self._held + array.nbytes > self._workspace.share:
            narrow = _narrowest(array)
            kept = self._workspace.scratch(array.shape, narrow)
            kept[...] = array
            array = kept
        else:
            self._held += array.nbytes
        self._arrays.append(array)

    def __len__(self) -> int:
        return len(self._arrays)

    def _element(self, at: int) -> NDArray[Any]:
        return self._arrays[at].astype(self._dtypes[at], copy=False)


class KeptBytes(LazySequence[bytes]):
    """A list of strings of bytes, kept as `KeptArrays` are.

    Parameters
    ----------
    parts : iterable of bytes
        All of them.
    """

    def __init__(self, parts: Iterable[bytes] = ()) -> None:
        self._arrays = KeptArrays(np.frombuffer(part, np.uint8) for part in parts)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def lengths(self) -> list[int]:
        """Bytes of each part."""
        return [len(array) for array in self._arrays]

    def _element(self, at: int) -> bytes:
        return self._arrays[at].tobytes()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        same = len(self) == len(other)
        return same and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def _narrowest(array: NDArray[Any]) -> np.dtype[Any]:
    """The narrowest type that holds the integers of an array; its own if it has others."""
    if array.dtype != np.int32 or array.size == 0:
        return array.dtype
    low, high = int(array.min()), int(array.max())
    for narrow in (np.int8, np.int16):
        limits = np.iinfo(narrow)
        if limits.min <= low and high <= limits.max:
            return np.dtype(narrow)
    return array.dtype
