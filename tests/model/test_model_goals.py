"""Three kinds of target: what each makes small, and which measured files keep it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lplrcli.model.goals import ErrorGoal, PointwiseGoal, SizeGoal
from lplrcli.model.report import ErrorReport


@dataclass
class Coded:
    error: float
    cost: float


def report(relative=0.1, largest=0.5):
    return ErrorReport(relative, largest, False, 1.0, 4, None)


@pytest.mark.parametrize(
    ("goal", "best"),
    [(SizeGoal(100), "fine"), (ErrorGoal(0.1), "small"), (PointwiseGoal(0.5), "small")],
)
def test_a_size_asks_for_the_least_error_and_an_error_for_the_least_size(goal, best):
    ways = {"fine": Coded(0.01, 90), "middling": Coded(0.05, 50), "small": Coded(0.1, 10)}
    assert min(ways, key=lambda name: goal.value_of(ways[name])) == best


@pytest.mark.parametrize(
    ("goal", "kept", "missed"),
    [
        (SizeGoal(100), (report(9.0, 9.0), 100), (report(0.0, 0.0), 101)),
        (ErrorGoal(0.1), (report(0.1, 9.0), 10**9), (report(0.1001, 0.0), 1)),
        (ErrorGoal(0.0), (report(0.0, 0.0), 10**9), (report(5e-324, 0.0), 1)),
        (PointwiseGoal(0.5), (report(9.0, 0.5), 10**9), (report(0.0, 0.5001), 1)),
        # An estimated error says nothing of single entries.
        (PointwiseGoal(0.5), (report(9.0, 0.0), 1), (report(0.0, None), 1)),
    ],
)
def test_the_bound_itself_is_kept_and_anything_beyond_it_is_not(goal, kept, missed):
    assert goal.met_by(*kept)
    assert not goal.met_by(*missed)
