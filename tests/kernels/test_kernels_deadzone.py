"""Scalar quantization by rate and distortion, against its slow twin."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lplrcli.coding.code_prices import SCALAR_PRICE, normal_counts, prices
from lplrcli.kernels.deadzone import cell_offsets, deadzone_codes, rough_codes

PRICES = {
    "plain": np.zeros(1, np.float32),
    "low rate": prices(normal_counts(-2.0, 1)[None], SCALAR_PRICE)[0],
    "high rate": prices(normal_counts(5.0, 1)[None], SCALAR_PRICE)[0],
    "steep": (3.0 * np.abs(np.arange(-4, 5))).astype(np.float32),
}


@st.composite
def coefficients(draw):
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    elements = st.floats(-3000, 3000, width=np.finfo(dtype).bits)
    return draw(hnp.arrays(dtype, st.integers(0, 30), elements=elements))


def quantized(values, inverse, table):
    codes = np.full(values.shape, 99, np.int32)
    # Prices of a level that none has must not matter.
    tables = np.array([table[::-1] + 1, table], np.float32)
    deadzone_codes(values, inverse, tables, np.ones(values.shape, np.uint8), codes)
    return codes


@pytest.mark.parametrize("name", PRICES)
@given(values=coefficients(), inverse=st.sampled_from([1.0, 0.3, 8.0]))
@settings(deadline=None)
def test_the_cheaper_of_two_neighbours_is_taken(name, values, inverse):
    found = quantized(values, inverse, PRICES[name])
    expected = [naive.deadzone_code(float(v) * inverse, PRICES[name]) for v in values]
    assert found.tolist() == expected


def test_without_prices_halves_go_to_the_even_integer():
    values = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    assert quantized(values, 1.0, PRICES["plain"]).tolist() == [-2, -2, 0, 0, 2, 2]


def test_codes_stay_within_what_the_coding_holds():
    values = np.array([1e300, -1e300, 2.0**31, -(2.0**29), 2.0**28 + 1])
    codes = quantized(values, 1.0, PRICES["plain"]).tolist()
    assert max(map(abs, codes)) < 2**29
    assert codes[4] == 2**28 + 1


def test_the_dead_zone_is_wider_than_the_other_cells():
    values = np.linspace(0, 1.2, 1201)
    codes = quantized(values, 1.0, PRICES["low rate"])
    assert values[codes == 0].max() > 0.6


@pytest.mark.parametrize("name", PRICES)
@given(values=coefficients())
@settings(deadline=None, max_examples=40)
def test_offsets_are_those_of_the_slow_twin(name, values):
    codes = quantized(values, 0.5, PRICES[name])
    sums = np.zeros(7)
    cell_offsets(values[None], np.array([0.5]), codes[None], sums)
    wide = [0.5 * float(v) for v in values]
    expected_counts, expected_sums, expected_square = naive.cell_offsets(wide, codes.tolist())
    # Squared steps weight them: those are 4 here.
    np.testing.assert_allclose(sums[:3] / 4, expected_counts)
    np.testing.assert_allclose(sums[3:6] / 4, expected_sums, atol=1e-9)
    assert sums[6] / 4 == pytest.approx(expected_square, abs=1e-9)


@given(
    hnp.arrays(np.float64, (3, 7), elements=st.floats(-1e12, 1e12)),
    hnp.arrays(np.float64, 3, elements=st.floats(1e-6, 1e3)),
)
@settings(deadline=None)
def test_rough_codes_are_magnitudes_rounded_a_tenth_towards_zero(values, inverse):
    found = np.full(values.shape, -1, np.int32)
    rough_codes(values, inverse, found)
    assert found.tolist() == naive.rough_codes(values, inverse)
