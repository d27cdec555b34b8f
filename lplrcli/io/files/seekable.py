"""Files that can be read as often as needed, from whatever the user names."""

from __future__ import annotations

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

    See `open_stream`; only that the file is seekable in any case. What a URL names is read by
    ranges.

    Raises
    ------
    InputError
        It cannot be opened, or not be copied.
    MissingDependencyError
        What reads the URL is not installed.
    """
    if "://" in path:
        from lplrcli.io.files.remote import open_url

        return open_url(path), path, False
    file, name, reopenable = open_stream(path)
    if reopenable:
        return file, name, True
    try:
        return spooled(file, name), name, False
    finally:
        close_stream(file)


def open_stream(path: str) -> tuple[BinaryIO, str, bool]:
    """Open a file for reading, once at least.

    Parameters
    ----------
    path : str
        File name or URL, or ``"-"`` for standard input.

    Returns
    -------
    file : binary file
        At its start; closed by `close_stream`.
    name : str
        How to call it in messages.
    reopenable : bool
        Whether it is seekable, and `path` itself leads to the same bytes again.

    Raises
    ------
    InputError
        It does not exist, is not a file, or may not be read.
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
        return sys.stdin.buffer, STDIN_NAME, False
    if not path:
        raise InputError("the file name is empty")
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
    return file, path, stat.S_ISREG(mode)


def close_stream(file: BinaryIO) -> None:
    """Close what `open_stream` opened: all but standard input."""
    if sys.stdin is None or file is not sys.stdin.buffer:
        file.close()


def spooled(stream: IO[bytes], name: str, start: bytes = b"") -> BinaryIO:
    """Copy a stream to a temporary file that has no name, so nothing is ever left behind.

    Parameters
    ----------
    stream : binary file
        Read to its end.
    name : str
        For messages.
    start : bytes
        What has been read of it already.

    Returns
    -------
    binary file
        Seekable, at its start.

    Raises
    ------
    InputError
        It cannot be read, there is nothing in it, or no room for it.
    """
    try:
        copy = tempfile.TemporaryFile(prefix="lplr-")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise InputError(f"no temporary file: {error.strerror}", path=name) from error
    try:
        copy.write(start)
        while piece := _read(stream, name):
            copy.write(piece)
        if not copy.tell():
            raise InputError("there is nothing to read", path=name, found="0 bytes")
        copy.flush()
        copy.seek(0)
    except BaseException as error:
        copy.close()
        if isinstance(error, OSError):
            raise InputError(
                f"cannot be copied to a temporary file: {error.strerror or error}",
                path=name,
                advice="Set TMPDIR to a folder with room for it, or name a regular file.",
            ) from error
        raise
    return copy


def _read(stream: IO[bytes], name: str) -> bytes:
    try:
        return stream.read(_PIECE)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error
