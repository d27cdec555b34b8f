"""Output files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TextIO

from lplrcli.errors import OutputError
from lplrcli.io.files import temporary as temporary_files
from lplrcli.io.files.descriptors import descriptor_of, is_closed
from lplrcli.io.files.durability import sync_folder, written_back
from lplrcli.io.files.temporary import temporary_file
from lplrcli.io.files.unchanged import Unchanged

if TYPE_CHECKING:
    from types import TracebackType

STDOUT_NAME = "<stdout>"
_NO_ROOM = "Make room, or write to another disk with -o; nothing was left behind."
_NOT_THERE = "Name a file in a folder that you may write to with -o."
_ADVICE_BY_ERROR = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _NO_ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_THERE),
}


class AtomicOutput:
    """Binary file to write, which takes its name only when it is complete.

    It is used in a ``with`` statement. A temporary file in the folder of the target is written,
    synced and renamed; after an error or an interrupt it is gone and the target is unchanged.
    Standard output, devices and FIFOs are written directly, and so is what is open already under
    a name such as ``/dev/stdout``: where it is written to, at the end with ``>>``, has been said.

    Parameters
    ----------
    path : str
        The target; ``"-"`` is standard output. A symbolic link is followed: the file it points
        at is replaced, the link stays.
    force : bool
        Whether an existing file may be replaced. It keeps its permissions.
    inputs : sequence of str
        Files that are read meanwhile, or folders with such files; ``"-"`` is standard input. The
        target is never one of them, whatever name leads to it.
    unchanged : Unchanged, optional
        Check that the target, if its content was read, is still that file; made last.

    Raises
    ------
    OutputError
        The target exists, is an input, a folder or a terminal, or cannot be created (on entering);
        or it could not be written (on leaving, or from a write inside).
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
        number = descriptor_of(self.path)
        if number is not None:
            return _to_descriptor(number, self.path, self.inputs)
        target = _resolve(self.path)
        try:
            # The path is taken as given: that of an open file may resolve to a name that is gone.
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
            return _to_special(Path(self.path), self.path)  # a file that another process has open
        return self._replacing(target, stat.S_IMODE(status.st_mode))

    @contextmanager
    def _replacing(self, target: Path, mode: int | None) -> Iterator[BinaryIO]:
        """Write beside the target and rename; `mode` is that of an existing target."""
        with _reported(self.path):
            with temporary_file(target.parent, mode) as (stream, temporary):
                with written_back(stream.fileno()):
                    yield stream
                    stream.flush()
                    if mode is not None:
                        _set_mode(stream, temporary, mode)
                    os.fsync(stream.fileno())
                if self.unchanged is not None:
                    self.unchanged.check()
                # The file is still open and so locked: otherwise it might be taken for abandoned.
                # Where there are no such locks, an open file has no new name.
                if temporary_files.fcntl is None:
                    stream.close()
                _name(temporary, target, self.path, self.force)
            sync_folder(target.parent, self.path)


def _set_mode(stream: BinaryIO, path: Path, mode: int) -> None:
    if hasattr(os, "fchmod"):
        os.fchmod(stream.fileno(), mode)
    else:
        path.chmod(mode)


def _resolve(path: str) -> Path:
    if not path or path.endswith("/"):
        raise OutputError("is not the name of a file", path=path or "''")
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise OutputError(f"cannot be written: {error}", path=path) from error


def _is_same(status: os.stat_result, target: Path, path: str) -> bool:
    """Whether the file `target`, with this status, is the one at `path`, or in that folder."""
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
    """Return the status of a standard stream's file; None if the caller replaced the stream."""
    try:
        return None if stream is None else os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None


@contextmanager
def _to_stdout(inputs: Sequence[str]) -> Iterator[BinaryIO]:
    if sys.stdout is None or sys.stdout.closed:
        raise OutputError("standard output is closed", path=STDOUT_NAME)
    _refuse_terminal(sys.stdout, STDOUT_NAME)
    status = _status_of(sys.stdout)
    # Output appended to its own input with >> would be read as a part of it. Devices are safe.
    regular = status is not None and stat.S_ISREG(status.st_mode)
    if status is not None and regular and any(_is_same(status, Path(), path) for path in inputs):
        raise _is_input(STDOUT_NAME)
    with _reported(STDOUT_NAME):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()


@contextmanager
def _to_descriptor(number: int, path: str, inputs: Sequence[str]) -> Iterator[BinaryIO]:
    """Write to a file that is open already, from where its next byte goes."""
    if is_closed(number):
        raise OutputError("it was closed before the command began", path=path)
    with _reported(path), os.fdopen(os.dup(number), "wb") as stream:
        _refuse_terminal(stream, path)
        status = os.fstat(number)
        target = Path(os.path.realpath(path))
        if stat.S_ISREG(status.st_mode) and any(_is_same(status, target, one) for one in inputs):
            raise _is_input(path)
        yield stream


def _refuse_terminal(stream: IO[Any], path: str) -> None:
    if stream.isatty():
        raise OutputError(
            "binary data is not written to a terminal",
            path=path,
            advice="Redirect it, or name a file with -o.",
        )


@contextmanager
def _to_special(target: Path, path: str) -> Iterator[BinaryIO]:
    """Write to a device or a FIFO, which cannot be replaced."""
    with _reported(path), target.open("wb") as stream:
        _refuse_terminal(stream, path)
        yield stream


def _name(temporary: Path, target: Path, path: str, force: bool) -> None:
    """Give the complete file its name; a file that appeared under it meanwhile is kept."""
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
def _reported(path: str) -> Iterator[None]:
    """Turn failures of the output into `OutputError`.

    A broken pipe passes, since its reader needs no more.
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
    advice = _ADVICE_BY_ERROR.get(error.errno) if error.errno is not None else None
    return OutputError(f"cannot be written: {error.strerror or error}", path=path, advice=advice)
