"""Coded chunks: the checks that the container makes, and the chunks of an open file."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from lplrcli.container.byte_layout import Section
from lplrcli.container.kept_layout import check_chunk
from lplrcli.container.section_reader import SectionReader
from lplrcli.errors import ContainerError, CorruptSectionError
from lplrcli.model.kept import DENSE, SPARSE
from lplrcli.runtime.lazy_sequence import LazySequence

LANES = struct.Struct("<4I")
SMALLEST_STATE = 1 << 16


@lru_cache(maxsize=64)  # all chunks of a factor but the last have the same rows
def packed_length(bits: bytes, rows: int) -> int:
    """Compute the bytes of a chunk of `rows` entries per component in coding ``packed``.

    Examples
    --------
    >>> packed_length(bytes([2, 4]), rows=3)
    3
    """
    # Few depths occur, so counting them beats a sum over thousands of components.
    return sum(bits.count(depth) * -(-depth * rows // 8) for depth in set(bits))


def check_length(coding: str, tables: bytes, section: Section, rows: int) -> None:
    """Check the length of a chunk by its index entry alone.

    Parameters
    ----------
    coding : str
        Registered id of the coding.
    tables : bytes
        Parameters of the coding, checked.
    section : Section
        Section of the chunk.
    rows : int
        Entries per component in the chunk.

    Raises
    ------
    CorruptSectionError
        The chunk is not as long as the coding demands.
    """
    if coding.startswith("kept"):
        return  # its headers tell
    if coding == "packed":
        expected: object = packed_length(tables, rows)
        right = section.length == expected
    else:
        expected = f"at least {LANES.size}, and even"
        right = section.length >= LANES.size and section.length % 2 == 0
    if not right:
        raise CorruptSectionError(
            f"wrong length of chunk {section.ordinal}",
            section=section.tag,
            offset=section.header_offset,
            found=section.length,
            expected=expected,
        )


def check_packed(bits: bytes, section: Section, rows: int, chunk: bytes) -> None:
    """Check that the bits after the last code of every run are zero.

    Parameters
    ----------
    bits : bytes
        Bits per code of each component.
    section : Section
        Section of the chunk.
    rows : int
        Entries per component in the chunk.
    chunk : bytes
        The chunk, of the length that the coding demands.

    Raises
    ------
    CorruptSectionError
        Some bits are not zero; the message names the component.
    """
    if rows % 8 == 0:
        return  # whole bytes at every depth: only a last chunk has padding
    end = 0
    for i, depth in enumerate(bits):
        end += -(-depth * rows // 8)
        used = depth * rows % 8
        if used and chunk[end - 1] >> used:
            raise CorruptSectionError(
                f"wrong run padding of component {i} in chunk {section.ordinal}",
                section=section.tag,
                offset=section.offset + end - 1,
                found=f"{chunk[end - 1] >> used:#x}",
                expected="zero bits",
            )


def check_rans(tables: bytes, section: Section, rows: int, chunk: bytes) -> None:
    """Check the states that the lanes start from; the decoder checks where they end.

    Parameters
    ----------
    tables : bytes
        Parameters of the coding; not used.
    section : Section
        Section of the chunk.
    rows : int
        Entries per component in the chunk; not used.
    chunk : bytes
        The chunk, of a length that the coding allows.

    Raises
    ------
    CorruptSectionError
        A state is too small; the message names the lane.
    """
    for lane, state in enumerate(LANES.unpack_from(chunk)):
        if state < SMALLEST_STATE:
            raise CorruptSectionError(
                f"wrong state of lane {lane} in chunk {section.ordinal}",
                section=section.tag,
                offset=section.offset + 4 * lane,
                found=state,
                expected=f"at least {SMALLEST_STATE}",
            )


CHUNK_CHECKS: dict[str, Callable[[bytes, Section, int, bytes], None]] = {
    "packed": check_packed,
    "rans": check_rans,
    "kept-dense": lambda _, section, __, chunk: check_chunk(DENSE, section, chunk),
    "kept-sparse": lambda _, section, __, chunk: check_chunk(SPARSE, section, chunk),
}


def chunk_count(record: dict[str, Any]) -> int:
    """Return how many chunks a factor has, given its metadata."""
    count: int = -(-record["length"] // record["chunk_length"]) if record["components"] else 0
    return count


def chunk_rows(length: int, chunk_length: int, ordinal: int) -> int:
    """Return how many entries per component lie in chunk `ordinal` of a factor."""
    return min(length - ordinal * chunk_length, chunk_length)


class StoredChunks(LazySequence[bytes]):
    """Chunks of an open file, which are read and checked at each access and never kept.

    Parameters
    ----------
    reader : SectionReader
        The open file.
    previous_end : dict
        Offset at which the padding before a payload starts, by the offset of the payload.
    sections : sequence of Section
        The chunk sections of the factor, in order, as many as `record` demands.
    record : dict
        Metadata of the factor.
    tables : bytes
        Parameters of the coding, checked.

    Raises
    ------
    CorruptSectionError
        A section is not as long as the coding demands.
    """

    def __init__(
        self,
        reader: SectionReader,
        previous_end: dict[int, int],
        sections: Sequence[Section],
        record: dict[str, Any],
        tables: bytes,
    ) -> None:
        self._reader = reader
        self._previous_end = previous_end
        self._sections = sections
        self._record = record
        self._tables = tables
        self._check = CHUNK_CHECKS[record["coding"]]
        for section in sections:
            check_length(record["coding"], tables, section, self._rows(section))

    def __len__(self) -> int:
        return len(self._sections)

    @property
    def lengths(self) -> list[int]:
        """Number of bytes of each chunk, without reading any."""
        return [section.length for section in self._sections]

    def _element(self, at: int) -> bytes:
        section = self._sections[at]
        with self._reader.naming():
            payload = self._reader.payload(section, self._previous_end[section.offset])
            self._check(self._tables, section, self._rows(section), payload)
        return payload

    def refused(self, number: int, error: ContainerError) -> ContainerError:
        """Add the place of a chunk in the file to the error that a decoder raised on it."""
        section = self._sections[number]
        return error.located(self._reader.path, section.tag, section.offset)

    def _rows(self, section: Section) -> int:
        record = self._record
        return chunk_rows(record["length"], record["chunk_length"], section.ordinal)


class GrownChunks(LazySequence[bytes]):
    """Stored chunks, which are read on access, and new ones after them.

    Parameters
    ----------
    stored : sequence of bytes
        Chunks of a file, the first `kept` of which stay.
    kept : int
        Number of stored chunks that stay.
    added : list of bytes
        Chunks that follow them.
    """

    def __init__(self, stored: Sequence[bytes], kept: int, added: list[bytes]) -> None:
        self._stored = stored
        self._kept = kept
        self._added = added

    def __len__(self) -> int:
        return self._kept + len(self._added)

    def _element(self, at: int) -> bytes:
        return self._stored[at] if at < self._kept else self._added[at - self._kept]


class RemainingChunks(LazySequence[bytes]):
    """Stored chunks some of which are lost and given as empty, which no chunk can be.

    Parameters
    ----------
    stored : sequence of bytes
        Chunks of a file; only the remaining ones are read.
    remaining : collection of int
        Numbers of the chunks that are not lost.
    """

    def __init__(self, stored: Sequence[bytes], remaining: frozenset[int]) -> None:
        self._stored = stored
        self._remaining = remaining

    def __len__(self) -> int:
        return len(self._stored)

    def _element(self, at: int) -> bytes:
        return self._stored[at] if at in self._remaining else b""


def refusal_of(chunks: Sequence[bytes], number: int, error: ContainerError) -> ContainerError:
    """Add to the error that a decoder raised on a chunk its place, if it lies in a file."""
    refused: Callable[[int, ContainerError], ContainerError] | None
    refused = getattr(chunks, "refused", None)
    return error if refused is None else refused(number, error)


def lengths_of(chunks: Sequence[bytes]) -> list[int]:
    """Count the bytes of each chunk, without reading those of an open file or a scratch file."""
    lengths: list[int] | None = getattr(chunks, "lengths", None)
    return [len(chunk) for chunk in chunks] if lengths is None else lengths
