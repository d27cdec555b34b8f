"""Bytes of a file by position, from any thread, and payloads with every check of their section."""

from __future__ import annotations

import io
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from lplrcli.container.byte_layout import Section, parse_section_header
from lplrcli.container.section_table import check_checksum, check_padding, check_payload
from lplrcli.errors import ContainerError, CorruptSectionError, InputError

_PIECE = 1 << 20
"""Bytes that are read at a time of what is not kept."""


class SectionReader:
    """Reads a seekable binary file without disturbing other readers of it.

    Attributes
    ----------
    path : str
        Name of the file, for messages.
    file_bytes : int
        Its size when this was made.
    sound : set of int
        Offsets of the payloads that were read or checked, and found whole.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self.path = path
        self.file_bytes = file.seek(0, io.SEEK_END)
        self.sound: set[int] = set()
        self._file = file
        self._lock = threading.Lock()
        # Only of a plain file is the descriptor's content the file's content: a GzipFile has a
        # descriptor too, of the compressed bytes.
        plain = isinstance(getattr(file, "raw", file), io.FileIO) and hasattr(os, "pread")
        self._descriptor = file.fileno() if plain else None

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from byte `offset` on, fewer only where the file ends.

        Raises
        ------
        InputError
            The system cannot read them.
        """
        parts = []
        while length > 0:
            try:
                part = self._some(offset, min(length, 1 << 30))
            except OSError as error:
                # Told apart from failures of what is written meanwhile.
                raise InputError(
                    f"bytes from {offset} on cannot be read: {error.strerror or error}",
                    path=self.path,
                ) from error
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, offset: int, length: int) -> bytes:
        if self._descriptor is not None:
            return os.pread(self._descriptor, length, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(length)

    def payload(self, section: Section, previous_end: int) -> bytes:
        """Read the payload of a section known from the index.

        Parameters
        ----------
        section : Section
            As the index describes it.
        previous_end : int
            Where the payload before it ended, and padding starts.

        Raises
        ------
        CorruptSectionError
            Padding, section header or payload are damaged, or differ from the index.
        """
        self._check_header(section, previous_end)
        payload = self.content(section)
        self.sound.add(section.offset)
        return payload

    def content(self, section: Section) -> bytes:
        """Read the payload of a section that may be cut short, whatever stands before it.

        Raises
        ------
        CorruptSectionError
            The file ends within the payload, or it is damaged.
        """
        if section.end > self.file_bytes:  # before memory is taken for what is not there
            raise CorruptSectionError(
                "the file ends within the section",
                section=section.tag,
                offset=section.offset,
                found=f"{max(self.file_bytes - section.offset, 0)} bytes",
                expected=section.length,
            )
        payload = self.read(section.offset, section.length)
        check_payload(section, payload)
        return payload

    def check(self, section: Section, previous_end: int) -> None:
        """Do the checks of `payload` without holding it.

        Raises
        ------
        CorruptSectionError
            As `payload` does.
        """
        self._check_header(section, previous_end)
        check_checksum(section, *self.checksum(section))
        self.sound.add(section.offset)

    def checksum(self, section: Section) -> tuple[int, int]:
        """Bytes of a payload that the file has, and their CRC-32."""
        found = length = 0
        while length < section.length:
            part = self.read(section.offset + length, min(section.length - length, _PIECE))
            if not part:
                break
            found = zlib.crc32(part, found)
            length += len(part)
        return length, found

    def _check_header(self, section: Section, previous_end: int) -> None:
        before = self.read(previous_end, section.offset - previous_end)
        gap = section.header_offset - previous_end
        header = parse_section_header(before[gap:], section.header_offset, section.tag)
        for field in ("tag", "matrix", "ordinal", "length", "checksum"):
            found, expected = getattr(header, field), getattr(section, field)
            if found != expected:
                name = "payload checksum" if field == "checksum" else field
                raise CorruptSectionError(
                    f"{name} of section header and index differ",
                    section=section.tag,
                    offset=section.header_offset,
                    found=found,
                    expected=expected,
                )
        check_padding(section, before[:gap])

    def close(self) -> None:
        """Close the file."""
        self._descriptor = None
        self._file.close()

    @contextmanager
    def naming(self, section: Section | None = None) -> Iterator[None]:
        """Add to a `ContainerError` raised within what lower layers do not know.

        That is the path and, of what was found wrong in the payload of a section, that and where
        the section is.
        """
        try:
            yield
        except ContainerError as error:
            error.path = error.path or self.path
            if section is not None:
                error.section = error.section or section.tag
                error.offset = section.offset if error.offset is None else error.offset
            raise
