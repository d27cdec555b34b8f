"""What a limit to the passes allows, and what is refused with it."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.errors import PlanError
from lplrcli.model.request import CompressionRequest
from lplrcli.planning.pass_budget import iterations_within
from lplrcli.planning.targets import check, target_of


def target(passes, **asked):
    return target_of(CompressionRequest(passes=passes, **asked), (100, 50), np.dtype(np.float32))


@pytest.mark.parametrize(("method", "least"), {"lplr": 3, "lsvd": 3, "dsvd": 2, "nq": 3}.items())
def test_the_papers_methods_say_how_many_they_take(method, least):
    rank = None if method == "nq" else 5
    assert target(least, method=method, rank=rank).passes == least
    with pytest.raises(PlanError, match=f"takes {least} passes") as caught:
        target(least - 1, method=method, rank=rank)
    assert caught.value.expected == f"{least} or more"


def test_a_limit_leaves_factors():
    assert target(3, bpc=1).mode == "factors"
    assert target(None, bpc=1).mode is None
    assert target(1, bpc=1, rank=4).mode == "factors"
    assert target(1, rank=4).mode is None


@pytest.mark.parametrize(
    ("passes", "asked"),
    [
        (0, {"rank": 4}), (-1, {"bpc": 1}), (9, {"bpc": 1, "mode": "direct"}),
        (9, {"bpc": 1, "mode": "factors+residual"}), (9, {"max_abs_error": 0.1}),
        (9, {"rel_error": 0}), (9, {"bpc": 1, "center": "mean-row"}),
        (2, {"rel_error": 0.1, "rank": 4}), (1, {"rel_error": 0.1, "rank": 4}),
        (2, {"bpc": 1}), (1, {"size": 1000}),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_counted_or_promised_is_refused(passes, asked):
    with pytest.raises(PlanError):
        target(passes, **asked)


@pytest.mark.parametrize(
    ("method", "passes", "most"),
    [("packed", 2, 1), ("packed", 3, 1), ("rate-distortion", 5, 3), ("lplr", 3, 0), ("lplr", 5, 2)],
)
def test_power_iterations_that_do_not_fit_are_refused(method, passes, most):
    asked = {"method": method, "rank": 5, "passes": passes}
    asked |= {"bpc": 1.0} if method == "rate-distortion" else {}
    check(CompressionRequest(power_iterations=most, **asked))
    with pytest.raises(PlanError, match="too few for"):
        check(CompressionRequest(power_iterations=most + 1, **asked))


def test_a_single_pass_has_no_power_iterations():
    with pytest.raises(PlanError, match="single pass"):
        check(CompressionRequest(rank=5, power_iterations=1, passes=1))


def test_iterations_are_cut_to_what_fits():
    assert [iterations_within(passes, 2) for passes in (None, 2, 3, 4, 9)] == [2, 1, 1, 2, 2]
