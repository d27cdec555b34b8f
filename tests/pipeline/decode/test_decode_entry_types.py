"""The way back from decoded values to entries of the original type."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

from lplrcli.pipeline.decode.entry_types import cast

FLOATS = [np.float32, np.float64]


INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize("working", FLOATS)
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_round_half_to_even(working, dtype):
    values = np.array([0.5, 1.5, 2.5, 2.4999, 100.6], working)
    assert cast(values, dtype).tolist() == [0, 2, 2, 2, 101]
    assert cast(values, dtype).dtype == dtype


@pytest.mark.parametrize("working", FLOATS)
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_are_clamped_at_both_ends(working, dtype):
    limits = np.iinfo(dtype)
    low, high = working(limits.min), working(limits.max)
    values = np.array([-1e30, np.nextafter(low, working(-np.inf)), low, 1e30, high], working)
    if dtype.itemsize < working().itemsize:
        values = np.append(values, high + working(0.75))
    found = cast(values, dtype)
    assert found[:3].tolist() == [limits.min] * 3
    if float(high) >= limits.max:
        assert set(found[3:].tolist()) == {limits.max}


@given(st.floats(-1e20, 1e20), st.sampled_from(INTEGERS))
@settings(deadline=None)
def test_integers_are_pythons_round_clamped(value, dtype):
    limits = np.iinfo(dtype)
    found = cast(np.array([value]), dtype)
    assert int(found[0]) == min(max(round(value), limits.min), limits.max)


def test_sixty_four_bits_just_below_their_ends():
    below = np.nextafter(2.0**63, 0)
    assert cast(np.array([below, -below]), np.dtype(np.int64)).tolist() == [int(below), -int(below)]
    below = np.nextafter(2.0**64, 0)
    assert cast(np.array([below, -1.0]), np.dtype(np.uint64)).tolist() == [int(below), 0]


def test_bool_is_true_from_one_half_on():
    values = np.array([-3.0, 0.0, 0.4999, 0.5, 1.0, 7.0])
    assert cast(values, np.dtype(bool)).tolist() == [False, False, False, True, True, True]


@pytest.mark.parametrize("working", FLOATS)
@pytest.mark.parametrize("dtype", [np.float16, bfloat16])
def test_narrow_floats_saturate(working, dtype):
    import ml_dtypes

    largest = float(ml_dtypes.finfo(dtype).max)
    huge = float(np.finfo(working).max)
    values = np.array([huge, -huge, largest, 1.0, 0.0], working)
    found = cast(values, np.dtype(dtype)).astype(np.float64)
    assert found.tolist() == [largest, -largest, largest, 1.0, 0.0]


def test_narrow_floats_round_to_nearest():
    values = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    for dtype in (np.float16, bfloat16):
        np.testing.assert_array_equal(cast(values, np.dtype(dtype)), values.astype(dtype))


def rounded_once(value, digits, least):
    """A number rounded to so many binary digits, and a multiple of `least`, ties to even."""
    unit = max(Fraction(2) ** (math.frexp(value)[1] - digits), least)
    return float(round(Fraction(value) / unit) * unit)


@pytest.mark.parametrize(
    ("dtype", "digits", "least"), [(bfloat16, 8, 2**-133), (np.float16, 11, 2**-24)]
)
@given(st.floats(1e-45, 6e4), st.integers(1, 30), st.integers(-1, 1))
@example(1.0, 8, 1)
@example(3e-39, 1, 0)
@settings(deadline=None)
def test_float64_narrows_with_one_rounding(dtype, digits, least, value, place, beside):
    # Ties between two neighbours, and what lies so close to one that float32 cannot tell.
    narrow = float(np.array([value]).astype(np.float32).astype(dtype)[0])
    spacing = max(2.0 ** (math.frexp(narrow)[1] - digits), least)
    values = np.array([value, narrow + spacing / 2 * (1 + beside * 2.0**-place * 2.0**-12)])
    found = cast(np.concatenate([values, -values]), np.dtype(dtype)).astype(np.float64)
    expected = [rounded_once(v, digits, Fraction(least)) for v in values.tolist()]
    assert found.tolist() == [*expected, *(-v for v in expected)]


def test_float32_widens_to_float64():
    values = np.array([1.1, -3e38], np.float32)
    np.testing.assert_array_equal(cast(values, np.dtype(np.float64)), values.astype(np.float64))


def test_float64_narrows_to_float32_within_its_range():
    found = cast(np.array([1e300, -1e300, 0.1]), np.dtype(np.float32))
    largest = np.finfo(np.float32).max
    np.testing.assert_array_equal(found, np.array([largest, -largest, 0.1], np.float32))
