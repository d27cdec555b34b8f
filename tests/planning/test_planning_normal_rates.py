"""Bits and errors of normal coefficients: against bounds, and against numbers that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lplrcli.planning.normal_rates import (
    bits_and_distortion,
    normal_entropy,
    one_bits_and_distortion,
    residual_error,
    residual_step,
    solved,
    unit_with_distortion,
)


@pytest.mark.parametrize("ratio", [0.01, 1.0, 2.0, 10.0, 1e3])
def test_bits_follow_the_gaussian_bound_at_a_tenth_of_a_bit(ratio):
    bits, squares = (float(x[0]) for x in bits_and_distortion(np.array([ratio]), 1.0))
    bound = max(0.0, 0.5 * np.log2(ratio**2 / squares))
    assert 0 <= bits - bound <= 0.1


def test_bits_grow_and_weak_coefficients_are_free():
    ratios = 2.0 ** np.linspace(-6, 12, 200)
    bits, squares = bits_and_distortion(ratios, 1.0)
    assert (np.diff(bits) >= 0).all()
    assert bits[0] == 0
    np.testing.assert_allclose(squares[ratios < 0.5], ratios[ratios < 0.5] ** 2)
    assert squares.max() < 0.41


@given(st.floats(1e-100, 1e100), st.floats(-30, 30))
@example(1.0, -1.0)  # both ends of the tables, and an entry
@example(1.0, 3.0)
@example(1.0, 0.5)
def test_one_deviation_is_as_many_to_the_last_digit(deviation, log2_ratio):
    unit = deviation / 2.0**log2_ratio
    bits, squares = bits_and_distortion(np.array([deviation]), unit)
    assert one_bits_and_distortion(deviation, unit) == (bits[0], squares[0])


def test_the_model_scales_with_the_unit():
    deviations = np.array([0.3, 2.0, 50.0])
    bits, squares = bits_and_distortion(deviations, 0.7)
    scaled_bits, scaled_squares = bits_and_distortion(1e20 * deviations, 0.7e20)
    np.testing.assert_allclose(scaled_bits, bits, rtol=1e-12)
    np.testing.assert_allclose(scaled_squares, 1e40 * squares, rtol=1e-12)


@pytest.mark.parametrize("rate", [0.1, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("variance", [1e-40, 1.0, 1e40])
def test_a_residual_takes_the_bits_it_is_given(rate, variance):
    step = residual_step(variance, 1000, 1000 * rate)
    bits = bits_and_distortion(np.array([np.sqrt(variance)]), step)[0][0]
    assert bits == pytest.approx(rate, rel=1e-6)
    assert residual_error(variance, 1000, step) < 1000 * variance


def test_a_residual_without_bits_is_all_error():
    assert residual_step(1.0, 1000, 0.0) == np.inf
    assert residual_step(0.0, 1000, 10.0) == np.inf
    assert residual_error(2.0, 1000, np.inf) == 2000


def test_solving_an_increasing_function():
    assert solved(lambda x: x**3 - 5, 1e-9, 1e9) == pytest.approx(5 ** (1 / 3))


@pytest.mark.parametrize("ratio", [0.05, 0.3, 1.0, 1.99, 2.01, 30.0])
def test_entropy_of_a_rounded_normal_variable(ratio):
    rounded = np.rint(ratio * np.random.default_rng(0).standard_normal(10**6))
    shares = np.unique(rounded, return_counts=True)[1] / rounded.size
    assert normal_entropy(ratio) == pytest.approx(-np.sum(shares * np.log2(shares)), abs=0.005)


@pytest.mark.parametrize("ratio", [0.2, 0.7, 1.0, 1.9, 2.1, 9.0])
def test_the_entropy_of_rounded_normal_numbers(ratio):
    values = np.rint(ratio * np.random.default_rng(0).standard_normal(400_000))
    shares = np.unique(values, return_counts=True)[1] / len(values)
    assert normal_entropy(ratio) == pytest.approx(-(shares * np.log2(shares)).sum(), abs=5e-3)


@given(st.floats(1e-60, 1e60), st.floats(-9, 1))
def test_the_unit_of_an_error_is_the_largest_that_keeps_it(deviation, log2_share):
    wanted = deviation**2 * 2.0**log2_share
    unit = unit_with_distortion(deviation, wanted)
    assert one_bits_and_distortion(deviation, unit)[1] <= wanted * (1 + 1e-6)
    if wanted < deviation**2 * one_bits_and_distortion(1.0, 2.0)[1]:
        assert one_bits_and_distortion(deviation, unit * 1.001)[1] > wanted
