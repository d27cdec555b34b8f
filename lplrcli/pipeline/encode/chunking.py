"""Lengths of chunks, and streams of rows regrouped to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMALLEST_CHUNK, _LARGEST_CHUNK = 2**16, 2**22

_CHUNKS = 1024


def chunk_entries(length: int, row_bits: int) -> int:
    """Entries per component in a chunk, for a factor coded with about `row_bits` bits a row.

    64 KiB a chunk, so that a slice decodes little; from 64 MiB on about a thousand chunks, so
    that the index stays small; at most 4 MiB, so that decoding stays within bounds.
    """
    total = length * row_bits // 8
    size = min(max(total // _CHUNKS, _SMALLEST_CHUNK), _LARGEST_CHUNK)
    return max(64, size * 8 // max(row_bits, 1) // 64 * 64)


def rechunked(
    parts: Iterator[NDArray[Any]], chunk_length: int, axis: int = -1
) -> Iterator[NDArray[Any]]:
    """Regroup a stream of arrays along an axis: `chunk_length` each, the last one shorter."""
    waiting: list[NDArray[Any]] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += part.shape[axis]
        if count >= chunk_length:
            joined = np.concatenate(waiting, axis=axis)
            whole = count - count % chunk_length
            cuts = range(chunk_length, whole + 1, chunk_length)
            *chunks, rest = np.split(joined, cuts, axis=axis)
            yield from chunks
            waiting, count = [rest], count - whole
    if count:
        yield np.concatenate(waiting, axis=axis)
