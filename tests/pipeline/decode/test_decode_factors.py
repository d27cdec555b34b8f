"""Factors decoded: any range, any places, and no chunk that is not needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decode_reconstruction import RANK, ROWS, factor

from lplrcli.pipeline.decode.factors import decode_factor


@pytest.mark.parametrize("quantizer", ["normal", "uniform"])
@given(st.integers(0, ROWS), st.integers(0, ROWS), st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=40)
def test_any_range_of_a_factor_is_that_of_the_whole(quantizer, a, b, threads):
    sample = factor(RANK, ROWS, 0, quantizer)
    start, stop = min(a, b), max(a, b)
    found = decode_factor(sample, np.dtype(np.float32), start, stop, threads)
    whole = decode_factor(sample, np.dtype(np.float32))
    np.testing.assert_array_equal(found, whole[:, start:stop])
