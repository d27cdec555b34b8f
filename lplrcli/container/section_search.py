"""Search for the sections of a file whose index is lost, by their headers."""

from __future__ import annotations

import re

from lplrcli.container.byte_layout import (
    ALIGNMENT,
    FILE_HEADER,
    INDEX,
    SECTION_HEADER,
    Section,
    aligned_payload,
    parse_section_header,
)
from lplrcli.container.section_reader import SectionReader
from lplrcli.container.section_table import parse_index
from lplrcli.errors import CorruptSectionError

_FIRST_BLOCK, _BLOCK = 1 << 12, 1 << 20
"""Bytes that are searched at a time, at first and at most, multiples of `ALIGNMENT`. The next
header is mostly near, and there may be one every 64 bytes; each further block is twice as large."""

_PASSES = 4
"""How many times the bytes of a file may be read for checksums. A hostile file may be full of
headers within payloads of other sections, each with a length up to the end of the file."""

_START = re.compile(rb"[A-Za-z][A-Z]{2}[A-Za-z]\0{4}")
"""Pattern of the tag and the flags with which every section header starts."""


def surviving_sections(reader: SectionReader) -> tuple[Section, ...]:
    """Find the sections that a damaged file still has.

    They are listed by its index, if that is undamaged somewhere in the file; otherwise they are
    all sections whose headers are undamaged and lie where headers may lie. A header tells where
    the next one is; if none is there, the search goes on at the first byte where one may be.

    Parameters
    ----------
    reader : SectionReader
        Reader of the file.

    Returns
    -------
    tuple of Section
        Sections in file order, each of tag, matrix and ordinal once, without ``INDX`` and
        ``LEND``. Payloads may be damaged or missing.

    Raises
    ------
    UnknownSectionError
        The index is undamaged and names a critical section that is unknown.
    """
    found: dict[tuple[str, int, int], Section] = {}
    whole = set()
    at = FILE_HEADER.size
    budget = _PASSES * reader.file_bytes
    while (section := _next_section(reader, at)) is not None:
        key = section.tag, section.matrix, section.ordinal
        intact = section.length <= budget and _is_intact(reader, section)
        if section.end <= reader.file_bytes:
            budget -= section.length
        if intact and section.tag == INDEX:
            listed = _listed(reader, section)
            if listed is not None:
                return listed
        # Two sections may claim the same place: one may be an old copy from free disk space.
        if key not in found or (intact and key not in whole):
            found[key] = section
            if intact:
                whole.add(key)
        at = aligned_payload(section.end) - SECTION_HEADER.size
        if not intact and _header_at(reader, at) is None:
            at = section.offset + SECTION_HEADER.size
    return tuple(sorted(found.values(), key=lambda section: section.offset))


def _next_section(reader: SectionReader, start: int) -> Section | None:
    """Find the first section whose header lies at byte `start` or after it."""
    size = _FIRST_BLOCK
    while start < reader.file_bytes:
        block = reader.read(start, size)
        for match in _START.finditer(block):
            if match.start() % ALIGNMENT == 0:
                section = _header_at(reader, start + match.start())
                if section is not None:
                    return section
        start += size
        size = min(2 * size, _BLOCK)
    return None


def _header_at(reader: SectionReader, offset: int) -> Section | None:
    if offset >= reader.file_bytes:  # a damaged length may be anything
        return None
    try:
        return parse_section_header(reader.read(offset, SECTION_HEADER.size), offset, INDEX)
    except CorruptSectionError:
        return None


def _is_intact(reader: SectionReader, section: Section) -> bool:
    if section.end > reader.file_bytes:
        return False
    return reader.checksum(section) == (section.length, section.checksum)


def _listed(reader: SectionReader, index: Section) -> tuple[Section, ...] | None:
    """Parse an index whose checksum is right; None if its sections do not fit this file."""
    try:
        return parse_index(reader.read(index.offset, index.length), index)
    except CorruptSectionError:
        return None
