"""Writing Matrix Market text that SciPy reads back exactly."""

from __future__ import annotations

import gzip
import io

import ml_dtypes
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.io import create_sink


def sink_text(a, dtype, step, **options):
    stream = io.BytesIO()
    sink = create_sink("mtx", stream, a.shape, dtype, **options)
    assert sink.order == "columns"
    for start in range(0, a.shape[1], step):
        sink.write(a[:, start : start + step])
    sink.close()
    return stream.getvalue()


@settings(max_examples=40)
@given(bits=st.binary(min_size=8, max_size=400), rows=st.integers(1, 9), step=st.integers(1, 10))
@pytest.mark.parametrize("name", ["float16", "float32", "float64", "int8", "int64", "bool"])
def test_writes_what_scipy_reads_back_exactly(name, bits, rows, step):
    values = np.frombuffer(bits[: len(bits) // 8 * 8], "u1" if name == "bool" else name)
    values = np.where(np.isfinite(values), values, 0)
    rows = min(rows, len(values))
    a = values[: len(values) // rows * rows].reshape(rows, -1).astype(name)
    text = sink_text(a, a.dtype, step)
    back = scipy.io.mmread(io.BytesIO(text))
    np.testing.assert_array_equal(back.astype(name), a)
    assert (b" integer " in text) == (a.dtype.kind != "f")


def test_bfloat16_and_gzip():
    a = np.arange(1, 300, dtype=np.float32).reshape(13, 23).astype(ml_dtypes.bfloat16)
    text = sink_text(a, a.dtype, 5, gzip=True)
    assert text == sink_text(a, a.dtype, 7, gzip=True)
    back = scipy.io.mmread(io.BytesIO(gzip.decompress(text)))
    np.testing.assert_array_equal(back.astype(ml_dtypes.bfloat16), a)
