"""Lifting along lines anywhere in an array, against its slow twin."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.kernels.lifting import join_lines, split_lines
from lplrcli.transform.wavelet import FACTORS, GAINS


@given(
    st.integers(2, 40), st.integers(1, 70), st.integers(0, 5), st.booleans(), st.integers(0, 2**32)
)
@settings(deadline=None)
def test_lines_are_split_in_place_and_joined_again(extent, count, gap, along, seed):
    shape = (count, extent + gap) if along else (extent + gap, count)
    values = np.random.default_rng(seed).standard_normal(shape)
    lines = np.arange(count, dtype=np.int64) * (shape[1] if along else 1)
    stride = 1 if along else count
    flat = values.ravel().copy()
    split_lines(flat, lines, stride, extent, FACTORS, GAINS[0])
    found = flat.reshape(shape) if along else flat.reshape(shape).T
    rows = values if along else values.T
    expected = [naive.split_line(row[:extent], FACTORS, GAINS[0]) for row in rows.tolist()]
    np.testing.assert_allclose(found[:, :extent], expected, atol=1e-12)
    np.testing.assert_array_equal(found[:, extent:], rows[:, extent:])
    join_lines(flat, lines, stride, extent, FACTORS, GAINS[0])
    np.testing.assert_allclose(flat.reshape(shape), values, atol=1e-12)


@pytest.mark.parametrize("extent", [2, 3])
def test_the_shortest_lines_come_back(extent):
    flat = np.arange(1.0, extent + 1)
    split_lines(flat, np.zeros(1, np.int64), 1, extent, FACTORS, GAINS[5])
    join_lines(flat, np.zeros(1, np.int64), 1, extent, FACTORS, GAINS[5])
    np.testing.assert_allclose(flat, np.arange(1.0, extent + 1))
