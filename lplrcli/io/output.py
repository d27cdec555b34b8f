"""Files that appear whole or not at all."""

from __future__ import annotations

import ctypes
import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lplrcli.errors import OutputError

if TYPE_CHECKING:
    from types import TracebackType

STDOUT_NAME = "<stdout>"
_WRITE_BACK_SECONDS = 0.02
_SYNC_FILE_RANGE_WRITE = 2  # start writing, do not wait


class AtomicOutput:
    """A binary file to write, which takes its name only when it is complete.

    Used in a ``with`` statement. A temporary file in the folder of the target is written,
    synced and renamed; after an error or an interrupt it is gone and the target is as it was.
    Standard output, and devices and FIFOs, are written directly.

    Parameters
    ----------
    path : str
        The target; ``"-"`` is standard output. A symbolic link is followed: the file it points
        at is replaced, the link stays.
    force : bool
        Whether an existing file may be replaced. It keeps its permissions.
    inputs : sequence of str
        Files that are read meanwhile; none of them is ever the target, under whatever name.

    Raises
    ------
    OutputError
        On entering: the target exists, is an input, a folder or a terminal, or cannot be
        created. On leaving, or from a failed write inside: it could not be written.
    """

    def __init__(self, path: str, *, force: bool = False, inputs: Sequence[str] = ()) -> None:
        self.path = path
        self.force = force
        self.inputs = tuple(inputs)
        self._writing: AbstractContextManager[BinaryIO] | None = None

    def __enter__(self) -> BinaryIO:
        self._writing = self._choose()
        return self._writing.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        assert self._writing is not None, "left without being entered"
        return self._writing.__exit__(kind, error, trace)

    def _choose(self) -> AbstractContextManager[BinaryIO]:
        if self.path == "-":
            return _to_stdout()
        target = _resolve(self.path)
        try:
            # Of the path as given: /dev/stdout leads to no file of the name that it resolves to.
            status = Path(self.path).stat()
        except FileNotFoundError:
            return _replacing(target, self.path, None, self.force)
        except OSError as error:
            raise _failed(self.path, error) from error
        if any(_is_same(status, path) for path in self.inputs):
            raise OutputError(
                "the output is the input file; it is never overwritten",
                path=self.path,
                advice="Choose another name with -o.",
            )
        if stat.S_ISDIR(status.st_mode):
            raise OutputError("is a directory", path=self.path, advice="Name a file with -o.")
        if not stat.S_ISREG(status.st_mode):
            return _to_special(Path(self.path), self.path)
        if not self.force:
            raise _exists(self.path)
        return _replacing(target, self.path, stat.S_IMODE(status.st_mode), self.force)


def _resolve(path: str) -> Path:
    if not path or path.endswith("/"):
        raise OutputError("is not the name of a file", path=path or "''")
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise OutputError(f"cannot be written: {error}", path=path) from error


def _is_same(status: os.stat_result, path: str) -> bool:
    try:
        return os.path.samestat(status, Path(path).stat())
    except (OSError, ValueError):
        return False  # "-", or a file that is gone


@contextmanager
def _to_stdout() -> Iterator[BinaryIO]:
    if sys.stdout is None or sys.stdout.closed:
        raise OutputError("standard output is closed", path=STDOUT_NAME)
    if sys.stdout.isatty():
        raise OutputError(
            "binary data is not written to a terminal",
            path=STDOUT_NAME,
            advice="Redirect it, or name a file with -o.",
        )
    with _reported(STDOUT_NAME):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()


@contextmanager
def _to_special(target: Path, path: str) -> Iterator[BinaryIO]:
    """Write to a device or a FIFO, which cannot be replaced."""
    with _reported(path), target.open("wb") as stream:
        if stream.isatty():
            raise OutputError("binary data is not written to a terminal", path=path)
        yield stream


@contextmanager
def _replacing(target: Path, path: str, mode: int | None, force: bool) -> Iterator[BinaryIO]:
    """Write beside the target and rename; `mode` is that of an existing target."""
    temporary = target.with_name(f".lplr-{os.urandom(6).hex()}.tmp")
    with _reported(path):
        # Not by tempfile: a new file gets the permissions that the umask leaves it.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666 if mode is None else mode)
        try:
            with os.fdopen(descriptor, "w+b") as stream, _written_back(descriptor):
                if mode is not None:
                    os.fchmod(stream.fileno(), mode)
                yield stream
                stream.flush()
                os.fsync(descriptor)
            if not force and os.path.lexists(target):  # it came into being meanwhile
                raise _exists(path)
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(target.parent)


@contextmanager
def _written_back(descriptor: int) -> Iterator[None]:
    """Have a file written to disk while it grows, so that the last sync has little left to do.

    Of 320 MB that takes 0.02 s instead of 0.18 s, since the disk works while the processors do.
    Errors are left to the last sync, which reports them.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "sync_file_range"):  # not Linux
        yield
        return
    done = threading.Event()
    whole = ctypes.c_int64(0)

    def write_back() -> None:
        while not done.wait(_WRITE_BACK_SECONDS):
            library.sync_file_range(descriptor, whole, whole, _SYNC_FILE_RANGE_WRITE)

    thread = threading.Thread(target=write_back, name="lplr-write-back", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; file systems without that keep their own promise."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _reported(path: str) -> Iterator[None]:
    """Turn failures of the output into `OutputError`.

    A broken pipe passes: its reader has what it wanted.
    """
    try:
        yield
    except (OutputError, BrokenPipeError):
        raise
    except OSError as error:
        raise _failed(path, error) from error


def _exists(path: str) -> OutputError:
    return OutputError("the file exists", path=path, advice="Overwrite it with -f, or use -o.")


def _failed(path: str, error: OSError) -> OutputError:
    return OutputError(f"cannot be written: {error.strerror or error}", path=path)
