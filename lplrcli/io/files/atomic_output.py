"""Files that appear whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from lplrcli.errors import OutputError
from lplrcli.io.files.temporary import temporary_file
from lplrcli.io.files.unchanged import Unchanged

if TYPE_CHECKING:
    from types import TracebackType

STDOUT_NAME = "<stdout>"
_WRITE_BACK_SECONDS = 0.02
_SYNC_FILE_RANGE_WRITE = 2  # start writing, do not wait
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EROFS}
_NO_ROOM = "Make room, or write to another disk with -o; nothing was left behind."
_NOT_THERE = "Name a file in a folder that you may write to with -o."
_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _NO_ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_THERE),
}


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
        Files that are read meanwhile, ``"-"`` for standard input, and folders of such; none of
        them is ever the target, under whatever name.
    unchanged : Unchanged, optional
        Of the target, if its content was read: checked in the last moment.

    Raises
    ------
    OutputError
        On entering: the target exists, is an input, a folder or a terminal, or cannot be
        created. On leaving, or from a failed write inside: it could not be written.
    """

    def __init__(
        self,
        path: str,
        *,
        force: bool = False,
        inputs: Sequence[str] = (),
        unchanged: Unchanged | None = None,
    ) -> None:
        self.path = path
        self.force = force
        self.inputs = tuple(inputs)
        self.unchanged = unchanged
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
            return _to_stdout(self.inputs)
        target = _resolve(self.path)
        try:
            # Of the path as given: /dev/stdout leads to no file of the name that it resolves to.
            status = Path(self.path).stat()
        except FileNotFoundError:
            return self._replacing(target, None)
        except OSError as error:
            raise _failed(self.path, error) from error
        if any(_is_same(status, target, path) for path in self.inputs):
            raise _is_input(self.path)
        if stat.S_ISDIR(status.st_mode):
            raise OutputError("is a directory", path=self.path, advice="Name a file with -o.")
        if not stat.S_ISREG(status.st_mode):
            return _to_special(Path(self.path), self.path)
        if not self.force:
            raise _exists(self.path)
        if not _is_same(status, target, str(target)):
            return _to_special(Path(self.path), self.path)  # an open file whose name is gone
        return self._replacing(target, stat.S_IMODE(status.st_mode))

    @contextmanager
    def _replacing(self, target: Path, mode: int | None) -> Iterator[BinaryIO]:
        """Write beside the target and rename; `mode` is that of an existing target."""
        with _reported(self.path):
            with temporary_file(target.parent, mode) as (stream, temporary):
                with _written_back(stream.fileno()):
                    yield stream
                    stream.flush()
                    if mode is not None:
                        os.fchmod(stream.fileno(), mode)
                    os.fsync(stream.fileno())
                if self.unchanged is not None:
                    self.unchanged.check()
                # Still open, hence locked: else it might be taken for one that was abandoned.
                _name(temporary, target, self.path, self.force)
            _sync_folder(target.parent, self.path)


def _resolve(path: str) -> Path:
    if not path or path.endswith("/"):
        raise OutputError("is not the name of a file", path=path or "''")
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise OutputError(f"cannot be written: {error}", path=path) from error


def _is_same(status: os.stat_result, target: Path, path: str) -> bool:
    """Whether the file `target`, of that status, is the one at `path`, or in that folder."""
    try:
        found = _status_of(sys.stdin) if path == "-" else Path(path).stat()
    except (OSError, ValueError):
        return False  # a URL, or a file that is gone
    if found is None:
        return False
    if stat.S_ISDIR(found.st_mode) and not stat.S_ISDIR(status.st_mode):
        return target.is_relative_to(os.path.realpath(path))
    return os.path.samestat(status, found)


def _status_of(stream: TextIO | None) -> os.stat_result | None:
    """Of the file that a standard stream leads to; none where a caller put something else."""
    try:
        return None if stream is None else os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None


@contextmanager
def _to_stdout(inputs: Sequence[str]) -> Iterator[BinaryIO]:
    if sys.stdout is None or sys.stdout.closed:
        raise OutputError("standard output is closed", path=STDOUT_NAME)
    if sys.stdout.isatty():
        raise OutputError(
            "binary data is not written to a terminal",
            path=STDOUT_NAME,
            advice="Redirect it, or name a file with -o.",
        )
    status = _status_of(sys.stdout)
    # Appended to its input with >>, it would be read as a part of that. Devices take no harm.
    regular = status is not None and stat.S_ISREG(status.st_mode)
    if status is not None and regular and any(_is_same(status, Path(), path) for path in inputs):
        raise _is_input(STDOUT_NAME)
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


def _name(temporary: Path, target: Path, path: str, force: bool) -> None:
    """Give the complete file its name; one that came into being meanwhile is kept."""
    if force:
        temporary.replace(target)
        return
    try:
        target.hardlink_to(temporary)  # fails if there is one, which a rename does not
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise _exists(path) from None
        temporary.replace(target)


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


def _sync_folder(folder: Path, path: str) -> None:
    """Make a rename durable; file systems without that keep their own promise."""
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        os.fsync(descriptor)
    except OSError as error:
        # A folder may also be written, but not read.
        if error.errno not in _NO_SYNC:
            raise OutputError(
                f"is written, but its folder cannot be synced: {error.strerror}",
                path=path,
                advice="It may be lost when the power fails: see to the disk, and write it again.",
            ) from error
    finally:
        if descriptor is not None:
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


def _is_input(path: str) -> OutputError:
    return OutputError(
        "the output is the input file; it is never overwritten",
        path=path,
        advice="Choose another name with -o.",
    )


def _exists(path: str) -> OutputError:
    return OutputError("the file exists", path=path, advice="Overwrite it with -f, or use -o.")


def _failed(path: str, error: OSError) -> OutputError:
    advice = _ADVICE.get(error.errno) if error.errno is not None else None
    return OutputError(f"cannot be written: {error.strerror or error}", path=path, advice=advice)
