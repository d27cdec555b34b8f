"""The index of a file: found from its last bytes, checked against its size, put in order."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Sequence

from lplrcli.container.byte_layout import (
    ALIGNMENT,
    BINARY_MODE,
    CRITICAL_TAGS,
    END,
    FILE_HEADER,
    INDEX,
    INDEX_ENTRY,
    LAST,
    MATRIX_TAGS,
    METADATA,
    SECTION_HEADER,
    TABLES,
    TAIL_SIZE,
    WHOLE_FILE,
    Section,
    aligned_payload,
    parse_end,
    parse_section_header,
    read_tag,
)
from lplrcli.errors import ContainerError, CorruptSectionError, UnknownSectionError

ReadAt = Callable[[int, int], bytes]
"""``read(offset, length)``: those bytes of the file, fewer only where it ends."""


def read_sections(read: ReadAt, file_bytes: int) -> tuple[Section, ...]:
    """Read the index of a file whose header is right.

    Parameters
    ----------
    read : callable
        Gives bytes of the file by offset and length.
    file_bytes : int
        Size of the file.

    Returns
    -------
    tuple of Section
        All of them in file order, ``INDX`` and ``LEND`` included.

    Raises
    ------
    CorruptSectionError, UnknownSectionError
        The end, the index or the order of sections is wrong.
    """
    last, index = _read_end(read, file_bytes)
    entries = read(index.offset, index.length)
    check_payload(index, entries)
    sections = parse_index(entries, index)
    previous = sections[-1].end if sections else FILE_HEADER.size
    check_padding(index, read(previous, index.header_offset - previous))
    check_padding(last, read(index.end, last.header_offset - index.end))
    return (*sections, index, last)


def check_payload(section: Section, payload: bytes) -> None:
    """Check length and CRC-32 of a payload that was read.

    Raises
    ------
    CorruptSectionError
        They differ from what the section says.
    """
    check_checksum(section, len(payload), zlib.crc32(payload))


def check_checksum(section: Section, length: int, found: int) -> None:
    """Likewise, given the length and the CRC-32 of what was read."""
    if length != section.length:
        _refuse(section, "length", section.offset, f"{length} bytes", section.length)
    if found != section.checksum:
        _refuse(section, "payload checksum", section.offset, found, section.checksum)


def check_padding(section: Section, padding: bytes) -> None:
    """Check the zero bytes before a section header.

    Raises
    ------
    CorruptSectionError
        Some byte is not zero.
    """
    if any(padding):
        start = section.header_offset - len(padding)
        at = next(i for i, byte in enumerate(padding) if byte)
        _refuse(section, "padding before the section", start + at, padding[at], 0)


def parse_index(entries: bytes, index: Section) -> tuple[Section, ...]:
    """Sections that the payload of ``INDX`` lists, their places and order checked.

    Parameters
    ----------
    entries : bytes
        The payload, its checksum checked.
    index : Section
        The section it is of.

    Raises
    ------
    CorruptSectionError, UnknownSectionError
        An entry, or the order of sections, is wrong.
    """
    if len(entries) % INDEX_ENTRY.size:
        multiple = f"a multiple of {INDEX_ENTRY.size}"
        _refuse(index, "length", index.header_offset + 16, len(entries), multiple)
    sections = _parse_entries(entries, index)
    _check_order(sections, index)
    return tuple(sections)


def _read_end(read: ReadAt, file_bytes: int) -> tuple[Section, Section]:
    start = max(file_bytes - TAIL_SIZE, FILE_HEADER.size)
    tail = read(start, file_bytes - start) if file_bytes > start else b""
    try:
        last = parse_section_header(tail[: SECTION_HEADER.size], start, LAST)
        _match(last, "tag", start, last.tag, LAST)
        _match(last, "payload offset", start, last.offset % ALIGNMENT, 0)
        _check_whole_file(last, LAST)
        _match(last, "length", start + 16, last.length, END.size)
        check_payload(last, tail[SECTION_HEADER.size :])
        index_offset, count = parse_end(tail[SECTION_HEADER.size :], last.offset)
    except ContainerError as error:
        fault = CorruptSectionError(
            f"the file is truncated, damaged, or has trailing bytes: {error.message}",
            found=error.found,
            expected=error.expected,
            advice=BINARY_MODE,
        )
        fault.section = LAST
        fault.offset = start if error.offset is None else error.offset
        raise fault from None
    # In Python integers, and before anything of that size is read.
    offset, length = index_offset + SECTION_HEADER.size, INDEX_ENTRY.size * count
    if offset % ALIGNMENT or aligned_payload(offset + length) != last.offset:
        expected = "the byte at which INDX starts, and the entries that fit between it and LEND"
        _refuse(last, "index offset or section count", last.offset, (index_offset, count), expected)
    index = parse_section_header(read(index_offset, SECTION_HEADER.size), index_offset, INDEX)
    _match(index, "tag", index_offset, index.tag, INDEX)
    _check_whole_file(index, INDEX)
    _match(index, "length", index_offset + 16, index.length, length)
    return last, index


def _check_whole_file(section: Section, tag: str) -> None:
    _match(section, "matrix", section.header_offset + 8, section.matrix, WHOLE_FILE)
    _match(section, "ordinal", section.header_offset + 12, section.ordinal, 0)


def _parse_entries(entries: bytes, index: Section) -> list[Section]:
    sections = []
    end = FILE_HEADER.size
    at = index.offset
    for raw, matrix, ordinal, checksum, offset, length in INDEX_ENTRY.iter_unpack(entries):
        tag = read_tag(raw, at, INDEX)
        if offset != aligned_payload(end):
            where = f"payload offset of {tag} {matrix}.{ordinal}"
            _refuse(index, where, at + 16, offset, aligned_payload(end))
        end = offset + length
        if end > index.header_offset:
            where = f"length of {tag} {matrix}.{ordinal}"
            _refuse(index, where, at + 24, length, f"at most {index.header_offset - offset}")
        sections.append(Section(tag, matrix, ordinal, checksum, offset, length))
        at += INDEX_ENTRY.size
    if aligned_payload(end) != index.offset:
        _refuse(index, "position", index.header_offset, index.offset, aligned_payload(end))
    return sections


def _check_order(sections: Sequence[Section], index: Section) -> None:
    previous: Section | None = None
    ancillary: Counter[tuple[str, int]] = Counter()
    for section in sections:
        if not section.critical:
            key = section.tag, section.matrix
            at = section.header_offset + 12
            _match(section, "ordinal", at, section.ordinal, ancillary[key])
            ancillary[key] += 1
        elif section.tag not in CRITICAL_TAGS:
            raise UnknownSectionError(
                "critical, and unknown to this version of lplr",
                section=section.tag,
                offset=section.header_offset,
                found=section.tag,
                expected=f"one of {' '.join((*MATRIX_TAGS, INDEX, LAST))}",
                advice="Install a newer version of lplrcli.",
            )
        else:
            _check_successor(previous, section)
            previous = section
    if previous is None or previous.tag == METADATA:
        what = "no matrix" if previous is None else f"no COMP for matrix {previous.matrix}"
        raise CorruptSectionError(
            what,
            section=INDEX,
            offset=index.offset,
            found=" ".join(section.tag for section in sections[-2:]) or "no sections",
            expected="META, COMP and chunks",
        )
    for section in sections:
        if previous.matrix < section.matrix != WHOLE_FILE:
            at = section.header_offset + 8
            _refuse(section, "matrix", at, section.matrix, f"at most {previous.matrix}")


def _check_successor(previous: Section | None, section: Section) -> None:
    tag = section.tag
    before = None if previous is None else previous.tag
    if tag == METADATA:
        right = before != METADATA
    elif tag == TABLES:
        right = before == METADATA
    else:  # chunks follow the tables, or chunks of the same or an earlier factor
        stages = MATRIX_TAGS[MATRIX_TAGS.index(TABLES) :]
        right = before in stages and tag in stages and stages.index(before) <= stages.index(tag)
    if not right:
        after = "at the start" if before is None else f"after {before}"
        expected = f"the order {' '.join(MATRIX_TAGS)}"
        _refuse(section, f"tag: out of order {after}", section.header_offset, tag, expected)
    matrix, ordinal = 0, 0
    if previous is not None:
        matrix = previous.matrix + (tag == METADATA)
        ordinal = previous.ordinal + 1 if tag == before else 0
    _match(section, "matrix", section.header_offset + 8, section.matrix, matrix)
    _match(section, "ordinal", section.header_offset + 12, section.ordinal, ordinal)


def _match(section: Section, field: str, offset: int, found: object, expected: object) -> None:
    if found != expected:
        _refuse(section, field, offset, found, expected)


def _refuse(section: Section, field: str, offset: int, found: object, expected: object) -> None:
    raise CorruptSectionError(
        f"wrong {field}", section=section.tag, offset=offset, found=found, expected=expected
    )
