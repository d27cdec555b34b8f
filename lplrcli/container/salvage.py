"""What is left of a damaged ``.lplr`` file: every matrix whose metadata and tables are whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, BinaryIO

from lplrcli.container.assembly import assemble
from lplrcli.container.byte_layout import (
    CHUNK_TAGS,
    FILE_HEADER,
    KEPT,
    MATRIX_TAGS,
    METADATA,
    TABLES,
    VERSION,
    WHOLE_FILE,
    Section,
    parse_file_header,
)
from lplrcli.container.chunks import CHUNK_CHECKS, check_length, chunk_count, chunk_rows
from lplrcli.container.kept_layout import tables_length
from lplrcli.container.metadata_text import MAX_COMPRESSED
from lplrcli.container.open_file import OpenFile
from lplrcli.container.section_reader import SectionReader
from lplrcli.container.section_search import surviving_sections
from lplrcli.container.section_table import read_sections
from lplrcli.errors import (
    ContainerError,
    CorruptSectionError,
    UnknownSectionError,
    UnsupportedVersionError,
)
from lplrcli.model.compressed import Factorization
from lplrcli.runtime.lazy_sequence import LazySequence

_UNKNOWN_VERSION = VERSION[0], VERSION[1] + 1
"""Version of a file whose header is lost: whatever a later minor version may hold is let pass."""


def salvage_container(file: BinaryIO, path: str) -> Salvage:
    """Open a damaged file as far as that is possible.

    Parameters
    ----------
    file : binary file
        Readable and seekable. It belongs to the result from now on, unless this fails.
    path : str
        Its name, for messages.

    Raises
    ------
    NotLplrError, CorruptSectionError
        Nothing of a matrix is left.
    UnsupportedVersionError, UnknownSectionError
        It is whole, but needs a newer reader.
    """
    reader = SectionReader(file, path)
    damage: list[ContainerError] = []
    version = _UNKNOWN_VERSION
    with reader.naming():
        try:
            version = parse_file_header(reader.read(0, FILE_HEADER.size))
        except UnsupportedVersionError:
            raise
        except ContainerError as error:
            damage.append(error)
        try:
            sections = read_sections(reader.read, reader.file_bytes)
        except UnknownSectionError:
            raise
        except CorruptSectionError as error:
            damage.append(error)
            sections = surviving_sections(reader)
        if not any(section.tag in MATRIX_TAGS for section in sections):
            raise damage[0]
    for fault in damage:
        fault.path = path
    return Salvage(reader, version, sections, tuple(damage))


class Salvage(OpenFile):
    """A damaged file, open. Made by `salvage_container`; closes its file on exit.

    Section headers and padding do not matter where the index tells of a section.

    Attributes
    ----------
    path : str
        Name of the file, for messages.
    file_bytes : int
        Size of the file as it is.
    version : tuple of int
        Major and minor version of the format; a later one where the header is lost.
    sections : tuple of Section
        Those that are known, in file order.
    damage : tuple of ContainerError
        What is wrong with file header, index and end.
    matrices : tuple of int
        Numbers of those of which something is left.
    """

    def __init__(
        self,
        reader: SectionReader,
        version: tuple[int, int],
        sections: tuple[Section, ...],
        damage: tuple[ContainerError, ...],
    ) -> None:
        super().__init__(reader, version, sections)
        self.damage = damage
        self._owned: dict[int, dict[str, dict[int, Section]]] = {}
        for section in sections:
            if section.tag in MATRIX_TAGS and section.matrix != WHOLE_FILE:
                tags = self._owned.setdefault(section.matrix, {})
                tags.setdefault(section.tag, {})[section.ordinal] = section
        self.matrices = tuple(sorted(self._owned))

    @property
    def count(self) -> int:
        """Matrices that the file held, as far as that can be told."""
        return self.matrices[-1] + 1

    def factorization(self, i: int = 0) -> Factorization:
        """Matrix `i`; its chunks are `SalvagedChunks`.

        Raises
        ------
        CorruptSectionError
            Its metadata or tables are lost, and with them the matrix; or this and what was read
            of other matrices are more than the metadata of one file may be.
        """
        owned = self._owned.get(i, {})
        with self._reader.naming(owned.get(METADATA, {}).get(0)):
            raw = self._only(owned, METADATA, MAX_COMPRESSED)
            document = self._parsed(i, raw)
        with self._reader.naming(owned.get(TABLES, {}).get(0)):
            length = tables_length(document)
            tables = self._only(owned, TABLES, length)
            if len(tables) != length:
                raise CorruptSectionError(
                    "wrong length", section=TABLES, found=len(tables), expected=length
                )

            def chunks(part: str, record: dict[str, Any], coded: bytes) -> SalvagedChunks:
                tag = CHUNK_TAGS.get(part, KEPT)
                return SalvagedChunks(self._reader, tag, owned.get(tag, {}), record, coded)

            return assemble(document, tables, chunks)

    def _only(self, owned: dict[str, dict[int, Section]], tag: str, most: int) -> bytes:
        section = owned.get(tag, {}).get(0)
        if section is None:
            raise CorruptSectionError("it is missing", section=tag)
        if section.length > most:
            raise CorruptSectionError(
                "wrong length", section=tag, found=section.length, expected=f"at most {most}"
            )
        return self._reader.content(section)


class SalvagedChunks(LazySequence[bytes]):
    """Chunks of which some may be missing or damaged; read and checked at each access.

    Parameters
    ----------
    reader : SectionReader
        The open file.
    tag : str
        Tag of the chunks.
    sections : dict
        Those that are left, by ordinal.
    record : dict
        The factor's metadata.
    tables : bytes
        Parameters of the coding, checked.

    Attributes
    ----------
    path : str
        Name of the file, for messages.
    present : list of int
        Chunks that are not missing, ascending; they may be damaged.
    """

    def __init__(
        self,
        reader: SectionReader,
        tag: str,
        sections: dict[int, Section],
        record: dict[str, Any],
        tables: bytes,
    ) -> None:
        self.path = reader.path
        self._reader = reader
        self._tag = tag
        self._sections = sections
        self._record = record
        self._tables = tables
        self._count = chunk_count(record)
        self.present = sorted(number for number in sections if number < self._count)

    def __len__(self) -> int:
        return self._count

    @property
    def missing(self) -> list[range]:
        """Chunks that are not there, in runs: there may be far more of them than of the others."""
        ends = [-1, *self.present, self._count]
        runs = [range(before + 1, after) for before, after in pairwise(ends)]
        return [run for run in runs if run]

    @property
    def lengths(self) -> list[int]:
        """Bytes of each chunk that is present, no more than the file has; none is read."""
        most = self._reader.file_bytes
        return [min(self._sections[number].length, most) for number in self.present]

    def _element(self, at: int) -> bytes:
        section = self._sections.get(at)
        with self._reader.naming():
            if section is None:
                raise CorruptSectionError(f"chunk {at} is missing", section=self._tag)
            coding, record = self._record["coding"], self._record
            rows = chunk_rows(record["length"], record["chunk_length"], at)
            check_length(coding, self._tables, section, rows)
            payload = self._reader.content(section)
            CHUNK_CHECKS[coding](self._tables, section, rows, payload)
        return payload

    def refused(self, number: int, error: ContainerError) -> ContainerError:
        """What a decoder says against a chunk, with the place where it lies."""
        return error.located(self._reader.path, self._tag, self._sections[number].offset)
