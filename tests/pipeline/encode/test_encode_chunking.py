"""Lengths of chunks, and streams regrouped to them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.pipeline.encode.chunking import rechunked


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
