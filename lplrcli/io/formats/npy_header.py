"""Headers of .npy files.

Parsed here and not by NumPy, so that each fault gets an error that says what to do, before
anything is mapped or allocated.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lplrcli.errors import InputError, NotAMatrixError
from lplrcli.io.formats.magic import NPY_MAGIC
from lplrcli.io.handles.dtypes import are_sizes

_LENGTH_BYTES_OF_VERSION = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
# NumPy refuses longer ones too: a parser of Python literals is no place for megabytes.
MAX_HEADER_BYTES = 10_000


@dataclass(frozen=True)
class NpyHeader:
    """What stands before the data of an .npy file.

    Attributes
    ----------
    stored : numpy.dtype
        Type of the entries as stored.
    fortran_order : bool
        Whether the first axis varies fastest.
    shape : tuple of int
        Extents of the array.
    offset : int
        Bytes before the data.
    """

    stored: np.dtype[Any]
    fortran_order: bool
    shape: tuple[int, ...]
    offset: int

    def check_size(self, found: int, name: str) -> None:
        """See that header and data together have `found` bytes.

        Raises
        ------
        NotAMatrixError
            The entries are Python objects: what follows is a pickle, never loaded.
        InputError
            The size differs.
        """
        if self.stored.hasobject:
            raise NotAMatrixError(
                "the entries are Python objects",
                path=name,
                advice="Convert the objects to numbers with astype(float).",
            )
        expected = self.offset + math.prod(self.shape) * self.stored.itemsize
        if found != expected:
            fault = "the file is cut short" if found < expected else "bytes follow the data"
            shape = "x".join(map(str, self.shape)) or "single"
            raise InputError(
                fault,
                path=name,
                found=f"{found} bytes",
                expected=f"{expected} for {shape} {self.stored.name}",
                advice="Save it again with numpy.save.",
            )


class Readable(Protocol):
    """File or start of a stream that a header is read from."""

    def read(self, count: int, /) -> bytes:
        """Give `count` bytes, fewer at the end only."""
        ...


def read_header(file: Readable, size: int | None, name: str) -> NpyHeader:
    """Parse the header of an .npy file.

    Parameters
    ----------
    file : Readable
        At its start; read forwards only, and left where the data begins.
    size : int or None
        Bytes of the whole file, if that is known.
    name : str
        For messages.

    Raises
    ------
    NotAMatrixError
        The entries have several fields.
    InputError
        It is damaged.
    """
    start = file.read(len(NPY_MAGIC) + 2)
    if len(start) < len(NPY_MAGIC) + 2 or not start.startswith(NPY_MAGIC):
        raise _damaged(name, "the magic string is not there")
    version = (start[-2], start[-1])
    if version not in _LENGTH_BYTES_OF_VERSION:
        raise InputError(
            "the .npy version is unknown",
            path=name,
            found=f"{version[0]}.{version[1]}",
            expected="1.0, 2.0 or 3.0",
            advice="Save it again with numpy.save.",
        )
    width = _LENGTH_BYTES_OF_VERSION[version]
    field = file.read(width)
    length = int.from_bytes(field, "little")
    offset = len(start) + width + length
    if len(field) < width or (size is not None and offset > size):
        raise _damaged(name, "the file ends within it")
    if length > MAX_HEADER_BYTES:
        raise InputError(
            "the .npy header is too long",
            path=name,
            found=f"{length} bytes",
            expected=f"at most {MAX_HEADER_BYTES}",
            advice="A header of a matrix has about 120; save it again with numpy.save.",
        )
    header = file.read(length)
    if len(header) < length:
        raise _damaged(name, "the file ends within it")
    try:
        text = header.decode("latin1" if version < (3, 0) else "utf8")
        fields = _literal(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise _damaged(name, "it is not a Python literal") from error
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise _damaged(name, "it must have descr, fortran_order and shape")
    fortran_order, shape = fields["fortran_order"], fields["shape"]
    if not isinstance(fortran_order, bool):
        raise _damaged(name, "fortran_order is neither True nor False")
    if not isinstance(shape, tuple) or not are_sizes(shape):
        raise _damaged(name, "shape is not a tuple of sizes")
    return NpyHeader(_dtype_of(fields["descr"], name), fortran_order, shape, offset)


def _literal(text: str) -> object:
    with warnings.catch_warnings():
        # The parser warns of odd escapes in what may be any bytes at all.
        warnings.simplefilter("ignore")
        try:
            return ast.literal_eval(text.strip())
        except SyntaxError:
            # Python 2 wrote long integers as 10L.
            return ast.literal_eval(re.sub(r"\b(\d+)L\b", r"\1", text.strip()))


def _dtype_of(descr: object, name: str) -> np.dtype[Any]:
    if isinstance(descr, list | tuple):
        raise NotAMatrixError(
            "the entries have several fields",
            path=name,
            found="a structured dtype",
            advice="Save one field as an array of its own.",
        )
    # Simple types only: NumPy's parser of type strings knows far more than .npy files hold.
    if not isinstance(descr, str) or not re.fullmatch(
        r"[<>|=]?[A-Za-z?][0-9]{0,9}(\[[0-9]{0,9}[A-Za-z]{1,2}\])?", descr
    ):
        raise _damaged(name, "descr is not a type")
    if descr == ">V2":
        raise NotAMatrixError("big-endian bfloat16 is not read", path=name, found=descr)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some one-letter aliases are deprecated
            return np.dtype(descr)
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise _damaged(name, f"descr {descr!r} is not a type") from error


def _damaged(name: str, what: str) -> InputError:
    return InputError(
        f"the .npy header is damaged: {what}", path=name, advice="Save it again with numpy.save."
    )
