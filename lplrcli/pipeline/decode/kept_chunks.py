"""Entries that a file keeps as they are: from the bytes of a chunk to rows, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.container.byte_layout import KEPT
from lplrcli.container.chunks import refusal_of
from lplrcli.container.kept_layout import ALONG_COLUMNS, ALONG_ROWS, PLANES, arrays_of
from lplrcli.container.zstd_frames import inflate
from lplrcli.errors import ContainerError, CorruptSectionError
from lplrcli.linalg.operands import dense_rows
from lplrcli.model.compressed import Factorization
from lplrcli.model.kept import KeptEntries
from lplrcli.model.source import CsrRows
from lplrcli.pipeline.decode.entry_types import cast, entry_dtype

CODES = np.dtype("<u4")
"""Type of multiples of a step as they are stored: of either sign, as `folded` makes them."""

GAPS = np.dtype("<u8")


class KeptRows:
    """Rows of a matrix whose entries are kept.

    Parameters
    ----------
    factorization : Factorization
        The matrix.
    """

    def __init__(self, factorization: Factorization) -> None:
        if factorization.kept is None:
            raise ValueError("no entries are kept")
        self.kept: KeptEntries = factorization.kept
        self.shape = factorization.shape
        self.dtype = entry_dtype(factorization.dtype)

    def rows_of(self, number: int) -> tuple[int, int]:
        """First row of a chunk, and the one after its last."""
        start = number * self.kept.chunk_rows
        return start, min(start + self.kept.chunk_rows, self.shape[0])

    def chunk(self, number: int) -> NDArray[Any] | CsrRows:
        """Decode a chunk; of a sparse matrix the entries that are stored.

        Raises
        ------
        ContainerError
            It is damaged.
        """
        start, stop = self.rows_of(number)
        rows, columns = stop - start, self.shape[1]
        raw = self.kept.chunks[number]
        sparse = self.kept.sparse
        count = self.kept.counts[number] if sparse else rows * columns
        if not raw:  # it is lost
            return _nothing(rows, columns, self.dtype, sparse)
        stored = self.dtype if self.kept.step is None else CODES
        try:
            frames = list(arrays_of(self.kept.form, raw))
            layout, frame = frames[-1]
            shape = (rows, columns) if not sparse else (1, count)
            values = unpacked(frame, layout, shape, stored, number)
            if not sparse:
                return values
            layout, frame = frames[0]
            gaps = unpacked(frame, layout, (1, count), GAPS, number)[0]
            places = _placed(gaps, rows * columns, number)
        except ContainerError as error:
            error.section = error.section or KEPT
            raise refusal_of(self.kept.chunks, number, error) from None
        return _sparse_rows(places, self._values(values[0]), (rows, columns))

    def sparse_chunk(self, number: int) -> CsrRows:
        """Decode a chunk of a sparse matrix."""
        found = self.chunk(number)
        if not isinstance(found, CsrRows):
            raise TypeError("the matrix is dense")
        return found

    def _values(self, codes: NDArray[Any]) -> NDArray[Any]:
        if self.kept.step is None:
            return codes
        with np.errstate(over="ignore", under="ignore"):
            return cast(unfolded(codes).astype(np.float64) * self.kept.step, self.dtype)


def unpacked(
    frame: bytes, layout: int, shape: tuple[int, int], dtype: np.dtype[Any], number: int
) -> NDArray[Any]:
    """Inflate an array of a chunk, and undo its planes and differences.

    Parameters
    ----------
    frame : bytes
        The Zstandard frame.
    layout : int
        Bits `PLANES`, `ALONG_ROWS` and `ALONG_COLUMNS`.
    shape : tuple of int
        Shape of the array.
    dtype : numpy.dtype
        Type of its elements.
    number : int
        Number of the chunk, for messages.

    Raises
    ------
    CorruptSectionError
        The frame is damaged, or its content is not as long as the array.
    """
    size = shape[0] * shape[1] * dtype.itemsize
    content = inflate(frame, most=size, name=f"array of chunk {number}", section=KEPT)
    if len(content) != size:
        raise CorruptSectionError(
            f"wrong length of an array of chunk {number}",
            section=KEPT,
            found=f"{len(content)} bytes",
            expected=size,
        )
    raw = np.frombuffer(content, np.uint8)
    if layout & PLANES:
        raw = np.ascontiguousarray(raw.reshape(dtype.itemsize, -1).T).reshape(-1)
    if layout & (ALONG_ROWS | ALONG_COLUMNS):
        words = unfolded(raw.view(f"<u{dtype.itemsize}").reshape(shape))
        words = words.view(f"<u{dtype.itemsize}")
        for bit, axis in ((ALONG_COLUMNS, 0), (ALONG_ROWS, 1)):
            if layout & bit:
                words = np.cumsum(words, axis=axis, dtype=words.dtype)
        raw = np.ascontiguousarray(words).reshape(-1).view(np.uint8)
    if dtype.kind == "b" and raw.max(initial=0) > 1:
        raise CorruptSectionError(
            f"wrong entries of chunk {number}",
            section=KEPT,
            found=f"the byte {raw.max()}",
            expected="0 or 1, as the type is bool",
        )
    return raw.view(dtype).reshape(shape)


def folded(values: NDArray[Any]) -> NDArray[Any]:
    """Signed integers as unsigned ones, small where they are near 0: 0, -1, 1, -2 are 0 to 3."""
    bits = 8 * values.dtype.itemsize
    unsigned = f"u{values.dtype.itemsize}"
    return np.asarray((values.view(unsigned) << 1) ^ (values >> (bits - 1)).view(unsigned))


def unfolded(values: NDArray[Any]) -> NDArray[Any]:
    """Undo `folded`."""
    one = values.dtype.type(1)
    signed = f"i{values.dtype.itemsize}"
    return np.asarray((values >> one) ^ (~(values & one) + one)).view(signed)


def taken(chunk: NDArray[Any] | CsrRows, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
    """Rows of a decoded chunk, as a dense array."""
    if not isinstance(chunk, CsrRows):
        return chunk[rows]
    wanted = np.arange(chunk.shape[0])[rows]
    starts, lengths = chunk.indptr[wanted], np.diff(chunk.indptr)[wanted]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    at = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
    some = CsrRows((len(wanted), chunk.shape[1]), indptr, chunk.indices[at], chunk.data[at])
    return dense_rows(some, chunk.data.dtype)


def converted(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Entries in another type: what is not finite stays so, integers stay within their range."""
    if values.dtype == dtype:
        return values
    if values.dtype.kind in "iu" and dtype.kind in "iu":
        own, other = np.iinfo(values.dtype), np.iinfo(dtype)
        clipped = np.clip(values, max(own.min, other.min), min(own.max, other.max))
        return np.asarray(clipped.astype(dtype))
    wide = values if values.dtype == np.float32 else values.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        out = cast(wide, dtype)
        if dtype.kind not in "iub":
            endless = np.isinf(wide)
            if endless.any():
                out = np.where(endless, wide.astype(dtype), out)
    return out


def _nothing(rows: int, columns: int, dtype: np.dtype[Any], sparse: bool) -> NDArray[Any] | CsrRows:
    if not sparse:
        return np.zeros((rows, columns), dtype)
    return _sparse_rows(np.empty(0, np.uint64), np.empty(0, dtype), (rows, columns))


def _placed(gaps: NDArray[Any], most: int, number: int) -> NDArray[np.uint64]:
    """Places in row order, from the numbers of zeros before each entry."""
    places = np.cumsum(gaps + np.uint64(1), dtype=np.uint64)
    # Sums modulo 2**64 that go down somewhere have left the range.
    wrong = bool((gaps >= np.uint64(most)).any() or (places[1:] <= places[:-1]).any())
    if wrong or (len(places) and int(places[-1]) > most):
        raise CorruptSectionError(
            f"wrong gaps in chunk {number}",
            section=KEPT,
            found="an entry beyond the last row",
            expected=f"places below {most}",
        )
    return np.asarray(places - np.uint64(1))


def _sparse_rows(
    places: NDArray[np.uint64], values: NDArray[Any], shape: tuple[int, int]
) -> CsrRows:
    rows, columns = np.divmod(places, np.uint64(shape[1]))
    indptr = np.searchsorted(rows, np.arange(shape[0] + 1, dtype=np.uint64)).astype(np.int64)
    return CsrRows(shape, indptr, columns.astype(np.int64), values)
