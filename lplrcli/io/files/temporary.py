"""Temporary files beside an output, and removal of those that killed processes left.

A process that is killed, or loses its power, cannot remove its file. So each file is locked for as
long as its process lives: an unlocked one is abandoned, and the next output in that folder removes
it. Names contain the machine, since locks of network file systems may not be seen by others.
Where files cannot be locked, none is taken for abandoned.
"""

from __future__ import annotations

import os
import platform
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not POSIX: an open file there can be neither removed nor renamed
    fcntl = None

_own: set[Path] = set()


@contextmanager
def temporary_file(folder: Path, mode: int | None) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file in `folder`, open for writing and reading, and its path.

    The file is removed afterwards, unless it was renamed. Files that killed processes left in the
    folder are removed first.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    mode : int or None
        Permissions until the caller changes them, writing added; None for what the umask leaves.

    Raises
    ------
    OSError
        The file cannot be created.
    """
    _remove_abandoned(folder)
    path = folder / f"{_prefix()}{os.urandom(6).hex()}.tmp"
    _own.add(path)
    try:
        # The module tempfile is not used, so that the umask decides the permissions of the file.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666 if mode is None else mode | stat.S_IWUSR)
        with os.fdopen(descriptor, "w+b") as stream:
            if fcntl is not None:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not os.fstat(descriptor).st_nlink:
                # Another process removed the file as abandoned before it was locked: try again.
                with temporary_file(folder, mode) as another:
                    yield another
                return
            yield stream, path
    finally:
        with suppress(OSError):
            path.unlink()
        _own.discard(path)


def remove_own() -> None:
    """Remove the temporary files of this process, which is about to end."""
    for path in list(_own):
        with suppress(OSError):
            path.unlink()


def _prefix() -> str:
    return f".lplr-{zlib.crc32(platform.node().encode()):08x}-"


def _remove_abandoned(folder: Path) -> None:
    """Remove the files that killed processes of this machine left."""
    if fcntl is None:
        return
    ours = re.compile(re.escape(_prefix()) + r"[0-9a-f]{12}\.tmp")
    with suppress(OSError):  # the folder may not be readable
        for path in folder.iterdir():
            if ours.fullmatch(path.name):
                with suppress(OSError):  # the file is another user's, in use, or already removed
                    _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    # It is opened for writing, without which NFS gives no lock. The path may be a link or a FIFO
    # that another user put into the folder.
    assert fcntl is not None, "a lock tells whether a file is in use"
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(status, path.lstat()):
                path.unlink()
    finally:
        os.close(descriptor)
