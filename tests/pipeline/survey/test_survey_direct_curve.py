"""The curve of error over bits of coding the entries: between samples as at them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.pipeline.survey.direct_curve import DirectCurve

DEVIATION = 3.0


def normal(step):
    """Bits and squared error of normal entries at any rate: six decibels a bit."""
    bits = max(math.log2(4 * DEVIATION / step), 0.0)
    return bits, DEVIATION**2 * 4.0**-bits


def curve(coded=normal, bits=8.0, error=1e-3):
    return DirectCurve(coded, DEVIATION, bits, error)


@given(st.floats(0.0, 8.0))
def test_a_straight_curve_is_met_everywhere(bits):
    assert curve().error(bits) == pytest.approx(2.0**-bits, rel=1e-6)


@given(st.floats(1e-3, 1.0))
def test_bits_and_errors_are_two_views_of_one_curve(error):
    found = curve()
    assert found.error(found.bits(error)) == pytest.approx(error, rel=1e-6)


def test_no_error_takes_endless_bits_and_no_bits_leave_all_of_it():
    assert curve().bits(0.0) == math.inf
    assert curve().error(0.0) == 1.0
    assert curve().bits(2.0) == 0.0


def test_no_step_is_tried_that_is_finer_than_need_be():
    tried = []

    def coded(step):
        tried.append(step)
        return normal(step)

    curve(coded, bits=2.0, error=0.25)
    assert normal(tried[-1])[0] >= 2.0 > normal(tried[-2])[0]
    assert tried == sorted(tried, reverse=True)


def test_samples_that_gain_nothing_are_passed_over():
    """A sample with an error beyond the deviation, and one with more error for more bits."""
    points = iter([(0.5, 1.2), (1.0, 0.5), (1.5, 0.6), (2.0, 0.1), (9.0, 1e-6)])

    def coded(_):
        bits, error = next(points)
        return bits, DEVIATION**2 * error

    found = DirectCurve(coded, DEVIATION, 8.0, 0.01)
    errors = [found.error(bits / 4) for bits in range(40)]
    assert errors == sorted(errors, reverse=True)
    assert found.error(1.0) == pytest.approx(math.sqrt(0.5))
    assert found.error(2.0) == pytest.approx(math.sqrt(0.1))
