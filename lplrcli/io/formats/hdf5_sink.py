"""One dataset of a new HDF5 file, written by blocks of rows."""

from __future__ import annotations

import math
import posixpath
import shutil
import signal
import tempfile
import threading
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import h5py

from lplrcli.errors import OutputError
from lplrcli.io.formats.hdf5_library import H5_ERRORS, MAX_CACHE_BYTES, reason_of
from lplrcli.io.formats.sink import Sink
from lplrcli.io.handles.unfolding import boxes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    import numpy as np
    from numpy.typing import NDArray

_COMPRESSED_CHUNK_BYTES = 1 << 20


class Hdf5Sink(Sink):
    """Writes one dataset.

    Parameters
    ----------
    stream : binary file
        Written in place where it can be read back and sought in; else a temporary file is,
        and copied to `stream` in the end.
    shape : tuple of int
    unfold : int
    dtype : numpy.dtype
    dataset : str
        Path in the file; groups on the way are created.
    gzip : bool
        Whether to compress the dataset, in chunks of about 1 MiB.

    Raises
    ------
    OutputError
        The dataset cannot be created.
    """

    def __init__(
        self,
        stream: BinaryIO,
        shape: tuple[int, ...],
        unfold: int,
        dtype: np.dtype[Any],
        dataset: str,
        gzip: bool,
    ) -> None:
        super().__init__(shape, unfold, dtype)
        if "\0" in dataset or not posixpath.normpath(f"/{dataset}").strip("/"):
            raise OutputError("not a path for a dataset", found=repr(dataset))
        self._stream = stream
        in_place = stream.seekable() and stream.readable()
        self._spool = None if in_place else tempfile.TemporaryFile(prefix="lplr-")  # noqa: SIM115
        self._shield = _Shield(self._spool or stream)
        chunks = _chunks_of(shape, dtype)
        layout: dict[str, Any] = {}
        if gzip and shape:  # a single number has no chunks
            layout = {"chunks": chunks, "compression": "gzip", "shuffle": True}
        # A slab may end within a layer of chunks; these wait for the next one in the cache.
        sides = zip(shape[1:], chunks[1:], strict=True)
        across = math.prod(extent + side for extent, side in sides)
        waiting = 2 * math.prod(chunks[:1]) * across * dtype.itemsize
        try:
            with _signals_deferred():
                self._h5 = h5py.File(self._shield, "w", rdcc_nbytes=min(waiting, MAX_CACHE_BYTES))
            # A sink that is dropped half-way still has its file closed, at the latest when the
            # interpreter ends: the library left to close it by itself then crashes.
            self._closing = weakref.finalize(self, _close, self._h5, self._spool)
            with _signals_deferred():
                self._dataset = self._h5.create_dataset(dataset, shape, dtype, **layout)
        except H5_ERRORS as error:
            if self._spool is not None:
                self._spool.close()
            self._shield.check()
            raise OutputError(
                f"dataset {dataset!r} cannot be created: {reason_of(error)}"
            ) from error

    def _write_slab(self, values: NDArray[Any]) -> None:
        start, row = self.written, 0
        leading = self.array_shape[: self.unfold]
        for box in boxes(leading, start, start + len(values)):
            extents = tuple(side.stop - side.start for side in box)
            part = values[row : row + math.prod(extents)]
            self._guarded(
                self._dataset.__setitem__,
                box,
                part.reshape(extents + self.array_shape[self.unfold :]),
            )
            row += len(part)

    def _finish(self) -> None:
        self._guarded(self._h5.close)
        if self._spool is not None:
            with self._spool:
                self._spool.seek(0)
                shutil.copyfileobj(self._spool, self._stream, 1 << 20)
        self._stream.flush()

    def _guarded(self, call: Callable[..., object], *arguments: object) -> None:
        """Call the library; failures of the stream and its own are raised as OSError."""
        try:
            with _signals_deferred():
                call(*arguments)
            self._shield.check()
        except BaseException as error:
            self._closing()
            self._shield.check()
            if isinstance(error, H5_ERRORS) and not isinstance(error, OSError):
                raise OSError(reason_of(error)) from error
            raise


def _chunks_of(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Extents of a chunk of about 1 MiB: the last axes whole as far as they go."""
    room, chunks = _COMPRESSED_CHUNK_BYTES // dtype.itemsize, []
    for extent in reversed(shape):
        chunks.append(min(extent, room))
        room = max(1, room // chunks[-1])
    return tuple(reversed(chunks))


def _close(h5: h5py.File, spool: BinaryIO | None) -> None:
    with suppress(*H5_ERRORS), _signals_deferred():
        h5.close()
    if spool is not None:
        spool.close()


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Handle signals after the block instead of within it.

    Their handlers run between any two Python instructions, those of `_Shield` too, and what they
    raise there would be lost in the library.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread only
        return
    waiting: list[tuple[int, FrameType | None]] = []
    handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:  # Windows has no SIGHUP
            continue
        handler = signal.getsignal(number)
        if callable(handler):
            handlers[number] = handler
            signal.signal(number, lambda *received: waiting.append(received))
    try:
        yield
    finally:
        for caught, handler in handlers.items():
            signal.signal(caught, handler)
    for caught, frame in waiting:
        handlers[caught](caught, frame)


class _Shield:
    """The file that the HDF5 library writes to, for which no operation ever fails.

    The library crashes the process when it cannot flush a file it closes, be it that the disk
    is full or that an error elsewhere has closed the file first. So it is told that all went
    well; the first failure, an interrupt included, is kept for `check`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._failed = False
        self._kept: BaseException | None = None

    def check(self) -> None:
        """Raise what has failed, once."""
        failure, self._kept = self._kept, None
        if failure is not None:
            raise failure

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._attempt(offset, self._file.seek, offset, whence)

    def tell(self) -> int:
        return self._attempt(0, self._file.tell)

    def read(self, size: int = -1) -> bytes:
        # h5py takes for a file what has this, and calls readinto.
        return b"" if self._failed else self._file.read(size)

    def readinto(self, buffer: Any) -> int:
        return self._attempt(len(buffer), self._file.readinto, buffer)  # type: ignore[attr-defined]

    def write(self, data: Any) -> int:
        return self._attempt(len(data), self._file.write, data)

    def truncate(self, size: int | None = None) -> int:
        return self._attempt(size or 0, self._file.truncate, size)

    def flush(self) -> None:
        self._attempt(0, self._file.flush)

    def _attempt(self, otherwise: int, call: Callable[..., Any], *arguments: Any) -> int:
        if not self._failed:
            try:
                result: int = call(*arguments)
                return result
            except BaseException as error:  # an interrupt must not cross the library either
                self._failed, self._kept = True, error
        return otherwise
