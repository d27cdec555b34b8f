"""What a request means for a matrix before any entry is read."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.errors import PlanError
from lplrcli.linalg.single_pass import range_size
from lplrcli.model.goals import ErrorGoal, PointwiseGoal, SizeGoal
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline.first_plan import ENGINE_OVERSAMPLING, ENGINE_POWER_ITERATIONS, first_plan

SHAPE, FLOAT = (400, 300), np.dtype(np.float32)


def planned(**asked):
    return first_plan(CompressionRequest(**asked), SHAPE, FLOAT)


@pytest.mark.parametrize(
    ("asked", "goal"),
    [
        ({"size": 999}, SizeGoal(999)),
        ({"bpc": 0.5}, SizeGoal(7500)),
        ({"ratio": 16}, SizeGoal(30000)),
        ({"rel_error": 0.1}, ErrorGoal(0.1)),
        ({"max_abs_error": 2.0}, PointwiseGoal(2.0)),
    ],
    ids=str,
)
def test_goals(asked, goal):
    plan = planned(**asked)
    assert plan.target.goal == goal
    assert (plan.target.method, plan.basis, plan.sketch) == (
        "rate-distortion", "sketch", "gaussian",
    )  # fmt: skip
    assert (plan.sketch_size, plan.power_iterations) == (None, ENGINE_POWER_ITERATIONS)


def test_a_rank_alone_is_for_the_packed_engine():
    plan = planned(rank=20)
    assert (plan.target.method, plan.target.depths) == ("packed", (4, 4))
    assert plan.sketch_size == 20 + ENGINE_OVERSAMPLING
    assert planned(rank=20, oversampling=3).sketch_size == 23
    assert planned(rank=295).sketch_size == planned(rank=10**6).sketch_size == 300


def test_fewer_passes_mean_fewer_iterations_and_a_basis_as_large():
    free, tight = planned(rank=20), planned(rank=20, passes=3)
    assert tight.power_iterations < free.power_iterations
    columns = (20 + ENGINE_OVERSAMPLING) * ENGINE_POWER_ITERATIONS
    assert tight.sketch_size == columns // tight.power_iterations
    assert planned(bpc=1, passes=3).target.mode == "factors"


def test_a_single_pass_sketches_both_sides():
    plan = planned(rank=20, passes=1)
    assert (plan.basis, plan.power_iterations) == ("single-pass", None)
    assert plan.sketch_size == range_size(20, SHAPE)


@pytest.mark.parametrize(
    ("asked", "mode", "basis", "sketch"),
    [
        ({"method": "lplr", "rank": 5}, "factors", "sketch", "gaussian"),
        ({"method": "lsvd", "rank": 5}, "factors", "svd", None),
        ({"method": "dsvd", "rank": 5}, "factors", "svd", None),
        ({"method": "nq"}, "direct", "none", None),
    ],
    ids=str,
)
def test_the_papers_methods(asked, mode, basis, sketch):
    plan = planned(**asked, seed=7)
    assert (plan.mode, plan.basis, plan.sketch, plan.seed) == (mode, basis, sketch, 7)
    if basis == "sketch":
        assert (plan.sketch_size, plan.power_iterations) == (5, 0)


def test_options_that_contradict_each_other_are_refused():
    for asked in ({"rank": 0}, {"bpc": 1, "size": 9}, {"mode": "direct", "bpc": 1, "rank": 2}, {}):
        with pytest.raises(PlanError):
            planned(**asked)
