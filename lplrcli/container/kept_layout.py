"""Layout of kept entries: counts in ``COMP``, chunks of arrays with headers (SPEC.md, KEPT)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from lplrcli.container.byte_layout import KEPT, METADATA, TABLES, Section
from lplrcli.errors import CorruptSectionError
from lplrcli.model.kept import DENSE, SPARSE

ARRAY_HEADER = struct.Struct("<B7xQ")
"""Layout of an array, seven reserved bytes, and the bytes of its frame."""

PLANES, ALONG_ROWS, ALONG_COLUMNS = 1, 2, 4
"""Bits of the layout of an array."""

ARRAYS = {DENSE: 1, SPARSE: 2}
"""Arrays in a chunk: the values; or gaps, then values."""

MAX_LAYOUT = {DENSE: PLANES | ALONG_ROWS | ALONG_COLUMNS, SPARSE: PLANES}

_COUNT = 8


def chunks_of(kept: dict[str, Any], rows: int) -> int:
    """Count the chunks of kept entries, given their metadata and the rows of the matrix."""
    return -(-rows // int(kept["chunk_rows"]))


def tables_length(document: dict[str, Any]) -> int:
    """Bytes of ``COMP`` of a matrix: the tables of its factors, or the counts of its chunks."""
    length: int = sum(record["table_length"] for record in document["factors"].values())
    if "kept" in document and document["kept"]["form"] == SPARSE:
        length += _COUNT * chunks_of(document["kept"], document["matrix"]["shape"][0])
    return length


def chunk_record(kept: dict[str, Any], rows: int) -> dict[str, Any]:
    """What the metadata of a factor would say of chunks like these."""
    length = kept["chunk_rows"]
    return {"coding": f"kept-{kept['form']}", "length": rows, "chunk_length": length,
            "components": 1}  # fmt: skip


def pack_counts(counts: Sequence[int]) -> bytes:
    """Payload of ``COMP``: how many entries lie in each chunk."""
    return struct.pack(f"<{len(counts)}Q", *counts)


def parse_counts(payload: bytes, kept: dict[str, Any], shape: tuple[int, int]) -> tuple[int, ...]:
    """Read the entries of each chunk from the payload of ``COMP``.

    Parameters
    ----------
    payload : bytes
        Payload of the length that `tables_length` gives.
    kept : dict
        Metadata of the entries.
    shape : tuple of int
        Rows and columns of the matrix.

    Raises
    ------
    CorruptSectionError
        A chunk has more entries than there is room for, or all have not as many as stated.
    """
    counts = struct.unpack(f"<{len(payload) // _COUNT}Q", payload)
    for number, count in enumerate(counts):
        rows = min(kept["chunk_rows"], shape[0] - number * kept["chunk_rows"])
        if count > rows * shape[1]:
            raise CorruptSectionError(
                f"wrong number of entries in chunk {number}",
                section=TABLES,
                found=count,
                expected=f"at most {rows * shape[1]}",
            )
    if kept["form"] == SPARSE and sum(counts) != kept["entries"]:
        raise CorruptSectionError(
            "wrong number of entries", section=TABLES, found=sum(counts), expected=kept["entries"]
        )
    return counts


def check_kept(document: dict[str, Any]) -> None:
    """Check that kept entries, factors, mode and shape of a matrix go together.

    Raises
    ------
    CorruptSectionError
        A key contradicts another; the message names it.
    """
    kept, (rows, columns) = document["kept"], document["matrix"]["shape"]
    if document["factors"]:
        _refuse("factors", " and ".join(document["factors"]), "none, as entries are kept")
    if document["plan"]["exponent"]:
        _refuse("plan.exponent", document["plan"]["exponent"], "0, as entries are kept")
    most, sparse = rows * columns, kept["form"] == SPARSE
    if kept["entries"] > most or not (sparse or kept["entries"] == most):
        _refuse("kept.entries", kept["entries"], f"at most {most}" if sparse else most)
    if kept["chunk_rows"] > rows:
        _refuse("kept.chunk_rows", kept["chunk_rows"], f"at most {rows}")
    if "step" in kept:
        if not sparse:
            _refuse("kept.step", kept["step"], "none, as all entries are kept")
        if not (math.isfinite(kept["step"]) and kept["step"] > 0):
            _refuse("kept.step", kept["step"], "a finite number greater than 0")


def check_chunk(form: str, section: Section, chunk: bytes) -> None:
    """Check headers of the arrays of a chunk, and that their frames fill it.

    Raises
    ------
    CorruptSectionError
        A header is wrong, or bytes are missing or left over.
    """
    for _ in arrays_of(form, chunk, section.offset):
        pass


def arrays_of(form: str, chunk: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield layout and frame of each array in a chunk.

    Parameters
    ----------
    form : str
        Form of the entries.
    chunk : bytes
        The chunk.
    offset : int
        Where it lies in its file, for messages.

    Raises
    ------
    CorruptSectionError
        A header is wrong, or bytes are missing or left over.
    """
    at = 0
    for number in range(ARRAYS[form]):
        head = chunk[at : at + ARRAY_HEADER.size]
        if len(head) < ARRAY_HEADER.size:
            _wrong("length", offset, f"{len(chunk)} bytes", "a header for each array")
        layout, length = ARRAY_HEADER.unpack(head)
        if layout > MAX_LAYOUT[form]:
            _wrong(f"layout of array {number}", offset + at, layout, f"0 to {MAX_LAYOUT[form]}")
        if any(head[1:8]):
            _wrong(f"reserved bytes of array {number}", offset + at + 1, head[1:8].hex(), "zero")
        at += ARRAY_HEADER.size
        if length > len(chunk) - at:
            _wrong(
                f"length of array {number}", offset + at - 8, length, f"{len(chunk) - at} at most"
            )
        yield layout, chunk[at : at + length]
        at += length
    if at != len(chunk):
        _wrong("length", offset + at, f"{len(chunk)} bytes", at)


def _wrong(what: str, offset: int, found: object, expected: object) -> None:
    raise CorruptSectionError(
        f"wrong {what}", section=KEPT, offset=offset, found=found, expected=expected
    )


def _refuse(key: str, found: object, expected: object) -> None:
    raise CorruptSectionError(
        f"wrong metadata: {key}", section=METADATA, found=found, expected=expected
    )
