"""The coded chunks of one factor of an open file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from lplrcli.container.layout import Section
from lplrcli.container.section_reader import SectionReader
from lplrcli.container.tables import CHUNK_CHECKS, CODED_LENGTHS, chunk_rows
from lplrcli.errors import CorruptSectionError


class StoredChunks(Sequence[bytes]):
    """Chunks that are read and checked at each access; nothing is kept.

    Parameters
    ----------
    reader : SectionReader
        The open file.
    previous_end : dict
        Where the padding before a payload starts, by the offset of the payload.
    sections : sequence of Section
        The chunk sections of the factor, in order, as many as `record` demands.
    record : dict
        The factor's metadata.
    bits : bytes, one per component
        Bits per code.

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
        bits: bytes,
    ) -> None:
        self._reader = reader
        self._previous_end = previous_end
        self._sections = sections
        self._record = record
        self._bits = bits
        self._check = CHUNK_CHECKS[record["coding"]]
        coded_length = CODED_LENGTHS[record["coding"]]
        # All chunks but the last have the same rows, and there may be very many.
        lengths: dict[int, int] = {}
        for section in sections:
            rows = self._rows(section)
            if rows not in lengths:
                lengths[rows] = coded_length(bits, rows)
            if section.length != lengths[rows]:
                raise CorruptSectionError(
                    f"wrong length of chunk {section.ordinal}",
                    section=section.tag,
                    offset=section.header_offset,
                    found=section.length,
                    expected=lengths[rows],
                )

    def __len__(self) -> int:
        return len(self._sections)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        section = self._sections[at]
        with self._reader.naming():
            payload = self._reader.payload(section, self._previous_end[section.offset])
            self._check(self._bits, section, self._rows(section), payload)
        return payload

    def _rows(self, section: Section) -> int:
        record = self._record
        return chunk_rows(record["length"], record["chunk_length"], section.ordinal)
