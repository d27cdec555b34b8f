"""Writing of ``.lplr`` files in one forward pass, and their size before they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, BinaryIO

from lplrcli.container.byte_layout import (
    CHUNK_TAGS,
    END,
    FILE_HEADER,
    INDEX_ENTRY,
    KEPT,
    METADATA,
    TABLES,
    Section,
    aligned_payload,
)
from lplrcli.container.chunks import (
    CHUNK_CHECKS,
    check_length,
    chunk_count,
    chunk_rows,
    lengths_of,
    packed_length,
)
from lplrcli.container.component_tables import pack_table
from lplrcli.container.kept_layout import check_chunk, chunks_of, pack_counts, parse_counts
from lplrcli.container.metadata import describe
from lplrcli.container.metadata_text import compress_text
from lplrcli.container.section_writer import SectionWriter
from lplrcli.container.versions import version_needed
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.kept import KeptEntries
from lplrcli.runtime.stages import WRITE, counted, stage

FACTORS = {tag: part for part, tag in CHUNK_TAGS.items()}


@stage(WRITE)
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
        Stream to write to, forward only, so that it may be a pipe.
    factorizations : sequence of Factorization
        Matrices of the file, at least one.
    names : sequence of str or None, optional
        Name of each array within the file.
    created : str, optional
        Date and time to store (RFC 3339).

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    CorruptSectionError
        A reader would not accept a factorization; then nothing of it was written. Only a chunk
        that its coding does not allow is found while writing.
    """
    sections = SectionWriter(stream, version_needed(factorizations))
    given: Iterable[str | None] = repeat(None) if names is None else names
    for matrix, (factorization, heads) in enumerate(_heads(factorizations, given, created)):
        write_matrix(sections, matrix, factorization, heads)
    return sections.finish()


def write_matrix(
    sections: SectionWriter, matrix: int, factorization: Factorization, heads: dict[str, bytes]
) -> None:
    """Write the critical sections of one matrix.

    Parameters
    ----------
    sections : SectionWriter
        Writer of a file with `matrix` matrices so far.
    matrix : int
        Number of the matrix.
    factorization : Factorization
        The matrix.
    heads : dict
        Result of `heads_of` for the matrix.

    Raises
    ------
    CorruptSectionError
        The coding of a factor does not allow one of its chunks.
    """
    for tag, payload in heads.items():
        sections.write(sections.next_section(tag, matrix, 0, payload), payload)
    for tag, factor in _factors(factorization):
        for ordinal in counted(range(len(factor.chunks)), len(factor.chunks)):
            payload = factor.chunks[ordinal]
            section = sections.next_section(tag, matrix, ordinal, payload)
            _check_chunk(factor, section, payload)
            sections.write(section, payload)
    kept = factorization.kept
    if kept is None:
        return
    for ordinal in range(len(kept.chunks)):
        payload = kept.chunks[ordinal]
        section = sections.next_section(KEPT, matrix, ordinal, payload)
        check_chunk(kept.form, section, payload)
        sections.write(section, payload)


def container_size(
    factorizations: Sequence[Factorization],
    *,
    names: Sequence[str | None] | None = None,
    created: str | None = None,
) -> int:
    """Compute the bytes that `write_container` would write, without reading chunks of open files.

    Raises
    ------
    CorruptSectionError
        A reader would not accept a factorization.
    """
    end, count = FILE_HEADER.size, 0
    given: Iterable[str | None] = repeat(None) if names is None else names
    for factorization, heads in _heads(factorizations, given, created):
        lengths = [len(payload) for payload in heads.values()]
        lengths += [each for _, factor in _factors(factorization) for each in _coded(factor)]
        if factorization.kept is not None:
            lengths += lengths_of(factorization.kept.chunks)
        for length in lengths:
            end = aligned_payload(end) + length
        count += len(lengths)
    end = aligned_payload(end) + INDEX_ENTRY.size * count
    return aligned_payload(end) + END.size


def heads_of(
    factorization: Factorization,
    *,
    name: str | None = None,
    created: str | None = None,
    user: dict[str, Any] | None = None,
) -> dict[str, bytes]:
    """Make and check the payloads of ``META`` and ``COMP`` of a matrix, by tag.

    Parameters
    ----------
    factorization : Factorization
        The matrix; none of its chunks is read.
    name, created, user
        As for `lplrcli.container.metadata.describe`.

    Returns
    -------
    dict of bytes
        Payloads by the tags ``META`` and ``COMP``.

    Raises
    ------
    CorruptSectionError
        A reader would not accept the factorization.
    """
    parts = factorization.parts
    tables = {part: pack_table(part, parts[part]) for part in CHUNK_TAGS if part in parts}
    lengths = {part: len(table) for part, table in tables.items()}
    document = describe(factorization, lengths, name=name, created=created, user=user)
    for tag, factor in _factors(factorization):
        expected = chunk_count(document["factors"][FACTORS[tag]])
        if len(factor.chunks) != expected:
            raise CorruptSectionError(
                "wrong number of chunks",
                section=tag,
                found=len(factor.chunks),
                expected=expected,
            )
    counts = b""
    if factorization.kept is not None:
        counts = _checked_counts(factorization.kept, document)
    return {METADATA: compress_text(document), TABLES: b"".join(tables.values()) + counts}


def _checked_counts(kept: KeptEntries, document: dict[str, Any]) -> bytes:
    """Payload of ``COMP`` of kept entries, of which there are as many chunks as there must be."""
    rows, columns = document["matrix"]["shape"]
    expected = chunks_of(document["kept"], rows)
    if len(kept.chunks) != expected:
        raise CorruptSectionError(
            "wrong number of chunks", section=KEPT, found=len(kept.chunks), expected=expected
        )
    counts = pack_counts(kept.counts)
    parse_counts(counts, document["kept"], (rows, columns))
    return counts


def _heads(
    factorizations: Sequence[Factorization], names: Iterable[str | None], created: str | None
) -> Iterator[tuple[Factorization, dict[str, bytes]]]:
    """Yield each factorization with the payloads of its ``META`` and ``COMP``."""
    if not factorizations:
        raise ValueError("a file holds at least one matrix")
    for factorization, name in zip(factorizations, names, strict=False):
        yield factorization, heads_of(factorization, name=name, created=created)


def _factors(factorization: Factorization) -> Iterator[tuple[str, QuantizedFactor]]:
    """Yield each factor present, with the tag of its chunks, in file order."""
    parts = factorization.parts
    for part, tag in CHUNK_TAGS.items():
        if part in parts:
            yield tag, parts[part]


def _coded(factor: QuantizedFactor) -> list[int]:
    """Count the bytes of each chunk of a factor."""
    if factor.coding != "packed":
        return lengths_of(factor.chunks)
    return [
        packed_length(
            factor.coding_parameters, chunk_rows(factor.length, factor.chunk_length, ordinal)
        )
        for ordinal in range(len(factor.chunks))
    ]


def _check_chunk(factor: QuantizedFactor, section: Section, payload: bytes) -> None:
    rows = chunk_rows(factor.length, factor.chunk_length, section.ordinal)
    check_length(factor.coding, factor.coding_parameters, section, rows)
    CHUNK_CHECKS[factor.coding](factor.coding_parameters, section, rows, payload)
