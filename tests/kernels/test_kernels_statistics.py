"""Sums over a block, against NumPy in float64."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lplrcli.kernels.statistics import squared_distance, sum_of_squares

DTYPES = st.sampled_from([np.float32, np.float64])


@st.composite
def vectors(draw, count=1):
    dtype = draw(DTYPES)
    elements = st.floats(-(2.0**60), 2.0**60, width=np.finfo(dtype).bits)
    size = draw(st.integers(0, 50))
    return [draw(hnp.arrays(dtype, size, elements=elements)) for _ in range(count)]


@given(vectors())
@settings(deadline=None)
def test_sum_of_squares(vectors):
    (values,) = vectors
    assert sum_of_squares(values) == pytest.approx(naive.sum_of_squares(values), rel=1e-13)


@given(vectors(count=2))
@settings(deadline=None)
def test_squared_and_largest_distance(vectors):
    total, largest = squared_distance(*vectors)
    expected_total, expected_largest = naive.squared_distance(*vectors)
    assert total == pytest.approx(expected_total, rel=1e-13)
    assert largest == expected_largest


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 7, 99])
def test_sum_of_squares_shows_what_is_not_finite(place, dtype, wrong):
    # `measure` relies on it, and fast-math options could take it away.
    values = np.ones(100, dtype)
    values[place] = wrong
    assert not np.isfinite(sum_of_squares(values))


def test_float32_is_summed_in_float64():
    values = np.full(10**6, 0.1, np.float32)
    exact = 10**6 * float(np.float32(0.1)) ** 2
    assert sum_of_squares(values) == pytest.approx(exact, rel=1e-10)
    assert squared_distance(values, -values)[0] == pytest.approx(4 * exact, rel=1e-10)
