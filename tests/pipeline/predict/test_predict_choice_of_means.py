"""Which means are stored apart where the matrix decides, and where none may be."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from around_means import CENTERS, strong

import lplrcli
from lplrcli.errors import PlanError

pytestmark = pytest.mark.usefixtures("few_states_throughout")


def test_a_strong_mean_saves_bits():
    g = np.random.default_rng(0)
    a = strong(1000, 60) + 30 * g.standard_normal(60).astype(np.float32)
    sizes = {
        center: lplrcli.compress(a, rel_error=0.02, center=center).size_report.file_bytes
        for center in ("none", "mean-row", "auto")
    }
    assert sizes["auto"] == sizes["mean-row"] < 0.95 * sizes["none"]


def test_auto_stores_none_that_does_not_pay():
    white = np.random.default_rng(0).standard_normal((120, 90)).astype(np.float32)
    for goal in ({"rel_error": 0.2}, {"bpc": 2}, {"max_abs_error": 0.5}):
        auto = lplrcli.compress(white, center="auto", **goal)
        none = lplrcli.compress(white, **goal)
        assert auto.plan.target.center is None
        assert auto.size_report.file_bytes == none.size_report.file_bytes


def test_nothing_lost_stores_no_mean():
    a = np.random.default_rng(0).integers(0, 9, (50, 40))
    for center in (*CENTERS, "auto"):
        c = lplrcli.compress(a, rel_error=0, center=center)
        assert np.array_equal(np.asarray(c), a) and c.plan.target.center is None


@pytest.mark.parametrize("center", CENTERS)
def test_a_sparse_matrix_is_not_centered(center):
    a = sp.random(60, 50, 0.1, "csr", random_state=0)
    with pytest.raises(PlanError, match="sparse") as caught:
        lplrcli.compress(a, rel_error=0.1, center=center)
    assert center in str(caught.value)


def test_auto_leaves_a_sparse_matrix_as_it_is():
    a = sp.random(60, 50, 0.1, "csr", random_state=0)
    assert lplrcli.compress(a, rel_error=0.1, center="auto").mean_row is None


@pytest.mark.parametrize("center", ["auto", "both"])
def test_the_predictor_chosen_knows_what_the_means_leave(predictor_of, center):
    a = strong(1000, 60) + 30 * np.random.default_rng(0).standard_normal(60).astype(np.float32)
    predictor = predictor_of(a, rel_error=0.02, center=center)
    settled = predictor.plan.target.center
    assert settled in CENTERS if center == "auto" else settled == "both"
    assert predictor.survey.passes.means is not None
    assert predictor.survey.means.file_bytes > 0
    assert predictor.survey.passes.original().norm == pytest.approx(np.linalg.norm(a), rel=1e-5)
    assert predictor.survey.passes.scan().norm < 0.7 * np.linalg.norm(a)


@pytest.mark.parametrize(
    "asked", [{"mode": "direct", "bpc": 1}, {"max_abs_error": 1.0}, {"rel_error": 0}], ids=str
)
def test_entries_of_a_large_sparse_matrix_are_not_coded_one_by_one(predictor_of, asked):
    a = sp.csr_array(([1.0], ([0], [0])), (2**20, 2**12))
    with pytest.raises(PlanError, match="entry by entry"):
        predictor_of(a, **asked)
