"""Values to codes, against searchsorted and rint."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lplrcli.kernels.quantization import nearest_codes, quantization_error, uniform_codes
from lplrcli.quantize.codebooks import normal_codebook

FLOATS = st.sampled_from([np.float32, np.float64])


@st.composite
def vectors(draw, largest=1e30):
    dtype = draw(FLOATS)
    width = np.finfo(dtype).bits
    bound = float(np.float32(largest))
    elements = st.floats(-bound, bound, width=width, allow_subnormal=True)
    return draw(hnp.arrays(dtype, st.integers(0, 40), elements=elements))


def nearest(values, scale, bits):
    book = normal_codebook(bits)
    codes = np.empty(values.shape, np.uint16)
    nearest_codes(values, scale, book.thresholds, book.starts, book.reach, codes)
    return codes


@given(vectors(), st.floats(1e-20, 1e20), st.integers(1, 16))
@settings(deadline=None)
def test_nearest_codes_count_the_thresholds_below(values, scale, bits):
    expected = naive.nearest_codes(values, scale, normal_codebook(bits).thresholds)
    np.testing.assert_array_equal(nearest(values, scale, bits), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", range(1, 17))
def test_nearest_codes_at_and_beside_every_threshold(bits, dtype):
    # The look-up table of starts must not step over a threshold it begins at.
    thresholds = normal_codebook(bits).thresholds
    ends = np.array([-np.inf, np.inf], np.float32)
    beside = [thresholds, *(np.nextafter(thresholds, end) for end in ends)]
    values = np.concatenate([*beside, [0.0, -0.0, 7.99, 8.0, -8.0, 9.0, -1e9, 1e9]]).astype(dtype)
    expected = naive.nearest_codes(values, 1.0, thresholds)
    np.testing.assert_array_equal(nearest(values, 1.0, bits), expected)


@pytest.mark.parametrize("bits", range(1, 17))
def test_nearest_codes_are_nearest(bits):
    values = np.random.default_rng(bits).standard_normal(500) * 1.5
    levels = normal_codebook(bits).levels.astype(np.float64)
    distance = np.abs(values - levels[nearest(values, 1.0, bits)])
    least = np.abs(values[:, None] - levels).min(axis=1)
    # Values are compared as float32.
    assert np.all(distance <= least + 1e-6)


@given(
    vectors(1e6), st.floats(-1e6, 1e6), st.floats(0, 1e4, allow_subnormal=False), st.integers(1, 16)
)
@settings(deadline=None)
def test_uniform_codes_are_clipped_rints(values, low, step, bits):
    codes = np.empty(values.shape, np.uint16)
    uniform_codes(values, low, step, 2**bits - 1, codes)
    np.testing.assert_array_equal(codes, naive.uniform_codes(values, low, step, 2**bits - 1))


def test_uniform_codes_round_halves_to_even():
    codes = np.empty(5, np.uint16)
    uniform_codes(np.array([0.5, 1.5, 2.5, -0.5, 3.5]), 0.0, 1.0, 3, codes)
    assert codes.tolist() == [0, 2, 2, 0, 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", [1, 3, 8, 11])
def test_quantization_error_is_the_sum_of_squares(dtype, bits):
    values = np.random.default_rng(0).standard_normal(300).astype(dtype)
    book = normal_codebook(bits)
    found = quantization_error(values, 0.7, book.thresholds, book.starts, book.reach, book.levels)
    codes = nearest(values, 0.7, bits)
    assert found == pytest.approx(naive.squared_error(values, codes, book.levels, 0.7), rel=1e-12)
