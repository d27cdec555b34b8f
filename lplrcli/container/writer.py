"""Writing ``.lplr`` files: one forward pass, and the size of a file before it is written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

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
from lplrcli.container.tables import CODED_LENGTHS, check_tables, chunk_count, chunk_rows
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import Factorization

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
        A chunk of another length than its coding demands is found only on the way.
    """
    layout = _Layout(stream)
    for matrix, (factorization, heads) in enumerate(_heads(factorizations, names, created)):
        for tag, payload in heads.items():
            layout.add(tag, matrix, 0, payload)
        for tag, ordinal, length in _chunk_lengths(factorization):
            payload = getattr(factorization, FACTORS[tag]).chunks[ordinal]
            if len(payload) != length:
                raise CorruptSectionError(
                    f"wrong length of chunk {ordinal}",
                    section=tag,
                    found=len(payload),
                    expected=length,
                )
            layout.add(tag, matrix, ordinal, payload)
    return layout.finish()


def container_size(
    factorizations: Sequence[Factorization],
    *,
    names: Sequence[str | None] | None = None,
    created: str | None = None,
) -> int:
    """Bytes that `write_container` would write; no chunk is asked for.

    Raises
    ------
    CorruptSectionError
        A factorization is not one that a reader would accept.
    """
    end, count = FILE_HEADER.size, 0
    for factorization, heads in _heads(factorizations, names, created):
        lengths = [len(payload) for payload in heads.values()]
        lengths += [length for _, _, length in _chunk_lengths(factorization)]
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
        document = describe(factorization, name=name, created=created)
        tables = []
        for side in CHUNK_TAGS:
            factor = getattr(factorization, side)
            if factor is None:
                continue
            bits = bytes(factor.bits.tolist())
            check_tables(side, factor.quantizer, bits, factor.side)
            tables += [bits, factor.side]
            _check_count(side, document["factors"][side], len(factor.chunks))
        yield factorization, {METADATA: compress_text(document), TABLES: b"".join(tables)}


def _check_count(side: str, record: dict[str, Any], found: int) -> None:
    expected = chunk_count(record)
    if found != expected:
        raise CorruptSectionError(
            "wrong number of chunks", section=CHUNK_TAGS[side], found=found, expected=expected
        )


def _chunk_lengths(factorization: Factorization) -> Iterator[tuple[str, int, int]]:
    """Tag, ordinal and coded length of each chunk, in file order."""
    for side, tag in CHUNK_TAGS.items():
        factor = getattr(factorization, side)
        if factor is None:
            continue
        bits = bytes(factor.bits.tolist())
        coded_length = CODED_LENGTHS[factor.coding]
        lengths: dict[int, int] = {}
        for ordinal in range(len(factor.chunks)):
            rows = chunk_rows(factor.length, factor.chunk_length, ordinal)
            if rows not in lengths:
                lengths[rows] = coded_length(bits, rows)
            yield tag, ordinal, lengths[rows]


class _Layout:
    """Places sections one after another and remembers them for the index."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._sections: list[Section] = []
        self._end = 0
        self._write(pack_file_header())

    def add(self, tag: str, matrix: int, ordinal: int, payload: bytes) -> None:
        """Write one section."""
        offset = aligned_payload(self._end)
        section = Section(tag, matrix, ordinal, zlib.crc32(payload), offset, len(payload))
        self._write(bytes(section.header_offset - self._end) + section.pack_header())
        self._write(payload)
        self._sections.append(section)

    def finish(self) -> int:
        """Write the index and the end, and return the size of the file."""
        count = len(self._sections)
        self.add(INDEX, WHOLE_FILE, 0, b"".join(s.pack_entry() for s in self._sections))
        index = self._sections[-1]
        self.add(LAST, WHOLE_FILE, 0, pack_end(index.header_offset, count))
        return self._end

    def _write(self, payload: bytes) -> None:
        view = memoryview(payload)
        while view:  # an unbuffered pipe may take part of it
            view = view[self._stream.write(view) :]
        self._end += len(payload)
