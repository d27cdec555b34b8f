"""Sections of a file whose index is lost: found by their headers, wherever these may be."""

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
"""Bytes that are searched at a time, multiples of `ALIGNMENT`: few at first, as the next header is
mostly near and there may be one every 64 bytes, then twice as many each time."""

_PASSES = 4
"""How many times the bytes of a file may be read for checksums: headers within the payloads of
others may be as many as there is room for, each with a length as long as the file."""

_START = re.compile(rb"[A-Za-z][A-Z]{2}[A-Za-z]\0{4}")
"""Tag and flags of every section header."""


def surviving_sections(reader: SectionReader) -> tuple[Section, ...]:
    """Sections that a file still has, whatever is damaged, the index among it.

    Its index where that is whole, though not where the end of the file says; otherwise all
    sections whose headers are whole and lie where headers may lie. A header tells where the next
    one is; where none is there the search goes on from the first byte that may be one.

    Parameters
    ----------
    reader : SectionReader
        Of the file.

    Returns
    -------
    tuple of Section
        In file order, no two of the same tag, matrix and ordinal; ``INDX`` and ``LEND`` are not
        among them. Payloads may be damaged or missing.

    Raises
    ------
    UnknownSectionError
        The index is whole, and names a critical section that is unknown.
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
        # Of two that claim the same place one may be an old copy in the disk's free space.
        if key not in found or (intact and key not in whole):
            found[key] = section
            if intact:
                whole.add(key)
        at = aligned_payload(section.end) - SECTION_HEADER.size
        if not intact and _header_at(reader, at) is None:
            at = section.offset + SECTION_HEADER.size
    return tuple(sorted(found.values(), key=lambda section: section.offset))


def _next_section(reader: SectionReader, start: int) -> Section | None:
    """The first section whose header lies at byte `start` or after it."""
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
    if offset >= reader.file_bytes:  # a length may say anything
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
    """Sections of an index whose checksum is right; None if it is not of this file."""
    try:
        return parse_index(reader.read(index.offset, index.length), index)
    except CorruptSectionError:
        return None
