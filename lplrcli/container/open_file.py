"""What a whole file and a damaged one have in common once they are open."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from lplrcli.container.byte_layout import Section
from lplrcli.container.metadata import check_metadata
from lplrcli.container.metadata_budget import MetadataTotal
from lplrcli.container.metadata_text import parse_text
from lplrcli.container.section_reader import SectionReader


class OpenFile:
    """An open ``.lplr`` file; closes it at the end of a ``with`` statement.

    Attributes
    ----------
    path : str
        Name of the file, for messages.
    file_bytes : int
        Size of the whole file.
    version : tuple of int
        Major and minor version of the format.
    sections : tuple of Section
        Sections that are known, in file order.
    """

    def __init__(
        self, reader: SectionReader, version: tuple[int, int], sections: tuple[Section, ...]
    ) -> None:
        self.path = reader.path
        self.file_bytes = reader.file_bytes
        self.version = version
        self.sections = sections
        self._reader = reader
        self._inflated = MetadataTotal(reader.file_bytes)

    def close(self) -> None:
        """Close the file. Chunks not yet read can no longer be."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _parsed(self, i: int, payload: bytes) -> dict[str, Any]:
        """Metadata of matrix `i`, checked, from the content of its section.

        Raises
        ------
        CorruptSectionError
            It contradicts the schema or itself; or this and what was read of other matrices are
            more than the metadata of one file may be.
        """
        self._inflated.add(i, payload)
        return check_metadata(parse_text(payload, self.version), self.version)
