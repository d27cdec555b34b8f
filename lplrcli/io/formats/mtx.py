"""Matrix Market files, plain or compressed; the accepted profile is formats/mtx.md.

SciPy reads the entries. Before it does, the whole text is surveyed once: SciPy allocates what
the size line announces, and takes the longest prefix of a token that makes a number ("1d3" is
1 to it). The survey counts the numbers and knows the characters they may consist of.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lplrcli.errors import InputError, OutputError
from lplrcli.io.formats.inflation import compression_of, inflated
from lplrcli.io.formats.mtx_header import (
    MAX_LINE_BYTES,
    MtxHeader,
    damaged_text,
    read_mtx_header,
)
from lplrcli.io.formats.mtx_spelling import plain_numbers
from lplrcli.io.handles.base import ArrayHandle, CsrHandle
from lplrcli.io.handles.csr import csr_handle
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.unfolding import UnfoldingRequest, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from lplrcli.io.formats.sink import Sink

_TEXT_PIECE = 1 << 20
_SPACE = b" \t\r\n"
_IN_INTEGERS = b"0123456789+-"
_IN_REALS = _IN_INTEGERS + b".eEinfatyINFATY"


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> CsrHandle | ArrayHandle:
    """Read a Matrix Market file.

    Parameters
    ----------
    file : binary file
        At its start; closed here.
    path, dataset
        Not used.
    name : str
        For messages.
    request : UnfoldingRequest
        Grids of rows and columns.

    Returns
    -------
    CsrHandle or ArrayHandle
        For the coordinate and the array format.

    Raises
    ------
    NotAMatrixError
        It holds complex numbers, or nothing.
    InputError
        It is damaged.
    PlanError
        The grids do not fit its shape.
    """
    with file:
        try:
            with _text_of(file) as text:
                header = read_mtx_header(text, name)
                unfolding = unfolding_of((header.rows, header.columns), name, request)
                _survey(plain_numbers(text, header.field), header, name)
            file.seek(0)
            with _text_of(file) as text:
                for _ in range(header.lines):
                    text.readline()
                matrix = _parse(plain_numbers(text, header.field), header, name)
        except OSError as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"cannot be read: {reason}", path=name) from error
    dtype = real_dtype(matrix.dtype, name)
    if not header.coordinate:
        return ArrayHandle(matrix, unfolding, dtype)
    return csr_handle(matrix, unfolding, dtype)


def _text_of(file: BinaryIO) -> io.BufferedReader:
    compression = compression_of(file)
    if compression is not None:
        return inflated(file, compression)
    return io.BufferedReader(_Borrowed(file), _TEXT_PIECE)


class _Borrowed(io.RawIOBase):
    """A file that stays open when the reader on top of it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]


def _survey(text: Any, header: MtxHeader, name: str) -> None:
    """Read all entries as bytes and check that there are as many numbers as announced."""
    legal = _IN_REALS if header.field == "real" else _IN_INTEGERS
    # Every byte becomes one of three: space, part of a number, or neither.
    classes = bytes(0 if byte in _SPACE else (1 if byte in legal else 2) for byte in range(256))
    per_entry = 1
    if header.coordinate:
        per_entry = 2 if header.field == "pattern" else 3
    announced = header.entries * per_entry
    numbers = 0
    size = 0
    before = 0
    while piece := text.read(_TEXT_PIECE):
        text_of_classes = piece.translate(classes)
        if b"\2" in text_of_classes:
            odd = piece[text_of_classes.index(b"\2")]
            raise damaged_text(
                name,
                f"an entry is no {'real number' if header.field == 'real' else 'integer'}",
                f"character {chr(odd)!r}",
                "decimal numbers",
            )
        seen = np.frombuffer(text_of_classes, np.uint8)
        # A number begins where a space ends.
        numbers += int(seen[0] > before) + int(np.count_nonzero(seen[1:] > seen[:-1]))
        before = seen[-1]
        size += len(piece)
        if numbers > announced:
            break
        # What gzip makes of a megabyte may be a gigabyte of line ends.
        if size > _TEXT_PIECE + MAX_LINE_BYTES * announced:
            raise damaged_text(
                name,
                "far more text than its numbers take",
                f"{size} bytes for {numbers} numbers",
                f"{announced} for {header.entries} entries",
            )
    if numbers != announced:
        found = f"{numbers} numbers" if numbers <= announced else "more numbers"
        raise damaged_text(
            name,
            "the number of entries is not the one announced",
            found,
            f"{announced} for {header.entries} entries",
        )


class _Replayed(io.RawIOBase):
    """Some bytes, then the rest of a stream, then the end of a line.

    SciPy 1.17 looks for that beyond its buffer, and crashes, where spaces end a text without it.
    """

    def __init__(self, first: bytes, rest: Any) -> None:
        self._first = io.BytesIO(first)
        self._rest = rest
        self._last = io.BytesIO(b"\n")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        for part in (self._first, self._rest, self._last):
            filled: int = part.readinto(buffer)
            if filled:
                return filled
        return 0


def _parse(text: Any, header: MtxHeader, name: str) -> Any:
    from scipy.io import mmread

    if not header.entries and not header.coordinate:
        return np.zeros((header.rows, header.columns))  # skew-symmetric of one row
    try:
        # Buffered: SciPy asks for 1 KiB at a time.
        replayed = io.BufferedReader(_Replayed(header.canonical(), text), _TEXT_PIECE)
        return mmread(replayed, spmatrix=False)
    except MemoryError as error:
        raise InputError("the matrix does not fit in memory", path=name) from error
    except (ValueError, OverflowError, RuntimeError, TypeError) as error:
        raise damaged_text(name, str(error).rstrip("."), None, None) from error


def create_sink(
    stream: BinaryIO,
    shape: tuple[int, ...],
    unfold: int,
    dtype: DTypeLike,
    dataset: str,
    gzip: bool,
) -> Sink:
    """Start a Matrix Market file; see `lplrcli.io.create_sink`."""
    from lplrcli.io.formats.mtx_sink import MtxSink

    if len(shape) != 2:
        raise OutputError(
            "Matrix Market files hold matrices",
            found=f"an array of shape {shape}",
            expected="two dimensions",
            advice="Write .npy or HDF5, for example with --to npy.",
        )
    return MtxSink(stream, (shape[0], shape[1]), np.dtype(dtype), gzip)
