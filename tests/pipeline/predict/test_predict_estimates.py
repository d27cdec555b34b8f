"""Estimates: what files tell of them, and how goals compare them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.model.goals import ErrorGoal, PointwiseGoal, SizeGoal
from lplrcli.pipeline.predict.estimates import Estimate, bytes_of, relative, told_of
from lplrcli.planning.mode_predictions import Prediction

FOUND = [
    Estimate("factors", 3, 1234, 0.123456, prediction=Prediction("factors", 1, 0, 98765.0, 2.0)),
    Estimate("lossless", 0, 4000, 0.0),
]


def test_errors_are_told_where_a_size_is_asked_for():
    assert told_of(FOUND, SizeGoal(99), 1000) == {"factors": 0.1235, "lossless": 0.0}


@pytest.mark.parametrize("goal", [ErrorGoal(0.1), PointwiseGoal(0.1)])
def test_bits_per_entry_are_told_where_an_error_is(goal):
    assert told_of(FOUND, goal, 1000) == {"factors": 98.77, "lossless": 0.0}


def test_nothing_found_is_nothing_told():
    assert told_of([], SizeGoal(1), 1) == {}


@given(st.integers(0, 2**40), st.sampled_from([0.0, 0.5]))
def test_bytes_hold_the_bits(whole, part):
    bits = whole + part
    assert 8 * bytes_of(bits) - 8 < bits <= 8 * bytes_of(bits)


def test_relative_errors():
    assert relative(0.25, 2.0) == 0.25
    assert relative(0.0, 0.0) == relative(1.0, 0.0) == 0.0
    assert math.isclose(relative(1e-300, 1e-150), 1.0)


def test_goals_compare_estimates_by_what_is_to_be_small():
    one, two = FOUND
    assert SizeGoal(1).value_of(one) == one.error == 0.123456
    assert ErrorGoal(1.0).value_of(two) == two.cost == 4000
