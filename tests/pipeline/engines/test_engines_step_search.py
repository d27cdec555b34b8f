"""The search for the step at which a measure meets its limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.pipeline.engines.step_search import largest_within


def searched(measure, start, limit, slope, part=0.98):
    tried = []

    def attempt(step):
        tried.append(step)
        return step, measure(step)

    return largest_within(attempt, start, limit, part * limit, slope), tried


@given(
    power=st.floats(0.3, 3) | st.floats(-3, -0.3),
    start=st.floats(0.05, 20),
    limit=st.floats(1e-3, 1e3),
)
def test_a_power_of_the_step_is_met(power, start, limit):
    wanted = limit ** (1 / power)
    found, tried = searched(
        lambda step: step**power, start * wanted, limit, 1.6 * power / abs(power)
    )
    assert 0.98 * limit <= found[2] <= limit
    assert found[0] == found[1]
    assert len(tried) <= 6


@given(start=st.floats(1.0, 30.0), level=st.floats(1e-6, 1e6))
def test_a_plateau_is_crossed(start, level):
    """Where a step leaves nothing, a finer one is tried until something is left."""
    found, _ = searched(lambda step: level * min(step, 1) ** 1.6, start, level / 2, 1.6)
    assert 0.2 * level <= found[2] <= level / 2


def test_a_measure_that_stays_is_given_up():
    found, tried = searched(lambda step: 3.0, 1.0, 2.0, 1.6)
    assert found is None
    assert 3 <= len(tried) < 10


@pytest.mark.parametrize("jump", [0.9, 1.1, 4.0])
def test_the_better_side_of_a_jump(jump):
    """Nothing measures what is asked for: the nearest below it is taken."""
    found, _ = searched(lambda step: 1.0 if step < jump else 10.0, 1.0, 5.0, 1.6)
    assert found[2] == 1.0
    assert found[1] < jump


def test_one_end_of_the_bracket_may_stay_put():
    """A convex step: secants alone would creep."""
    found, _ = searched(lambda step: 1 + math.exp(9 * (step - 2)), 3.0, 1.5, 1.6, 0.9)
    assert 1.35 <= found[2] <= 1.5
