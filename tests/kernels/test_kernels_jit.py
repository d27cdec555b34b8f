"""The decorators of kernels: additions in order where bits count, and any order where sums do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lplrcli.kernels.jit import kernel, summing_kernel


def added_up(values):
    total = 0.0
    for value in values:
        total += value
    return total


@kernel
def in_order(values):
    total = 0.0
    for value in values:
        total += value
    return total


@summing_kernel
def in_any_order(values):
    total = 0.0
    for value in values:
        total += value
    return total


@pytest.fixture(scope="module")
def values():
    """Numbers whose sum depends on the order in which they are added."""
    generator = np.random.default_rng(0)
    return generator.standard_normal(1001) * 10.0 ** generator.integers(-8, 9, 1001)


def test_a_kernel_adds_as_python_does(values):
    assert in_order(values) == added_up(values.tolist())
    assert added_up(values.tolist()) != math.fsum(values)


def test_a_summing_kernel_is_right_up_to_rounding(values):
    bound = len(values) * np.finfo(float).eps * math.fsum(np.abs(values))
    assert abs(in_any_order(values) - math.fsum(values)) <= bound


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_optimised_away(values, strange):
    spoilt = values.copy()
    spoilt[500] = strange
    assert np.array_equal(in_any_order(spoilt), strange, equal_nan=True)
    spoilt[501] = -strange
    assert math.isnan(in_any_order(spoilt))
