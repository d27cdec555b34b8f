"""Large arrays in memory up to a limit, and in scratch files beyond it.

An algorithm asks for arrays here and does not know where they lie. Scratch files are mapped: a
page that was touched stays resident until it is dropped, and pages are dropped here whenever the
process comes near its limit. The files have no names, so nothing is ever left behind.
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
from typing import IO, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lplrcli.errors import MemoryLimitError, OutputError
from lplrcli.runtime.available_memory import (
    default_limit,
    pages_can_be_dropped,
    resident_memory,
)
from lplrcli.runtime.lazy_sequence import LazySequence

_MEMORY_PARTS = 32
"""Divisor of the limit: an array of more than one such part does not lie in memory."""

_SCRATCH_BYTES = 64 << 20
"""Least bytes of a scratch file: small arrays share one."""

_ALIGNED = 64
_WRITTEN_AT_ONCE = 1 << 20

_FULL = 0.7
"""Part of the limit from which pages of scratch files are dropped."""

_INTERVAL = 0.01
"""Seconds between two checks of the resident memory; at most about 50 MB are touched meanwhile."""


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

    def require(self, needed: int, name: str | None, threads: int) -> None:
        """Refuse what cannot be had beside what this process has resident already.

        Parameters
        ----------
        needed : int
            Bytes, at least, besides those.
        name : str or None
            File or matrix that they are needed for.
        threads : int
            How many work at once: fewer need less.

        Raises
        ------
        MemoryLimitError
            If the limit is lower; it says what would do.
        """
        needed += resident_memory()
        if needed > self.limit:
            fewer = "" if threads == 1 else ", or take fewer threads with -T"
            raise MemoryLimitError(
                "the memory limit is too low",
                path=name,
                found=f"{self.limit // 10**6} MB",
                expected=f"at least {-(-needed // 10**6)} MB",
                advice=f"Allow more with -M{fewer}.",
            )

    @property
    def share(self) -> int:
        """Bytes of the largest array that lies in memory."""
        return self.limit // _MEMORY_PARTS

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Allocate an array, in memory or in a scratch file; its entries are not set.

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
        """Allocate an array in a scratch file whatever its size; its entries are not set.

        Raises
        ------
        OutputError
            There is no room for it.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            if size > len(self._slab):
                self._slab = self._mapped(max(size, _SCRATCH_BYTES))
            taken = -(-size // _ALIGNED) * _ALIGNED
            found, self._slab = self._slab[:size], self._slab[taken:]
        return found.view(dtype).reshape(shape)

    def close(self) -> None:
        """Stop dropping pages; arrays stay valid as long as they are referenced."""
        self._closed.set()
        self._slab = np.empty(0, np.uint8)

    def _mapped(self, size: int) -> NDArray[np.uint8]:
        try:
            with tempfile.TemporaryFile(prefix="lplr-") as file:
                _reserve(file, size)
                mapping = mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise OutputError(
                f"there is no room for {size} bytes of scratch space: {error.strerror or error}",
                path=tempfile.gettempdir(),
                advice="Set TMPDIR to a folder with room, or allow more memory with -M.",
            ) from error
        self._mappings.add(mapping)
        if self._pager is None and pages_can_be_dropped():
            self._pager = threading.Thread(target=self._page, name="lplr-pager", daemon=True)
            self._pager.start()
        return np.frombuffer(mapping, np.uint8)

    def _page(self) -> None:
        """Drop the resident pages of scratch files whenever the limit is near."""
        while not self._closed.wait(_INTERVAL):
            if resident_memory() > _FULL * self.limit:
                for mapping in list(self._mappings):
                    # Nothing is lost: shared pages belong to the file.
                    mapping.madvise(mmap.MADV_DONTNEED)


def _reserve(file: IO[bytes], size: int) -> None:
    """Reserve the space of a file: the process is killed if a hole cannot be filled later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    zeros = bytes(min(size, _WRITTEN_AT_ONCE))
    for start in range(0, size, _WRITTEN_AT_ONCE):
        file.write(zeros[: size - start])
    file.flush()


_CURRENT: ContextVar[Workspace | None] = ContextVar("workspace", default=None)


def workspace() -> Workspace:
    """Return the workspace that `limited_memory` set, or one with the default limit."""
    found = _CURRENT.get()
    if found is None:
        found = Workspace(default_limit())
        _CURRENT.set(found)
    return found


@contextmanager
def limited_memory(limit: int | None) -> Iterator[Workspace]:
    """Set a workspace of `limit` bytes for this thread; of the default limit if None."""
    inner = Workspace(default_limit() if limit is None else limit)
    token = _CURRENT.set(inner)
    try:
        yield inner
    finally:
        _CURRENT.reset(token)
        inner.close()


class KeptArrays(LazySequence[NDArray[Any]]):
    """List of arrays: the first are in memory, later ones in a scratch file if there are many.

    Parameters
    ----------
    arrays : iterable of ndarray
        First arrays of the list.
    """

    def __init__(self, arrays: Iterable[NDArray[Any]] = ()) -> None:
        self._workspace = workspace()
        self._arrays: list[NDArray[Any]] = []
        self._dtypes: list[np.dtype[Any]] = []
        self._held = 0
        for array in arrays:
            self.append(array)

    def append(self, array: NDArray[Any]) -> None:
        """Add an array to the end; it must not change afterwards."""
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
    """List of byte strings that are kept as `KeptArrays` are.

    Parameters
    ----------
    parts : iterable of bytes
        All strings of the list.
    """

    def __init__(self, parts: Iterable[bytes] = ()) -> None:
        self._arrays = KeptArrays(np.frombuffer(part, np.uint8) for part in parts)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def lengths(self) -> list[int]:
        """Number of bytes of each part."""
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
    """Choose the narrowest type that holds an array's int32 entries; other types stay."""
    if array.dtype != np.int32 or array.size == 0:
        return array.dtype
    low, high = int(array.min()), int(array.max())
    for narrow in (np.int8, np.int16):
        limits = np.iinfo(narrow)
        if limits.min <= low and high <= limits.max:
            return np.dtype(narrow)
    return array.dtype
