"""Reading ``.lplr`` files: the index at once, everything else when asked for."""

from __future__ import annotations

from typing import Any, BinaryIO

from lplrcli.container.assembly import assemble
from lplrcli.container.byte_layout import (
    CHUNK_TAGS,
    FILE_HEADER,
    INDEX,
    KEPT,
    LAST,
    METADATA,
    TABLES,
    WHOLE_FILE,
    Section,
    parse_file_header,
)
from lplrcli.container.chunks import StoredChunks, chunk_count
from lplrcli.container.kept_layout import chunks_of, tables_length
from lplrcli.container.metadata_text import MAX_COMPRESSED
from lplrcli.container.open_file import OpenFile
from lplrcli.container.section_reader import SectionReader
from lplrcli.container.section_table import read_sections
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import Factorization


def open_container(file: BinaryIO, path: str) -> Container:
    """Open an ``.lplr`` file: read its header, its end and its index.

    Parameters
    ----------
    file : binary file
        Readable and seekable. It belongs to the container from now on, unless opening fails.
    path : str
        Its name, for messages.

    Raises
    ------
    NotLplrError
        The signature is wrong.
    UnsupportedVersionError
        Another version of the format is needed.
    CorruptSectionError, UnknownSectionError
        The structure is wrong, or a critical section is unknown.
    """
    reader = SectionReader(file, path)
    with reader.naming():
        version = parse_file_header(reader.read(0, FILE_HEADER.size))
        sections = read_sections(reader.read, reader.file_bytes)
    return Container(reader, version, sections)


class Container(OpenFile):
    """An open ``.lplr`` file. Made by `open_container`; closes its file on exit.

    Reading from several threads at once is safe.

    Attributes
    ----------
    path : str
        Name of the file, for messages.
    file_bytes : int
        Size of the whole file.
    version : tuple of int
        Major and minor version of the format.
    sections : tuple of Section
        All sections in file order, ``INDX`` and ``LEND`` included.
    count : int
        Matrices in the file, at least 1.
    """

    def __init__(
        self, reader: SectionReader, version: tuple[int, int], sections: tuple[Section, ...]
    ) -> None:
        super().__init__(reader, version, sections)
        self._previous_end: dict[int, int] = {}
        self._owned: dict[int, dict[str, list[Section]]] = {}
        end = FILE_HEADER.size
        for section in sections:
            self._previous_end[section.offset] = end
            end = section.end
            self._owned.setdefault(section.matrix, {}).setdefault(section.tag, []).append(section)
        self.count = sum(METADATA in tags for tags in self._owned.values())

    def metadata(self, i: int = 0) -> dict[str, Any]:
        """Read and check the metadata of matrix `i`; see ``metadata.schema.json`` for its keys.

        Raises
        ------
        CorruptSectionError
            The section is damaged, or contradicts the schema, itself or the index; or this and
            what was read of other matrices are more than the metadata of one file may be.
        IndexError
            There is no matrix `i`.
        """
        section = self.sections_of(i)[METADATA][0]
        with self._reader.naming(section):
            if section.length > MAX_COMPRESSED:
                raise CorruptSectionError(
                    "wrong length",
                    section=METADATA,
                    offset=section.header_offset + 16,
                    found=section.length,
                    expected=f"at most {MAX_COMPRESSED}",
                )
            payload = self._payload(section)
            document = self._parsed(i, payload)
            self._check_lengths(i, document)
        return document

    def section_bytes(self, i: int | None = 0) -> dict[str, int]:
        """Bytes of the file that matrix `i` takes, by tag; headers and padding count.

        None asks for the sections of the whole file. Over all matrices and None the bytes add up
        to `file_bytes` less the 32 of the file header.
        """
        owned = self._owned[WHOLE_FILE] if i is None else self.sections_of(i)
        return {
            tag: sum(section.end - self._previous_end[section.offset] for section in sections)
            for tag, sections in owned.items()
        }

    def factorization(self, i: int = 0) -> Factorization:
        """Matrix `i`, its tables read and checked; chunks are read each time they are asked for.

        Raises
        ------
        CorruptSectionError
            Metadata, tables or the lengths of chunks are wrong. Asking for a chunk raises it too.
        IndexError
            There is no matrix `i`.
        """
        document = self.metadata(i)
        owned = self.sections_of(i)

        def chunks(part: str, record: dict[str, Any], tables: bytes) -> StoredChunks:
            sections = owned.get(CHUNK_TAGS.get(part, KEPT), [])
            return StoredChunks(self._reader, self._previous_end, sections, record, tables)

        with self._reader.naming(owned[TABLES][0]):
            return assemble(document, self._payload(owned[TABLES][0]), chunks)

    def payload(self, section: Section) -> bytes:
        """Read one of `sections`, of whatever tag.

        Raises
        ------
        CorruptSectionError
            It is damaged.
        """
        with self._reader.naming():
            return self._payload(section)

    def check(self, section: Section) -> None:
        """Do all checks that can be done of a section whatever it holds; nothing of it is kept.

        Raises
        ------
        CorruptSectionError
            Padding, section header or payload are damaged.
        """
        with self._reader.naming():
            self._reader.check(section, self._previous_end[section.offset])

    def check_unread(self) -> None:
        """Check what has not been read since the file was opened, so that no damage is missed.

        Those are sections of other matrices, and ancillary ones.

        Raises
        ------
        CorruptSectionError
            One of them is damaged.
        """
        for section in self.sections:
            if section.tag not in (INDEX, LAST) and section.offset not in self._reader.sound:
                self.check(section)

    def sections_of(self, i: int = 0) -> dict[str, list[Section]]:
        """The sections of matrix `i`, by tag."""
        if METADATA not in self._owned.get(i, {}):
            raise IndexError(f"{self.path} holds matrices 0 to {self.count - 1}, not {i}")
        return self._owned[i]

    def _payload(self, section: Section) -> bytes:
        return self._reader.payload(section, self._previous_end[section.offset])

    def _check_lengths(self, i: int, document: dict[str, Any]) -> None:
        owned, records = self.sections_of(i), document["factors"]
        found = {TABLES: owned[TABLES][0].length}
        expected = {TABLES: tables_length(document)}
        for part, tag in CHUNK_TAGS.items():
            found[tag] = len(owned.get(tag, []))
            expected[tag] = chunk_count(records[part]) if part in records else 0
        kept, rows = document.get("kept"), document["matrix"]["shape"][0]
        found[KEPT] = len(owned.get(KEPT, []))
        expected[KEPT] = 0 if kept is None else chunks_of(kept, rows)
        for tag in found:
            if found[tag] != expected[tag]:
                what = "length" if tag == TABLES else "number of chunks"
                first = owned.get(tag, owned[METADATA])[0]
                raise CorruptSectionError(
                    f"wrong {what}",
                    section=tag,
                    offset=first.header_offset,
                    found=found[tag],
                    expected=expected[tag],
                )
