"""Variables in the bytes of MATLAB files of version 4 and 5.

They are parsed here, not by SciPy, which ends the process on some damaged files. The layouts are
those of "MAT-File Format" by The MathWorks.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lplrcli.runtime.workspace import workspace

_HEADER = 128
_ARRAY, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8",
            12: "i8", 13: "u8"}  # fmt: skip
_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 6: "double", 7: "single",
            8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32",
            14: "int64", 15: "uint64", 16: "function", 17: "opaque"}  # fmt: skip
_LOGICAL, _COMPLEX = 2, 8
_LOOKED_AT = 1 << 12
"""Bytes that are inflated of each variable to see what it is."""

_HEADER_4 = 20
_NUMBERS_4 = ("f8", "f4", "i4", "i2", "u2", "u1")


class DamagedError(Exception):
    """Bytes that are not as the format has them; the message says where."""


@dataclass(frozen=True)
class Variable:
    """One variable of a file.

    Attributes
    ----------
    name : str
        Its name.
    shape : tuple of int
        Its extents, not checked.
    kind : str
        Its class in the words of MATLAB, with ``complex`` before it for complex numbers.
    body : bytes-like
        What holds its numbers; of version 5 the whole element, which may be compressed.
    order : str
        ``<`` or ``>``, the order of bytes.
    stored : str
        Type of the numbers in version 4; else empty.
    compressed : bool
        Whether `body` is to be inflated.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    body: Any = field(repr=False)
    order: str
    stored: str = ""
    compressed: bool = False


def variables_4(data: Any, order: str) -> Iterator[Variable]:
    """Find the variables of a file of version 4.

    Raises
    ------
    DamagedError
        A variable is cut short, or no variable begins where one should.
    """
    at = 0
    while at < len(data):
        if len(data) - at < _HEADER_4:
            raise DamagedError(f"{len(data) - at} bytes are left at byte {at}")
        kind, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", data, at)
        stored, form = kind // 10 % 10, kind % 10
        fine = stored < len(_NUMBERS_4) and form < 3 and imaginary in (0, 1)
        if kind < 0 or not fine or min(rows, columns, length) < 0:
            raise DamagedError(f"no variable begins at byte {at}")
        size = rows * columns * np.dtype(_NUMBERS_4[stored]).itemsize
        begin = at + _HEADER_4 + length
        if begin + size * (1 + imaginary) > len(data):
            raise DamagedError(f"the variable at byte {at} is cut short")
        name = bytes(data[at + _HEADER_4 : begin]).rstrip(b"\0").decode("latin1")
        body = data[begin : begin + size]
        word = ("double", "char", "sparse")[form]
        shape: tuple[int, ...] = (rows, columns)
        if form == 2:
            if rows < 1 or columns not in (3, 4):
                raise DamagedError(f"the sparse matrix at byte {at} has {columns} columns")
            last = np.frombuffer(body, order + _NUMBERS_4[stored]).reshape(columns, rows)[:, -1]
            if not np.isfinite(last).all():
                raise DamagedError(f"the sparse matrix at byte {at} has no extents")
            shape = (int(last[0]), int(last[1]))
            imaginary = columns == 4
        word = f"complex {word}" if imaginary else word
        yield Variable(name, shape, word, body, order, _NUMBERS_4[stored])
        at = begin + size * (2 if imaginary and form != 2 else 1)


def variables_5(data: Any) -> Iterator[Variable]:
    """Find the variables of a file of version 5.

    Raises
    ------
    DamagedError
        A variable is cut short or cannot be told.
    """
    order = "<" if bytes(data[126:128]) == b"IM" else ">"
    at = _HEADER
    while len(data) - at >= 8:
        kind, size = struct.unpack_from(f"{order}2I", data, at)
        body = data[at + 8 : at + 8 + size]
        if len(body) < size:
            raise DamagedError(f"the variable at byte {at} is cut short")
        if kind == _COMPRESSED:
            start = _inflated(body, _LOOKED_AT)[8:]
        elif kind == _ARRAY:
            start = body[:_LOOKED_AT]
        else:
            raise DamagedError(f"no variable begins at byte {at}")
        word, shape, name = _described(_elements(start, order), order)
        yield Variable(name, shape, word, body, order, compressed=kind == _COMPRESSED)
        at += 8 + size


def numbers_of(variable: Variable) -> list[Any]:
    """Read the numbers of a variable: of a full one its entries, in order of columns.

    Returns
    -------
    list of ndarray
        One array; of a sparse one three: data, rows, and, in version 4, columns, or, in version
        5, where the columns begin.

    Raises
    ------
    DamagedError
        They are not there in whole.
    MemoryLimitError
        Less memory is allowed than inflating takes.
    """
    if variable.stored:
        numbers = np.frombuffer(variable.body, variable.order + variable.stored)
        if variable.kind != "sparse":
            return [numbers]
        rows, columns, data = numbers.reshape(3, -1)[:, :-1]
        return [data, _indices(rows), _indices(columns)]
    body = variable.body
    if variable.compressed:
        head = _inflated(body, 8)
        (size,) = struct.unpack_from(f"{variable.order}I", head.ljust(8, b"\0"), 4)
        workspace().require(2 * size, variable.name, 1)
        body = _inflated(body, 8 + size)[8:]
        if len(body) < size:
            raise DamagedError("its compressed data are cut short")
    found = _elements(body, variable.order)
    _described(found, variable.order)
    if variable.kind != "sparse":
        numbers = _numbers(found, variable.order)
        if len(numbers) != math.prod(variable.shape):
            raise DamagedError(f"there are {len(numbers)} numbers")
        return [numbers]
    rows, starts, data = (_numbers(found, variable.order) for _ in range(3))
    # There may be room for more entries than there are.
    entries = int(starts[-1]) if len(starts) else 0
    return [data[:entries], rows[:entries], starts]


def _indices(values: Any) -> Any:
    """Indices from 1 that are stored as floats."""
    whole = values.astype(np.float64)
    if not (np.isfinite(whole) & (whole == np.rint(whole)) & (np.abs(whole) < 2**53)).all():
        raise DamagedError("an index is no integer")
    return whole.astype(np.int64) - 1


def _inflated(body: Any, size: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, size)
    except zlib.error as error:
        raise DamagedError(str(error)) from error


def _elements(data: Any, order: str) -> Iterator[tuple[int, Any]]:
    """Types and contents of the parts of a variable."""
    at = 0
    while len(data) - at >= 8:
        kind, size = struct.unpack_from(f"{order}2I", data, at)
        begin, step = at + 8, 8 + -(-size // 8) * 8
        if kind >> 16:  # up to four bytes stand in the tag itself
            kind, size, begin, step = kind & 0xFFFF, kind >> 16, at + 4, 8
            if size > 4:
                raise DamagedError("a part is too long for its tag")
        yield kind, data[begin : begin + size]
        at += step


def _described(found: Iterator[tuple[int, Any]], order: str) -> tuple[str, tuple[int, ...], str]:
    """Class, extents and name, which come first."""
    parts = [part for _, part in (next(found, (0, b"")) for _ in range(3))]
    if len(parts[0]) != 8:
        raise DamagedError("a variable has no class")
    (flags,) = struct.unpack_from(f"{order}I", parts[0])
    word = _CLASSES.get(flags & 0xFF, "unknown")
    if word == "opaque":
        return word, (), bytes(parts[1]).decode("latin1")
    if len(parts[1]) % 4 or not len(parts[1]):
        raise DamagedError("a variable has no extents")
    shape = tuple(np.frombuffer(parts[1], f"{order}i4").tolist())
    if (flags >> 8) & _LOGICAL and word != "sparse":
        word = "logical"
    if (flags >> 8) & _COMPLEX:
        word = f"complex {word}"
    return word, shape, bytes(parts[2]).decode("latin1")


def _numbers(found: Iterator[tuple[int, Any]], order: str) -> Any:
    """Numbers of the next part, as they are stored."""
    kind, part = next(found, (0, b""))
    if kind not in _NUMBERS:
        raise DamagedError(f"its numbers are of type {kind}")
    stored = np.dtype(order + _NUMBERS[kind])
    if len(part) % stored.itemsize:
        raise DamagedError("its numbers are cut short")
    return np.frombuffer(part, stored)
