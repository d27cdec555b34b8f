"""Writing ``.lplr`` files: one forward pass, and the size of a file before it is written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from lplrcli.container.chunks import (
    CHUNK_CHECKS,
    check_length,
    chunk_count,
    chunk_rows,
    lengths_of,
    packed_length,
)
from lplrcli.container.layout import (
    CHUNK_TAGS,
    END,
    FILE_HEADER,
    INDEX,
    INDEX_ENTRY,
    LAST,
    METADATA,
    TABLES,
    WHOLE_FILE,
    Section,
    aligned_payload,
    pack_end,
    pack_file_header,
)
from lplrcli.container.metadata import describe
from lplrcli.container.metadata_text import compress_text
from lplrcli.container.tables import pack_table
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import Factorization, QuantizedFactor

FACTORS = {tag: side for side, tag in CHUNK_TAGS.items()}


def write_container(
    stream: BinaryIO,
    factorizations: Sequence[Factorization],
    *,
    names: Sequence[str | None] | None = None,
    created: str | None = None,
) -> int:
    """Write matrices as one ``.lplr`` file.

    Equal arguments give equal bytes. Each chunk is asked for once, in file order, and only one is
    held at a time.

    Parameters
    ----------
    stream : binary file
        Written forward only, so it may be a pipe.
    factorizations : sequence of Factorization
        At least one.
    names : sequence of str or None, optional
        Name of each array within the file.
    created : str, optional
        Date and time to note (RFC 3339).

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    CorruptSectionError
        A factorization is not one that a reader would accept: nothing of it was written.
        A chunk that its coding does not allow is found only on the way.
    """
    layout = _Layout(stream)
    for matrix, (factorization, heads) in enumerate(_heads(factorizations, names, created)):
        for tag, payload in heads.items():
            layout.write(layout.next_section(tag, matrix, 0, payload), payload)
        for tag, factor in _factors(factorization):
            for ordinal in range(len(factor.chunks)):
                payload = factor.chunks[ordinal]
                section = layout.next_section(tag, matrix, ordinal, payload)
                _check_chunk(factor, section, payload)
                layout.write(section, payload)
    return layout.finish()


def container_size(
    factorizations: Sequence[Factorization],
    *,
    names: Sequence[str | None] | None = None,
    created: str | None = None,
) -> int:
    """Bytes that `write_container` would write; no chunk of an open file is read.

    Raises
    ------
    CorruptSectionError
        A factorization is not one that a reader would accept.
    """
    end, count = FILE_HEADER.size, 0
    for factorization, heads in _heads(factorizations, names, created):
        lengths = [len(payload) for payload in heads.values()]
        lengths += [each for _, factor in _factors(factorization) for each in _coded(factor)]
        for length in lengths:
            end = aligned_payload(end) + length
        count += len(lengths)
    end = aligned_payload(end) + INDEX_ENTRY.size * count
    return aligned_payload(end) + END.size


def _heads(
    factorizations: Sequence[Factorization],
    names: Sequence[str | None] | None,
    created: str | None,
) -> Iterator[tuple[Factorization, dict[str, bytes]]]:
    """Each factorization with the payloads of its ``META`` and ``COMP``, checked."""
    if not factorizations:
        raise ValueError("a file holds at least one matrix")
    for i, factorization in enumerate(factorizations):
        name = names[i] if names is not None else None
        parts = factorization.parts
        tables = {side: pack_table(side, parts[side]) for side in CHUNK_TAGS if side in parts}
        lengths = {side: len(table) for side, table in tables.items()}
        document = describe(factorization, lengths, name=name, created=created)
        for tag, factor in _factors(factorization):
            expected = chunk_count(document["factors"][FACTORS[tag]])
            if len(factor.chunks) != expected:
                raise CorruptSectionError(
                    "wrong number of chunks",
                    section=tag,
                    found=len(factor.chunks),
                    expected=expected,
                )
        heads = {METADATA: compress_text(document), TABLES: b"".join(tables.values())}
        yield factorization, heads


def _factors(factorization: Factorization) -> Iterator[tuple[str, QuantizedFactor]]:
    """Each factor present, with the tag of its chunks, in file order."""
    parts = factorization.parts
    for side, tag in CHUNK_TAGS.items():
        if side in parts:
            yield tag, parts[side]


def _coded(factor: QuantizedFactor) -> list[int]:
    """Bytes of each chunk of a factor."""
    if factor.coding != "packed":
        return lengths_of(factor.chunks)
    return [
        packed_length(factor.tables, chunk_rows(factor.length, factor.chunk_length, ordinal))
        for ordinal in range(len(factor.chunks))
    ]


def _check_chunk(factor: QuantizedFactor, section: Section, payload: bytes) -> None:
    rows = chunk_rows(factor.length, factor.chunk_length, section.ordinal)
    check_length(factor.coding, factor.tables, section, rows)
    CHUNK_CHECKS[factor.coding](factor.tables, section, rows, payload)


class _Layout:
    """Places sections one after another and remembers them for the index."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._sections: list[Section] = []
        self._end = 0
        self._write(pack_file_header())

    def next_section(self, tag: str, matrix: int, ordinal: int, payload: bytes) -> Section:
        """Describe the section that `payload` would be if written now."""
        offset = aligned_payload(self._end)
        return Section(tag, matrix, ordinal, zlib.crc32(payload), offset, len(payload))

    def write(self, section: Section, payload: bytes) -> None:
        """Write one section."""
        self._write(bytes(section.header_offset - self._end) + section.pack_header())
        self._write(payload)
        self._sections.append(section)

    def finish(self) -> int:
        """Write the index and the end, and return the size of the file."""
        count = len(self._sections)
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
