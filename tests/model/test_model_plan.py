"""What was asked and decided: names that agree with the registries of what does the work."""

from __future__ import annotations

import dataclasses

import pytest

from lplrcli.model.compressed import KLT
from lplrcli.model.plan import CENTERS, METHODS, MODES, TRANSFORMS, CompressionPlan, Target
from lplrcli.transform import TRANSFORMS as APPLIED


def test_transforms_asked_for_are_those_there_are_or_none():
    assert {"none", *APPLIED, KLT} - {"identity"} == set(TRANSFORMS)


def test_names_are_given_once():
    for names in (METHODS, MODES, TRANSFORMS, CENTERS):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("bits", "right", "expected"), [(3, 5, (3, 5)), (None, None, (0, 0)), (2, None, (2, 0))]
)
def test_depths_of_a_method_without_bits_are_zero(bits, right, expected):
    assert Target("packed", 4, bits, right).depths == expected


def test_goals_are_not_set_unless_asked():
    target = Target("packed", 4, 2, 2)
    asked = ("size", "relative_error", "max_abs_error", "mode", "transform", "center", "passes")
    assert [getattr(target, name) for name in asked] == [None] * len(asked)


def test_a_plan_cannot_be_changed_after_it_was_made():
    plan = CompressionPlan(Target("nq", None, 4, 4), "direct", "none", None, None, None, 0)
    assert (plan.exponent, plan.predictions) == (0, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.mode = "factors"
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.target.rank = 7
