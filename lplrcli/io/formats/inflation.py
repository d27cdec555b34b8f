"""Files that were compressed as a whole by gzip, bzip2, xz or zstd, read forwards."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

PIECE = 1 << 20
"""Bytes that are buffered of what is inflated."""

_FED = 1 << 10
"""Bytes given to zstd at a time, of which it makes 32 MiB at most."""


@dataclass(frozen=True)
class Compression:
    """One way of compressing a file.

    Attributes
    ----------
    name : str
        Name in messages.
    magic : bytes
        First bytes of such a file.
    command : str
        Command that decompresses it, for advice.
    """

    name: str
    magic: bytes
    command: str


COMPRESSIONS = (
    Compression("gzip", b"\x1f\x8b", "gunzip"),
    Compression("bzip2", b"BZh", "bunzip2"),
    Compression("xz", b"\xfd7zXZ\x00", "unxz"),
    Compression("zstd", b"\x28\xb5\x2f\xfd", "unzstd"),
)
"""All that are read."""

_LONGEST_MAGIC = max(len(one.magic) for one in COMPRESSIONS)


def compression_of(file: BinaryIO) -> Compression | None:
    """Find how a seekable file is compressed, if at all, and leave it at its start."""
    file.seek(0)
    start = file.read(_LONGEST_MAGIC)
    file.seek(0)
    return next((one for one in COMPRESSIONS if start.startswith(one.magic)), None)


def start_of(file: BinaryIO, size: int) -> bytes:
    """Read the first bytes of a file, or of what it holds compressed; fewer if it is damaged."""
    compression = compression_of(file)
    if compression is None:
        return file.read(size)
    # Unbuffered: damage that lies further on is not met.
    stream, found = _Inflated(file, compression), b""
    try:
        while len(found) < size and (piece := stream.read(size - len(found))):
            found += piece
    except OSError:
        return b""
    return found


def inflated(file: BinaryIO, compression: Compression) -> io.BufferedReader:
    """Read what a compressed file holds; the file stays open.

    Parameters
    ----------
    file : binary file
        At its start.
    compression : Compression
        As `compression_of` finds it.

    Returns
    -------
    io.BufferedReader
        It raises `OSError` where the file is damaged or cut short.
    """
    return io.BufferedReader(_Inflated(file, compression), PIECE)


class _Inflated(io.RawIOBase):
    """What a compressed file holds; every error of the libraries becomes an `OSError`.

    Libraries are imported when they are needed: not every Python has them all.
    """

    def __init__(self, file: BinaryIO, compression: Compression) -> None:
        self._name = compression.name
        self._errors: tuple[type[Exception], ...] = (OSError, EOFError)
        self._stream: Any
        if compression.name == "gzip":
            self._errors = (*self._errors, zlib.error)
            self._stream = gzip.GzipFile(fileobj=file, mode="rb")
        elif compression.name == "bzip2":
            import bz2

            self._stream = bz2.BZ2File(file)
        elif compression.name == "xz":
            import lzma

            self._errors = (*self._errors, lzma.LZMAError)
            self._stream = lzma.LZMAFile(file)  # noqa: SIM115 - it holds no descriptor
        else:
            import zstandard

            self._errors = (*self._errors, zstandard.ZstdError)
            self._stream = _ZstdFrames(file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece: bytes = self._stream.read(len(buffer))
        except self._errors as error:
            raise OSError(f"the {self._name} data are damaged: {error}") from error
        buffer[: len(piece)] = piece
        return len(piece)


class _ZstdFrames:
    """All frames of a zstd file.

    The reader of the library does not tell a frame that is cut short from one that ends.
    """

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        self._decompressor = zstandard.ZstdDecompressor()
        self._file = file
        self._frame = self._decompressor.decompressobj()
        self._begun = False
        self._waiting = b""
        self._unread = b""

    def read(self, size: int) -> bytes:
        while not self._waiting:
            piece = self._unread or self._file.read(_FED)
            self._unread = b""
            if not piece:
                if self._begun:
                    raise EOFError("the last frame is cut short")
                return b""
            self._begun = True
            self._waiting = self._frame.decompress(piece)
            if self._frame.eof:
                self._unread = self._frame.unused_data
                self._frame = self._decompressor.decompressobj()
                self._begun = False
        found, self._waiting = self._waiting[:size], self._waiting[size:]
        return found
