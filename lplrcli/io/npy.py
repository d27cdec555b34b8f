"""NumPy's .npy files: read through a memory map, written as numpy.save writes them.

The accepted profile is formats/npy.md. The header is parsed here and not by NumPy, so that
each fault gets an error that says what to do, before anything is mapped or allocated.
"""

from __future__ import annotations

import ast
import math
import mmap
import os
import re
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from lplrcli.errors import InputError, NotAMatrixError, OutputError
from lplrcli.io.dtypes import real_dtype
from lplrcli.io.mapping import MappedHandle
from lplrcli.io.recognition import NPY_MAGIC
from lplrcli.io.sinks import Sink
from lplrcli.io.unfolding import UnfoldingRequest, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
# NumPy refuses longer ones too: a parser of Python literals is no place for megabytes.
MAX_HEADER_BYTES = 10_000


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> MappedHandle:
    """Map the array in an .npy file.

    Parameters
    ----------
    file : binary file
        At its start; closed here, the map lives on.
    path, dataset
        Not used: the open file says all.
    name : str
        For messages.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    NotAMatrixError
        The array is not one of real numbers that is or unfolds to a matrix.
    InputError
        The header is damaged, or does not fit the size of the file.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    with file:
        try:
            size = os.fstat(file.fileno()).st_size
            stored, fortran_order, shape, offset = read_header(file, name, size)
            dtype = real_dtype(stored, name)
            unfolding = unfolding_of(shape, name, request)
            entries = math.prod(shape)
            expected = offset + entries * dtype.itemsize
            if size != expected:
                fault = "the file is cut short" if size < expected else "bytes follow the data"
                raise InputError(
                    fault,
                    path=name,
                    found=f"{size} bytes",
                    expected=f"{expected} for {'x'.join(map(str, shape))} {dtype.name}",
                    advice="Save it again with numpy.save.",
                )
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error
    flat = np.frombuffer(mapping, stored, entries, offset)
    array = flat.reshape(shape, order="F" if fortran_order else "C")
    return MappedHandle(array, mapping, unfolding, dtype)


class Readable(Protocol):
    """What a header is read from."""

    def read(self, count: int, /) -> bytes:
        """As many bytes as that, fewer at the end only."""
        ...


def read_header(
    file: Readable, name: str, size: int | None
) -> tuple[np.dtype[Any], bool, tuple[int, ...], int]:
    """Parse the header to dtype, Fortran order, shape and offset of the data.

    Parameters
    ----------
    file : Readable
        At its start; read forwards, to the data.
    name : str
        For messages.
    size : int or None
        Bytes of the file, if that is known.

    Raises
    ------
    InputError
        The header is damaged.
    NotAMatrixError
        The entries are no numbers that NumPy has in one field.
    """
    start = file.read(len(NPY_MAGIC) + 2)
    if len(start) < len(NPY_MAGIC) + 2:
        raise _damaged(name, "it ends within the magic string")
    version = (start[-2], start[-1])
    if version not in _LENGTH_BYTES:
        raise InputError(
            "the .npy version is unknown",
            path=name,
            found=f"{version[0]}.{version[1]}",
            expected="1.0, 2.0 or 3.0",
            advice="Save it again with numpy.save.",
        )
    width = _LENGTH_BYTES[version]
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
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise _damaged(name, "shape is not a tuple of sizes")
    return _dtype_of(fields["descr"], name), fortran_order, shape, offset


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


class NpySink(Sink):
    """Writes an .npy file forwards, the bytes of ``numpy.save`` of the whole array.

    Parameters
    ----------
    stream : binary file
        Need not be seekable.
    shape : tuple of int
    unfold : int
    dtype : numpy.dtype
    """

    def __init__(
        self, stream: BinaryIO, shape: tuple[int, ...], unfold: int, dtype: np.dtype[Any]
    ) -> None:
        super().__init__(shape, unfold, dtype)
        self._stream = stream
        np.lib.format.write_array_header_1_0(
            stream,
            {
                "descr": np.lib.format.dtype_to_descr(dtype),
                "fortran_order": False,
                "shape": shape,
            },
        )

    def _write_slab(self, values: NDArray[Any]) -> None:
        # As bytes: bfloat16 offers no buffer of its own.
        self._stream.write(np.ascontiguousarray(values).view(np.uint8).data)

    def _finish(self) -> None:
        self._stream.flush()


def create_sink(
    stream: BinaryIO,
    shape: tuple[int, ...],
    unfold: int,
    dtype: DTypeLike,
    dataset: str,
    gzip: bool,
) -> NpySink:
    """Start an .npy file; see `lplrcli.io.create_sink`."""
    if gzip:
        raise OutputError(
            ".npy files are not compressed", advice="Write HDF5 or Matrix Market with gzip."
        )
    return NpySink(stream, shape, unfold, np.dtype(dtype))
