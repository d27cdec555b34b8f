"""Matrices that come through a pipe and are visited once: read as they come, never copied."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lplrcli.errors import InputError
from lplrcli.io.files.seekable import close_stream, open_seekable, open_stream, spooled
from lplrcli.io.formats.npy import read_header
from lplrcli.io.formats.recognition import NPY_MAGIC
from lplrcli.io.handles.base import Handle, dense_block_rows
from lplrcli.io.handles.dtypes import real_dtype, to_native
from lplrcli.io.handles.unfolding import UnfoldingRequest, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lplrcli.model.source import Unfolding


def open_forward(
    path: str, request: UnfoldingRequest
) -> tuple[BinaryIO, str, bool, ForwardHandle | None]:
    """Open a file for one reading from its start if that is possible, else seekable.

    Parameters
    ----------
    path : str
        File name, or ``"-"`` for standard input.
    request : UnfoldingRequest
        How an array is to become a matrix.

    Returns
    -------
    file : binary file
        Seekable, unless there is a handle, which then owns it.
    name : str
        How to call it in messages.
    reopenable : bool
        Whether `path` leads to the same bytes again.
    handle : ForwardHandle or None
        Of an ``.npy`` file in C order that cannot be read twice.

    Raises
    ------
    InputError
        It cannot be read, or its header is damaged.
    NotAMatrixError, PlanError
        As for `lplrcli.io.open_source`.
    """
    if "://" in path:
        return (*open_seekable(path), None)
    file, name, reopenable = open_stream(path)
    if reopenable:
        return file, name, True, None
    handle = None
    try:
        begun = _Begun(file)
        handle = _handle_of(begun, name, request)
        if handle is None:
            return spooled(file, name, begun.start), name, False, None
        return file, name, False, handle
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error
    finally:
        if handle is None:
            close_stream(file)


class _Begun:
    """The start of a stream, which may be read again.

    Parameters
    ----------
    stream : binary file
        At its start.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.start = b""
        self._at = 0

    def read(self, count: int) -> bytes:
        """As many bytes as that, fewer at the end of the stream only."""
        missing = self._at + count - len(self.start)
        if missing > 0:
            self.start += bytes(_read(self.stream, missing))
        part = self.start[self._at : self._at + count]
        self._at += len(part)
        return part

    def rewind(self) -> None:
        """Go to the start."""
        self._at = 0


def _handle_of(begun: _Begun, name: str, request: UnfoldingRequest) -> ForwardHandle | None:
    if begun.read(len(NPY_MAGIC)) != NPY_MAGIC:
        return None
    begun.rewind()
    header = read_header(begun, None, name)
    if header.fortran_order:
        return None
    dtype = real_dtype(header.stored, name)
    unfolding = unfolding_of(header.shape, name, request)
    return ForwardHandle(begun.stream, header.stored, unfolding, dtype, name)


class ForwardHandle(Handle):
    """Rows of a matrix in C order, each of them read once, in order.

    Parameters
    ----------
    stream : binary file
        At the first entry.
    stored : numpy.dtype
        Type of the entries in it.
    unfolding, dtype
        As checked by `lplrcli.io.handles.unfolding` and `lplrcli.io.handles.dtypes`.
    name : str
        For messages.
    """

    def __init__(
        self,
        stream: BinaryIO,
        stored: np.dtype[Any],
        unfolding: Unfolding,
        dtype: np.dtype[Any],
        name: str,
    ) -> None:
        self.unfolding = unfolding
        self.dtype = dtype
        self.block_rows = dense_block_rows(self.shape, dtype)
        self._stream = stream
        self._stored = stored
        self._name = name
        self._next = 0
        self._failed = False
        self._turn = threading.Condition()

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Rows, once those before them have been read by whoever asked for them."""
        with self._turn:
            self._turn.wait_for(lambda: self._failed or self._next >= rows.start)
            if self._failed or self._next != rows.start:
                raise InputError("it can be read once only, from its start", path=self._name)
            try:
                values = self._read(rows)
            except BaseException:
                self._failed = True
                raise
            finally:
                self._turn.notify_all()
            self._next = rows.stop
        return to_native(values, self.dtype)

    def _read(self, rows: slice) -> NDArray[Any]:
        columns = self.shape[1]
        size = (rows.stop - rows.start) * columns * self._stored.itemsize
        content = _read(self._stream, size)
        cut = len(content) < size
        if cut or (rows.stop == self.shape[0] and self._stream.read(1)):
            whole = rows.start + len(content) // (columns * self._stored.itemsize)
            raise InputError(
                "the file is cut short" if cut else "bytes follow the data",
                path=self._name,
                found=f"{whole} whole rows" if cut else "more",
                expected=f"{self.shape[0]} rows of {columns} {self.dtype.name}",
                advice="Save it again with numpy.save.",
            )
        return np.frombuffer(content, self._stored).reshape(-1, columns)

    def close(self) -> None:
        """Close the stream, but not standard input."""
        close_stream(self._stream)


def _read(stream: BinaryIO, size: int) -> bytearray:
    """As many bytes as that, fewer at the end of the stream only."""
    content = bytearray(size)
    view, done = memoryview(content), 0
    while done < size:
        # Unbuffered streams give what is there.
        part = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not part:
            break
        done += part
    view.release()
    del content[done:]
    return content
