"""Writing .npy files: the bytes of NumPy, whatever the slabs."""

from __future__ import annotations

import io

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.errors import OutputError
from lplrcli.io import create_sink

DTYPES = [np.dtype(t) for t in "?bBhHiIqQefd"] + [np.dtype(ml_dtypes.bfloat16)]


def some(shape, dtype):
    return (
        np.random.default_rng(5)
        .integers(0, 2 if np.dtype(dtype).kind == "b" else 100, shape)
        .astype(dtype)
    )


def sink_bytes(a, step):
    stream = io.BytesIO()
    sink = create_sink("npy", stream, a.shape, a.dtype)
    assert sink.order == "rows"
    for start in range(0, len(a), step):
        sink.write(a[start : start + step])
    sink.close()
    return stream.getvalue()


@settings(max_examples=60)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    step=st.integers(1, 41),
    dtype=st.sampled_from(DTYPES),
)
def test_writes_the_bytes_of_numpy(rows, columns, step, dtype):
    a = some((rows, columns), dtype)
    expected = io.BytesIO()
    np.save(expected, a)
    assert sink_bytes(a, step) == expected.getvalue()


def test_writes_columns_major_and_converted_slabs():
    a = some((12, 5), np.float64)
    stream = io.BytesIO()
    sink = create_sink("npy", stream, a.shape, np.float32)
    sink.write(np.asfortranarray(a))
    sink.close()
    np.testing.assert_array_equal(np.load(io.BytesIO(stream.getvalue())), a.astype(np.float32))


def test_sink_refuses_what_does_not_fit():
    sink = create_sink("npy", io.BytesIO(), (3, 2), np.float32)
    with pytest.raises(ValueError, match="slab of shape"):
        sink.write(np.zeros((1, 3)))
    sink.write(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="2 of 3 rows"):
        sink.close()
    with pytest.raises(ValueError, match="more rows"):
        sink.write(np.zeros((2, 2)))
    with pytest.raises(OutputError, match="not compressed"):
        create_sink("npy", io.BytesIO(), (3, 2), np.float32, gzip=True)
