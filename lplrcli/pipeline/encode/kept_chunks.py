"""Entries stored as they are: chunks of rows behind the differences that zstd makes least of."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from lplrcli.container.kept_layout import ALONG_COLUMNS, ALONG_ROWS, ARRAY_HEADER, PLANES
from lplrcli.container.zstd_frames import deflate
from lplrcli.linalg.passes import Passes
from lplrcli.model.kept import DENSE, SPARSE, KeptEntries
from lplrcli.model.source import CsrRows, RowBlock
from lplrcli.pipeline.decode.kept_chunks import CODES, GAPS, folded, unpacked
from lplrcli.pipeline.encode.chunking import rechunked
from lplrcli.pipeline.encode.regrouping import regrouped_sparse
from lplrcli.runtime.parallel import ordered_map
from lplrcli.runtime.workspace import KeptBytes

CHUNK_BYTES = 2**24
"""Bytes of the entries of a chunk, about: twice what zstd looks back at its level 19."""

_CHUNK_ENTRIES = 2**20
"""Stored entries of a chunk of a sparse matrix, about."""

_TRIED_BYTES, _SAMPLED_BYTES = 2**19, 2**18
"""Bytes up to which every layout is tried in full, and those of a sample beyond."""

_CLEARLY = 1.25
"""The quick level of zstd comes at most so near to the slow one where that was tried: entries as
they are, which differ by more at the quick level, are not coded at the slow one."""

_QUICK_LEVEL, _WINDOW_LOG = 3, 23
"""Level of zstd that says how small an array becomes, about; it looks as far back as level 19."""


@dataclass(frozen=True)
class EntryNorm:
    """Size of some entries, of those that are finite.

    Attributes
    ----------
    largest : float
        Largest magnitude.
    squares : float
        Sum of the squares over that of the largest.
    """

    largest: float
    squares: float

    @classmethod
    def of(cls, entries: NDArray[Any]) -> EntryNorm:
        """Measure entries of any type."""
        with np.errstate(invalid="ignore"):  # some NaN signal that they are none
            wide = entries.astype(np.float64).reshape(-1)
        finite = np.isfinite(wide)
        wide = np.abs(wide if finite.all() else wide[finite])
        largest = float(wide.max(initial=0.0))
        if largest == 0:
            return cls(0.0, 0.0)
        return cls(largest, float(np.square(wide / largest).sum()))


def norm_of(parts: Iterable[EntryNorm]) -> float:
    """Frobenius norm of all parts; the greatest finite number where it is beyond that."""
    found = list(parts)
    largest = max((part.largest for part in found), default=0.0)
    if largest == 0:
        return 0.0
    squares = sum(part.squares * (part.largest / largest) ** 2 for part in found)
    return min(largest * math.sqrt(squares), sys.float_info.max)


def keep_dense(passes: Passes, threads: int) -> tuple[KeptEntries, float]:
    """Store every entry, in one pass.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d), dense.
    threads : int
        Chunks are coded in parallel.

    Returns
    -------
    entries : KeptEntries
        The entries, which decode bit for bit: each chunk was decoded again.
    norm : float
        ‖A‖, of the entries that are finite.
    """
    rows, columns = passes.shape
    row_bytes = columns * passes.source.dtype.itemsize
    height = min(rows, max(1, CHUNK_BYTES // row_bytes))
    norms: list[EntryNorm] = []

    def blocks() -> Iterator[NDArray[Any]]:
        for values, norm in passes.map_stored("keeping", _copied):
            norms.append(norm)
            yield values

    chunks = KeptBytes(ordered_map(_dense_chunk, rechunked(blocks(), height, axis=0), threads))
    return KeptEntries(DENSE, height, rows * columns, (), None, chunks), norm_of(norms)


def keep_sparse(
    passes: Passes, threads: int, step: float | None = None
) -> tuple[KeptEntries, float]:
    """Store places and values of the entries that are stored, in two passes.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d), sparse.
    threads : int
        Chunks are coded in parallel.
    step : float, optional
        Number whose nearest multiple stands for each value; values as they are by default.

    Returns
    -------
    entries : KeptEntries
        The entries.
    norm : float
        ‖A‖, of the entries that are finite.
    """
    rows, _ = passes.shape
    stored = sum(passes.map_stored("counting", _stored))
    height = min(rows, max(1, rows * _CHUNK_ENTRIES // max(stored, 1)))
    norms: list[EntryNorm] = []

    def blocks() -> Iterator[CsrRows]:
        for values, norm in passes.map_stored("keeping", _copied):
            norms.append(norm)
            yield values

    code = partial(_sparse_chunk, dtype=passes.source.dtype, step=step)
    parts = list(ordered_map(code, regrouped_sparse(blocks(), height), threads))
    counts = tuple(count for count, _ in parts)
    chunks = KeptBytes(chunk for _, chunk in parts)
    return KeptEntries(SPARSE, height, sum(counts), counts, step, chunks), norm_of(norms)


def about(passes: Passes, threads: int) -> int:
    """Bytes that the entries of a dense matrix take, about, as the quick level of zstd has it."""
    row_bytes = passes.shape[1] * passes.source.dtype.itemsize
    height = min(passes.shape[0], max(1, CHUNK_BYTES // row_bytes))
    blocks = (values for values, _ in passes.map_stored("keeping, tried", _copied))
    return sum(ordered_map(_quick_bytes, rechunked(blocks, height, axis=0), threads))


def packed(values: NDArray[Any], layout: int) -> bytes:
    """Bytes of an array in a layout, before they are compressed; see `unpacked`."""
    raw = np.ascontiguousarray(values)
    width = raw.dtype.itemsize
    if layout & (ALONG_ROWS | ALONG_COLUMNS):
        words = raw.view(f"<u{width}")
        for bit, axis in ((ALONG_COLUMNS, 0), (ALONG_ROWS, 1)):
            if layout & bit:
                before = np.zeros_like(words)
                later = (slice(1, None),) if axis == 0 else (slice(None), slice(1, None))
                earlier = (slice(None, -1),) if axis == 0 else (slice(None), slice(None, -1))
                before[later] = words[earlier]
                words = words - before
        raw = folded(words.view(f"<i{width}"))
    flat = raw.reshape(-1).view(np.uint8)
    if layout & PLANES:
        flat = np.ascontiguousarray(flat.reshape(-1, width).T).reshape(-1)
    return flat.tobytes()


def _coded(values: NDArray[Any], layouts: tuple[int, ...]) -> bytes:
    """The least of an array in some layouts, behind its header."""
    if values.nbytes > _TRIED_BYTES:
        layouts = _promising(values, layouts)
    best: tuple[int, bytes] | None = None
    for layout in layouts:
        content = packed(values, layout)
        large = best is not None and values.nbytes > _TRIED_BYTES
        if best is not None and large and _quick(content) > _CLEARLY * len(best[1]):
            continue
        frame = deflate(content)
        if best is None or len(frame) < len(best[1]):
            best = layout, frame
    if best is None:
        raise ValueError("no layout")
    layout, frame = best
    dtype = values.dtype
    again = unpacked(frame, layout, (values.shape[0], values.shape[1]), dtype, 0)
    if again.tobytes() != values.tobytes():
        raise AssertionError("what was kept does not decode to what it was")
    return ARRAY_HEADER.pack(layout, len(frame)) + frame


def _promising(values: NDArray[Any], layouts: tuple[int, ...]) -> tuple[int, ...]:
    """The best layout of a sample, then entries as they are, which others may not fall behind."""
    width = values.shape[1] * values.dtype.itemsize
    height = max(1, _SAMPLED_BYTES // width)
    start = (values.shape[0] - height) // 2
    sample = values[start : start + height, : max(1, _SAMPLED_BYTES // values.dtype.itemsize)]
    best = min(layouts, key=lambda layout: _quick(packed(sample, layout)))
    return (best, 0) if best else (0,)


def _quick(content: bytes) -> int:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _QUICK_LEVEL, window_log=_WINDOW_LOG, enable_ldm=True
    )
    return len(zstandard.ZstdCompressor(compression_params=parameters).compress(content))


def _layouts(dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Layouts of dense entries: differences along rows, columns and both; planes of wide ones."""
    planes = PLANES if dtype.itemsize > 1 else 0
    differences = (0, ALONG_ROWS, ALONG_COLUMNS, ALONG_ROWS | ALONG_COLUMNS)
    return tuple(dict.fromkeys((0, *(planes | each for each in differences))))


def _dense_chunk(values: NDArray[Any]) -> bytes:
    return _coded(values, _layouts(values.dtype))


def _quick_bytes(values: NDArray[Any]) -> int:
    layouts = _layouts(values.dtype)
    if values.nbytes > _TRIED_BYTES:
        layouts = _promising(values, layouts)
    return min(_quick(packed(values, layout)) for layout in layouts)


def _sparse_chunk(rows: CsrRows, dtype: np.dtype[Any], step: float | None) -> tuple[int, bytes]:
    """Number of entries in a chunk, and its bytes."""
    count = len(rows.indices)
    line = np.repeat(np.arange(rows.shape[0], dtype=np.uint64), np.diff(rows.indptr))
    places = line * np.uint64(rows.shape[1]) + rows.indices.astype(np.uint64)
    gaps = np.diff(places, prepend=np.uint64(0)) - np.uint64(1)
    if count:
        gaps[0] = places[0]
    if step is None:
        values = rows.data.astype(dtype)
    else:
        values = folded(np.rint(rows.data.astype(np.float64) / step).astype(np.int32))
        values = values.astype(CODES)
    coded = _coded(gaps.astype(GAPS).reshape(1, -1), (PLANES,))
    return count, coded + _coded(values.reshape(1, count), (0, PLANES))


def _copied(block: RowBlock) -> tuple[Any, EntryNorm]:
    """Rows of a block, which outlive it, and their norm."""
    values = block.values
    if isinstance(values, CsrRows):
        own = CsrRows(values.shape, values.indptr.copy(), values.indices.copy(), values.data.copy())
        return own, EntryNorm.of(own.data)
    return np.array(values, order="C"), EntryNorm.of(values)


def _stored(block: RowBlock) -> int:
    values = block.values
    return len(values.indices) if isinstance(values, CsrRows) else values.size
