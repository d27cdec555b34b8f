"""Headers of Matrix Market texts: banner, comments and size line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lplrcli.errors import InputError, NotAMatrixError
from lplrcli.io.formats.magic import BYTE_ORDER_MARK
from lplrcli.io.handles.csr import bears_out
from lplrcli.io.handles.dtypes import matrix_shape

MAX_LINE_BYTES = 1 << 16
"""Longest line of a header."""

_FIELDS = {
    "real": "real",
    "double": "real",
    "integer": "integer",
    "unsigned-integer": "unsigned-integer",
    "pattern": "pattern",
}
_SYMMETRIES = {
    "general": "general",
    "symmetric": "symmetric",
    "skew-symmetric": "skew-symmetric",
    "hermitian": "symmetric",  # the same thing for real numbers
}


@dataclass(frozen=True)
class MtxHeader:
    """Banner and size line of a Matrix Market text.

    Attributes
    ----------
    coordinate : bool
        Whether entries come with their places; else all are there, column by column.
    field, symmetry : str
        Words of the banner, as SciPy knows them.
    rows, columns : int
        Shape of the matrix.
    entries : int
        Entries that follow.
    lines : int
        Lines that banner, comments and size line take.
    """

    coordinate: bool
    field: str
    symmetry: str
    rows: int
    columns: int
    entries: int
    lines: int

    def canonical(self) -> bytes:
        """Give the same header as SciPy wants it, in as many lines."""
        layout = "coordinate" if self.coordinate else "array"
        size = f"{self.rows} {self.columns}" + (f" {self.entries}" if self.coordinate else "")
        banner = f"%%MatrixMarket matrix {layout} {self.field} {self.symmetry}\n"
        return (banner + "%\n" * (self.lines - 2) + size + "\n").encode()


def read_mtx_header(text: Any, name: str) -> MtxHeader:
    """Read banner, comments and size line.

    Parameters
    ----------
    text : binary file
        At its start; left at the first entry.
    name : str
        For messages.

    Raises
    ------
    NotAMatrixError
        The entries are complex, or there are none.
    InputError
        The header is damaged.
    """
    raw = _line(text, name).removeprefix(BYTE_ORDER_MARK.decode("latin1"))
    lines = 1
    while not raw.strip() and raw:
        raw = _line(text, name)
        lines += 1
    banner = raw.lower().split()
    if len(banner) != 5 or banner[0] != "%%matrixmarket" or banner[1] != "matrix":
        raise damaged_text(
            name, "the banner is wrong", " ".join(banner), "%%MatrixMarket matrix and three words"
        )
    layout, field, symmetry = banner[2:]
    if field == "complex":
        raise NotAMatrixError(
            "the entries are complex numbers",
            path=name,
            expected="real, integer or pattern",
            advice="Compress the real and the imaginary part separately.",
        )
    if layout not in ("coordinate", "array"):
        raise damaged_text(name, "the layout is unknown", layout, "coordinate or array")
    if field not in _FIELDS or (field == "pattern" and layout == "array"):
        raise damaged_text(name, f"no such field in {layout} layout", field, "real or integer")
    if symmetry not in _SYMMETRIES:
        raise damaged_text(name, "the symmetry is unknown", symmetry, ", ".join(_SYMMETRIES))
    while True:
        raw = _line(text, name)
        lines += 1
        if not raw:
            raise damaged_text(name, "the size line is missing", "the end of the file", None)
        if raw.strip() and not raw.startswith("%"):
            break
    coordinate = layout == "coordinate"
    numbers = raw.split()
    wanted = "rows, columns, entries" if coordinate else "rows, columns"
    if len(numbers) != 2 + coordinate or not all(re.fullmatch("[0-9]{1,18}", n) for n in numbers):
        raise damaged_text(name, "the size line is wrong", repr(raw.strip()[:60]), wanted)
    rows, columns = matrix_shape([int(n) for n in numbers[:2]], name)
    if _SYMMETRIES[symmetry] != "general" and rows != columns:
        raise damaged_text(name, f"a {symmetry} matrix must be square", f"{rows}x{columns}", None)
    entries = int(numbers[2]) if coordinate else _entries(rows, columns, _SYMMETRIES[symmetry])
    if coordinate and not bears_out((rows, columns), entries):
        raise damaged_text(name, "far more rows or columns than entries", raw.strip(), None)
    return MtxHeader(
        coordinate, _FIELDS[field], _SYMMETRIES[symmetry], rows, columns, entries, lines
    )


def _entries(rows: int, columns: int, symmetry: str) -> int:
    """Count the numbers that the array layout stores: with a symmetry, one triangle."""
    if symmetry == "symmetric":
        return rows * (rows + 1) // 2
    if symmetry == "skew-symmetric":
        return rows * (rows - 1) // 2
    return rows * columns


def _line(text: Any, name: str) -> str:
    line: bytes = text.readline(MAX_LINE_BYTES)
    if len(line) == MAX_LINE_BYTES:
        raise damaged_text(
            name, "a line of the header is too long", None, f"below {MAX_LINE_BYTES} bytes"
        )
    return line.decode("latin1")


def damaged_text(name: str, what: str, found: object, expected: object) -> InputError:
    """Build the error for a text that is not as the format has it."""
    return InputError(
        f"the Matrix Market text is damaged: {what}",
        path=name,
        found=found,
        expected=expected,
        advice="Write it again, for example with scipy.io.mmwrite.",
    )
