"""Temporary files beside an output, and what killed processes left of theirs.

A process that is killed, or loses its power, cannot remove its file. So each is locked for as long
as its process lives: one that nobody holds is nobody's, and the next output in that folder
removes it. Names tell the machine, since locks of network file systems may end at its border.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_own: set[Path] = set()


@contextmanager
def temporary_file(folder: Path, mode: int | None) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file in `folder`, open for writing and reading, and its name.

    The name is gone afterwards, unless the file was renamed. Files that killed processes left in
    the folder are removed first.

    Parameters
    ----------
    folder : Path
        Where.
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
        # Not by tempfile: a new file gets the permissions that the umask leaves it.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o666 if mode is None else mode | stat.S_IWUSR)
        with os.fdopen(descriptor, "w+b") as stream:
            with suppress(OSError):  # without locks it works as well, but is not removed later
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not os.fstat(descriptor).st_nlink:
                # Another process took it for abandoned before it was locked: it is not now.
                with temporary_file(folder, mode) as another:
                    yield another
                return
            yield stream, path
    finally:
        with suppress(OSError):
            path.unlink()
        _own.discard(path)


def remove_own() -> None:
    """Remove those of this process, which is about to end."""
    for path in list(_own):
        with suppress(OSError):
            path.unlink()


def _prefix() -> str:
    return f".lplr-{zlib.crc32(platform.node().encode()):08x}-"


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes of this machine left that were killed."""
    ours = re.compile(re.escape(_prefix()) + r"[0-9a-f]{12}\.tmp")
    with suppress(OSError):  # the folder may not be readable
        for path in folder.iterdir():
            if ours.fullmatch(path.name):
                with suppress(OSError):  # another user's, in use, gone meanwhile
                    _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    # To write, as locks are not had otherwise on NFS; whoever owns the folder may have put a link
    # or a FIFO there.
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(status, path.lstat()):
                path.unlink()
    finally:
        os.close(descriptor)
