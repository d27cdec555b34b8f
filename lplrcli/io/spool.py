"""Files that can be read as often as needed, from whatever the user names."""

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

from lplrcli.errors import InputError

STDIN_NAME = "<stdin>"
_PIECE = 1 << 20  # bytes copied at a time


def open_seekable(path: str) -> tuple[BinaryIO, str, bool]:
    """Open a file for reading, spooling what cannot be read twice.

    Parameters
    ----------
    path : str
        File name or URL, or ``"-"`` for standard input.

    Returns
    -------
    file : binary file
        Seekable, at its start.
    name : str
        How to call it in messages.
    reopenable : bool
        Whether `path` itself leads to the same bytes again.

    Raises
    ------
    InputError
        It does not exist, is not a file, may not be read, or cannot be spooled.
    MissingDependencyError
        What reads the URL is not installed.
    """
    if path == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise InputError("standard input is closed", path=STDIN_NAME)
        if sys.stdin.isatty():
            raise InputError(
                "standard input is a terminal",
                path=STDIN_NAME,
                advice="Pipe a matrix in, or name a file.",
            )
        return spool(sys.stdin.buffer, STDIN_NAME), STDIN_NAME, False
    if not path:
        raise InputError("the file name is empty")
    if "://" in path:
        from lplrcli.io.remote import open_url

        return open_url(path), path, False
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError("is a directory", path=path, advice="Name one file.")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise InputError("is not a regular file", path=path)
        file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be opened: {reason}", path=path) from error
    if stat.S_ISREG(mode):
        return file, path, True
    with file:
        return spool(file, path), path, False


def spool(stream: IO[bytes], name: str) -> BinaryIO:
    """Copy a stream to a temporary file that has no name, so nothing is ever left behind.

    Raises
    ------
    InputError
        There is nothing in it, or no room for it.
    """
    try:
        spooled = tempfile.TemporaryFile(prefix="lplr-")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise InputError(f"no temporary file: {error.strerror}", path=name) from error
    try:
        shutil.copyfileobj(stream, spooled, _PIECE)
        if not spooled.tell():
            raise InputError("there is nothing to read", path=name, found="0 bytes")
        spooled.flush()
        spooled.seek(0)
    except BaseException as error:
        spooled.close()
        if isinstance(error, OSError):
            raise InputError(
                f"cannot be copied to a temporary file: {error.strerror or error}",
                path=name,
                advice="Set TMPDIR to a folder with room for it, or name a regular file.",
            ) from error
        raise
    return spooled
