"""Lengths of chunks, and streams regrouped to them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.pipeline.encode.chunking import chunk_entries, rechunked


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 5).map(lambda k: 8 * k))
@settings(deadline=None)
def test_rechunking_keeps_the_stream(sizes, length):
    stream = np.arange(sum(sizes))
    parts = np.split(stream, np.cumsum(sizes)[:-1]) if sizes else []
    chunks = list(rechunked(iter(parts), length))
    assert [len(c) for c in chunks[:-1]] == [length] * (len(chunks) - 1)
    joined = np.concatenate(chunks) if chunks else stream
    np.testing.assert_array_equal(joined, stream)
    assert not chunks or 0 < len(chunks[-1]) <= length


@given(st.integers(1, 2**34), st.integers(1, 2**14))
def test_chunks_are_neither_too_small_nor_too_large_nor_too_many(length, row_bits):
    entries = chunk_entries(length, row_bits)
    assert entries % 64 == 0
    chunk_bytes, total = entries * row_bits / 8, length * row_bits / 8
    assert chunk_bytes <= 2**22 or entries == 64
    # 64 KiB, but for what rounding to 64 entries takes; no more where that makes too many.
    assert chunk_bytes > 2**16 - 64 * row_bits / 8 - 1
    if 2**26 <= total <= 2**32:
        assert total / chunk_bytes <= 1024 * 1.2 or entries == 64
    if total < 2**26:
        assert chunk_bytes <= 2**16 or entries == 64


def test_components_of_no_bits_are_chunked_too():
    assert chunk_entries(10**6, 0) == 2**19


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 20))
def test_rows_are_regrouped_too(heights, height):
    a = np.arange(3.0 * sum(heights)).reshape(-1, 3)
    chunks = list(rechunked(iter(np.split(a, np.cumsum(heights)[:-1])), height, axis=0))
    np.testing.assert_array_equal(np.concatenate(chunks), a)
    assert all(len(chunk) == height for chunk in chunks[:-1])
    assert 1 <= len(chunks[-1]) <= height
