"""Writing of sections one after another, then of the index: the base of every writer of a file."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from lplrcli.container.byte_layout import (
    END,
    FIRST_MINOR,
    INDEX,
    INDEX_ENTRY,
    LAST,
    METADATA,
    WHOLE_FILE,
    Section,
    aligned_payload,
    pack_end,
    pack_file_header,
)
from lplrcli.container.metadata_budget import check_total
from lplrcli.container.zstd_frames import stated_size


class SectionWriter:
    """Writer that places sections one after another and records them for the index.

    Parameters
    ----------
    stream : binary file
        Stream to write to, forward only. The file header is written at once.
    version : tuple of int
        Version of the format that the file needs.
    """

    def __init__(self, stream: BinaryIO, version: tuple[int, int] = FIRST_MINOR) -> None:
        self._stream = stream
        self._sections: list[Section] = []
        self._metadata = 0
        self._end = 0
        self._write(pack_file_header(version))

    def next_section(self, tag: str, matrix: int, ordinal: int, payload: bytes) -> Section:
        """Describe the section that `payload` would be if written now."""
        offset = aligned_payload(self._end)
        return Section(tag, matrix, ordinal, zlib.crc32(payload), offset, len(payload))

    def write(self, section: Section, payload: bytes) -> None:
        """Write one section."""
        self._write(bytes(section.header_offset - self._end) + section.pack_header())
        self._write(payload)
        self._sections.append(section)
        if section.tag == METADATA:
            self._metadata += stated_size(payload) or 0

    def finish(self) -> int:
        """Write the index and the end, and return the size of the file.

        Raises
        ------
        CorruptSectionError
            The matrices have more metadata than a reader would accept.
        """
        count = len(self._sections)
        index_end = aligned_payload(self._end) + INDEX_ENTRY.size * count
        check_total(self._metadata, aligned_payload(index_end) + END.size)
        entries = b"".join(section.pack_entry() for section in self._sections)
        index = self.next_section(INDEX, WHOLE_FILE, 0, entries)
        self.write(index, entries)
        end = pack_end(index.header_offset, count)
        self.write(self.next_section(LAST, WHOLE_FILE, 0, end), end)
        return self._end

    def _write(self, payload: bytes) -> None:
        view = memoryview(payload)
        while view:  # an unbuffered pipe may take part of it
            view = view[self._stream.write(view) :]
        self._end += len(payload)
