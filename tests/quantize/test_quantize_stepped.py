"""The rate-distortion engine's quantizer: values and scales as SPEC.md has them, bit for bit."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import rans_samples
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.quantize import QUANTIZERS, SteppedQuantizer

SHIFTS = st.tuples(*[st.integers(-128, 127)] * 3)
CODES = st.lists(st.integers(-(2**30) + 1, 2**30 - 1) | st.integers(-4, 4), min_size=1, max_size=9)


def value(code, shifts, unit):
    """SPEC.md, section "Units and shifts"; a Fraction becomes the nearest float."""
    if code == 0:
        return 0.0
    sign = 1 if code > 0 else -1
    parts = 256 * code + sign * shifts[min(abs(code), 3) - 1]
    return float(Fraction(parts) * Fraction(unit)) / 256


@given(CODES, SHIFTS, st.floats(2.0**-300, 2.0**300), st.integers(-2000, 2000))
@settings(deadline=None)
def test_values_are_those_of_the_specification(codes, shifts, step, index):
    quantizer = SteppedQuantizer(step, np.array([0, index]), shifts)
    exponent, eighths = divmod(index, 8)
    unit = float(Fraction(step) * Fraction(8 + eighths, 8) * Fraction(2) ** exponent)
    assert quantizer.units[1] == unit
    out = np.empty((2, len(codes) - 1))
    quantizer.decode(np.array([codes, codes], np.int32), slice(1, None), out)
    assert out[1].tolist() == [value(code, shifts, unit) for code in codes[1:]]


@pytest.mark.parametrize("name", ["deadzone", "trellis"])
@given(
    step=st.floats(2.0**-300, 2.0**300),
    shifts=SHIFTS,
    indices=st.lists(st.integers(-2000, 2000), max_size=9),
)
@settings(deadline=None)
def test_a_quantizer_comes_back_from_its_side(name, step, shifts, indices):
    side = SteppedQuantizer(step, np.array(indices, int), shifts).parameters
    assert side == rans_samples.side_for(len(indices), step, indices, shifts)
    sample = rans_samples.rans_factor(9, len(indices), name)
    factor = dataclasses.replace(sample, quantizer_parameters=side)
    again = QUANTIZERS[name].of(factor)
    assert (again.step, again.shifts, again.parameters) == (step, shifts, side)
    assert again.indices.tolist() == indices


def test_plain_rounding_is_a_multiple_of_the_unit():
    quantizer = SteppedQuantizer(0.1, np.array([3]))
    codes = np.arange(-5, 6, dtype=np.int32)
    out = np.empty((1, 11))
    quantizer.decode(codes[None], slice(None), out)
    np.testing.assert_array_equal(out[0], codes * (0.1 * 1.375))
