"""Place of every byte of an ``.lplr`` file: the only struct formats and offsets (SPEC.md).

Each record packs itself and parses itself; parsing makes every check that needs the record alone,
and raises `CorruptSectionError` naming the field. Nothing here reads a file.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from lplrcli.errors import (
    CorruptSectionError,
    NotLplrError,
    UnsupportedVersionError,
)

SIGNATURE = b"\x89LPLR\r\x1a\n"
FIRST_VERSION = (0, 1)
FIRST_MINOR = (1, 0)
VERSION = (1, 1)
"""Latest version of the format, major and minor. A file is of the least from `FIRST_MINOR` on that
has all it holds."""

READABLE = (FIRST_VERSION, (0, 2), FIRST_MINOR, VERSION)
"""Versions that are read, besides later minor versions of the same major; others are refused."""

ALIGNMENT = 64
FILE_HEADER = struct.Struct("<8sHHI12sI")
SECTION_HEADER = struct.Struct("<4sIIIQII")
INDEX_ENTRY = struct.Struct("<4sIIIQQ")
END = struct.Struct("<QII")
CHECKSUM_SIZE = 4
TAIL_SIZE = SECTION_HEADER.size + END.size

METADATA, TABLES, INDEX, LAST = "META", "COMP", "INDX", "LEND"
CHUNK_TAGS = {
    "left_basis": "LBAS",
    "right_basis": "RBAS",
    "left": "LEFT",
    "right": "RGHT",
    "residual": "RESD",
    "mean_row": "MROW",
    "mean_column": "MCOL",
}
"""Tag of the chunks of each factor, by the name in the metadata; in file order."""

KEPT = "KEPT"
"""Tag of the chunks of entries that are kept as they are."""

MATRIX_TAGS = (METADATA, TABLES, *CHUNK_TAGS.values(), KEPT)
ALL_CHUNKS = (*CHUNK_TAGS.values(), KEPT)
CRITICAL_TAGS = frozenset((*MATRIX_TAGS, INDEX, LAST))
WHOLE_FILE = 0xFFFFFFFF
"""Matrix number of a section that belongs to no matrix."""

BINARY_MODE = "The file is damaged; copy it again, in binary mode and to its end."

_DAMAGED_SIGNATURES = {
    b"\x89LPLR\n\x1a\n": "CR became LF",
    b"\x89LPLR\r\x1a\r\n": "LF became CR LF",
    b"\x89LPLR\r\x1a\r": "LF became CR",
    b"\x89LPLR\r\n\x1a": "CR became CR LF",
    b"\x89LPLR\n\n\x1a": "CR became LF LF",
    b"\x89LPLR\x1a\n": "CR was removed",
    b"\x89LPLR\r\n": "^Z was removed",
    b"\tLPLR": "the high bit was cleared",
    b"LPLR\r": "the first byte was removed",
    b"\xc2\x89LPLR": "bytes became UTF-8 characters",
    b"\xef\xbf\xbdLPLR": "a byte became U+FFFD",
}


def aligned_payload(end: int) -> int:
    """Compute the offset of the payload that follows one ending at byte `end`."""
    return -(-(end + SECTION_HEADER.size) // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a file, as its header and its index entry describe it.

    Attributes
    ----------
    tag : str
        Four ASCII letters.
    matrix, ordinal : int
        Number of the matrix (`WHOLE_FILE` for none) and of the section within matrix and tag.
    checksum : int
        CRC-32 of the payload.
    offset, length : int
        First byte of the payload in the file, and how many bytes it has.
    """

    tag: str
    matrix: int
    ordinal: int
    checksum: int
    offset: int
    length: int

    @property
    def critical(self) -> bool:
        """Whether a reader that does not know the tag must refuse the file."""
        return self.tag[0].isupper()

    @property
    def safe_to_copy(self) -> bool:
        """Whether the section stays valid when the matrices it is about are changed."""
        return self.tag[3].islower()

    @property
    def header_offset(self) -> int:
        """First byte of the section header."""
        return self.offset - SECTION_HEADER.size

    @property
    def end(self) -> int:
        """First byte after the payload."""
        return self.offset + self.length

    def pack_header(self) -> bytes:
        """Return the 32 bytes that precede the payload."""
        tag = self.tag.encode("ascii")
        body = SECTION_HEADER.pack(
            tag, 0, self.matrix, self.ordinal, self.length, self.checksum, 0
        )[:-CHECKSUM_SIZE]
        return body + zlib.crc32(body).to_bytes(CHECKSUM_SIZE, "little")

    def pack_entry(self) -> bytes:
        """Return the 32 bytes that stand for this section in the index."""
        tag = self.tag.encode("ascii")
        return INDEX_ENTRY.pack(
            tag, self.matrix, self.ordinal, self.checksum, self.offset, self.length
        )


def read_tag(raw: bytes, offset: int, section: str | None = None) -> str:
    """Return the tag of 4 bytes found at byte `offset`.

    Raises
    ------
    CorruptSectionError
        The bytes are not four letters, or the case of one is not allowed.
    """
    # On bytes these methods know ASCII letters only.
    if not (raw.isalpha() and (raw.isupper() or (raw[:1].islower() and raw[1:3].isupper()))):
        raise CorruptSectionError(
            "wrong tag",
            section=section,
            offset=offset,
            found=ascii(raw)[1:],
            expected="four ASCII letters: all upper case, or the first or both ends lower case",
        )
    return raw.decode("ascii")


def is_later(version: tuple[int, int]) -> bool:
    """Whether a file is of a later minor version than the one that is known here."""
    return version[0] == VERSION[0] and version > VERSION


def pack_file_header(version: tuple[int, int] = FIRST_MINOR) -> bytes:
    """Return the first 32 bytes of a file."""
    body = FILE_HEADER.pack(SIGNATURE, *version, 0, bytes(12), 0)[:-CHECKSUM_SIZE]
    return body + zlib.crc32(body).to_bytes(CHECKSUM_SIZE, "little")


def parse_file_header(raw: bytes) -> tuple[int, int]:
    """Check the first 32 bytes of a file (fewer if it is shorter) and return its version.

    Raises
    ------
    NotLplrError
        The signature is wrong; the message tells if a transfer in text mode explains it.
    UnsupportedVersionError
        The version is neither one of `READABLE` nor a later minor version.
    CorruptSectionError
        The checksum or a reserved field is wrong, or the header is cut short.
    """
    if not raw.startswith(SIGNATURE):
        for damaged, what in _DAMAGED_SIGNATURES.items():
            if raw.startswith(damaged):
                raise NotLplrError(
                    f"the signature was damaged by a transfer in text mode: {what}",
                    offset=0,
                    found=raw[: len(SIGNATURE)].hex(" "),
                    expected=SIGNATURE.hex(" "),
                    advice=BINARY_MODE,
                )
        if raw and SIGNATURE.startswith(raw):
            raise NotLplrError(
                "the file ends within the signature",
                offset=len(raw),
                found=f"{len(raw)} bytes",
                expected=f"{len(SIGNATURE)}",
                advice=BINARY_MODE,
            )
        raise NotLplrError(
            "not an .lplr file: wrong signature",
            offset=0,
            found=raw[: len(SIGNATURE)].hex(" ") or "an empty file",
            expected=SIGNATURE.hex(" "),
        )
    if len(raw) < FILE_HEADER.size:
        raise CorruptSectionError(
            "file header is cut short",
            offset=len(raw),
            found=f"{len(raw)} bytes",
            expected=f"{FILE_HEADER.size}",
            advice=BINARY_MODE,
        )
    _, major, minor, flags, reserved, checksum = FILE_HEADER.unpack(raw)
    _expect("file header: header checksum", checksum, zlib.crc32(raw[:-CHECKSUM_SIZE]), 28)
    if (major, minor) not in READABLE and not is_later((major, minor)):
        raise UnsupportedVersionError(
            "format version (major.minor) not supported",
            offset=8,
            found=f"{major}.{minor}",
            expected=", ".join(f"{major}.{minor}" for major, minor in READABLE) + " or a later 1.x",
            advice=f"Install a version of lplrcli that reads format {major}.{minor}.",
        )
    _expect("file header: flags", flags, 0, 12)
    _expect("file header: reserved", reserved.hex(), bytes(12).hex(), 16)
    return major, minor


def parse_section_header(raw: bytes, offset: int, section: str) -> Section:
    """Parse the 32 bytes at byte `offset`, where a section `section` is expected.

    Raises
    ------
    CorruptSectionError
        The checksum, the tag or the flags are wrong, or bytes are missing.
    """
    if len(raw) < SECTION_HEADER.size:
        raise CorruptSectionError(
            "section header is cut short",
            section=section,
            offset=offset,
            found=f"{len(raw)} bytes",
            expected=f"{SECTION_HEADER.size}",
            advice=BINARY_MODE,
        )
    tag, flags, matrix, ordinal, length, checksum, own = SECTION_HEADER.unpack(raw)
    _expect("header checksum", own, zlib.crc32(raw[:-CHECKSUM_SIZE]), offset + 28, section)
    name = read_tag(tag, offset, section)
    _expect("flags", flags, 0, offset + 4, section)
    return Section(name, matrix, ordinal, checksum, offset + SECTION_HEADER.size, length)


def pack_end(index_offset: int, count: int) -> bytes:
    """Return the payload of ``LEND``: where the header of ``INDX`` is, and its entries."""
    body = END.pack(index_offset, count, 0)[:-CHECKSUM_SIZE]
    return body + zlib.crc32(body).to_bytes(CHECKSUM_SIZE, "little")


def parse_end(raw: bytes, offset: int) -> tuple[int, int]:
    """Return ``(index offset, section count)`` from the payload of ``LEND``."""
    index_offset, count, own = END.unpack(raw)
    _expect("end checksum", own, zlib.crc32(raw[:-CHECKSUM_SIZE]), offset + 12, LAST)
    return index_offset, count


def _expect(
    field: str, found: object, expected: object, offset: int, section: str | None = None
) -> None:
    if found != expected:
        raise CorruptSectionError(
            f"wrong {field}", section=section, offset=offset, found=found, expected=expected
        )
