"""Passes counted by the source itself: never more than allowed, and as many as reported."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
import scipy.sparse as sp

import lplrcli
from lplrcli.errors import PlanError
from lplrcli.io.handles.in_memory import handle_of_array
from lplrcli.io.handles.unfolding import ANY_ARRAY
from lplrcli.io.sources.local_source import LocalSource
from lplrcli.linalg import range_finder
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline.compress import compress
from lplrcli.pipeline.measure.error import assess

pytestmark = pytest.mark.usefixtures("few_states_throughout")

A = matrices.low_rank(150, 90, 6, noise=0.1)


class Counting(LocalSource):
    """Counts how often the matrix is visited."""

    visits = 0

    def map_blocks(self, task, beside=None):
        self.visits += 1
        return super().map_blocks(task, beside)


def counted(a=A, **asked):
    source = Counting(handle_of_array(a, ANY_ARRAY), name="a", format="array", threads=2)
    with source:
        found = compress(source, CompressionRequest(**asked), threads=2)
    report = found.report
    assert report.passes == source.visits
    assert report.bytes_read == source.bytes_read
    if asked.get("passes"):
        assert source.visits <= asked["passes"]
    return found, source


@pytest.fixture(params=["gram", "sketch"])
def basis(request, monkeypatch):
    if request.param == "sketch":
        monkeypatch.setattr(range_finder, "GRAM_COLUMNS", 0)
        monkeypatch.setattr(range_finder, "GRAM_PRODUCTS", 0)
    return request.param


@pytest.mark.parametrize("passes", [1, 2, 3, 4, 5])
def test_the_packed_engine_takes_no_more(basis, passes):
    found, source = counted(rank=8, bits=5, passes=passes)
    assert source.visits == min(passes, 4)
    assert source.bytes_read == source.visits * A.nbytes
    assert found.plan.basis == ("single-pass" if passes == 1 else basis)
    assert found.report.exact == (passes > 2)
    with LocalSource(handle_of_array(A, ANY_ARRAY), name="a", format="array") as again:
        true = assess(again, found, 1)
    assert found.report.source_norm == true.source_norm
    if passes > 2:
        assert found.report.estimator is None
        assert found.report.relative_frobenius_error == true.relative_frobenius_error
    else:
        assert (found.report.estimator, found.report.max_abs_error) == ("gaussian-rows", None)
        stated = found.report.relative_frobenius_error
        assert stated == pytest.approx(true.relative_frobenius_error, rel=0.2)


@pytest.mark.parametrize(
    ("passes", "asked"),
    [
        (1, {"bpc": 1.0, "rank": 8}), (2, {"bpc": 1.0, "rank": 8}), (3, {"bpc": 1.0}),
        (3, {"rel_error": 0.2}), (4, {"rel_error": 0.2, "rank": 30}), (6, {"bpc": 0.5, "rank": 4}),
    ],
    ids=str,
)  # fmt: skip
def test_neither_does_the_rate_distortion_engine(basis, passes, asked):
    found, _ = counted(passes=passes, **asked)
    assert found.plan.mode == "factors"
    assert found.rank <= asked.get("rank", 90)
    assert found.report.relative_frobenius_error <= asked.get("rel_error", 1.0)


@pytest.mark.parametrize(("method", "least"), {"lplr": 3, "lsvd": 3, "dsvd": 2, "nq": 3}.items())
def test_the_papers_methods_take_what_they_say(method, least):
    rank = None if method == "nq" else 5
    found, source = counted(method=method, rank=rank, passes=least)
    assert source.visits == least
    assert found.report.exact
    free, _ = counted(method=method, rank=rank)
    assert free.report == found.report  # a limit that is kept anyway changes nothing


def test_sparse_rows_are_counted_by_what_is_stored():
    a = sp.random_array((200, 60), density=0.1, rng=0, dtype=np.float32).tocsr()
    for passes in (1, 2, 4):
        found, source = counted(a, rank=4, bits=4, passes=passes)
        assert source.bytes_read == source.visits * a.nnz * (4 + a.indices.itemsize)
        assert found.report.passes == source.visits <= passes


@pytest.mark.parametrize("sketch", ["srht", "sparse-sign"])
def test_any_sketch_goes_with_one_pass(sketch):
    plain, _ = counted(rank=6, bits=6, passes=1)
    found, _ = counted(rank=6, bits=6, passes=1, sketch=sketch)
    assert found.plan.sketch == sketch
    errors = [one.report.relative_frobenius_error for one in (found, plain)]
    assert errors[0] == pytest.approx(errors[1], rel=0.3)


def test_an_estimate_counts_the_rounding_to_the_type():
    a = np.rint(3 * matrices.low_rank(150, 90, 6, noise=0.1) / A.std()).astype(np.int8)
    found, _ = counted(a, rank=20, bits=8, passes=1)
    c = lplrcli.CompressedMatrix(found)
    true = np.linalg.norm(a - np.asarray(c).astype(float)) / np.linalg.norm(a.astype(float))
    assert found.report.relative_frobenius_error == pytest.approx(true, rel=0.2)


def test_scales_that_need_more_passes_are_refused_before_they_are_made():
    with pytest.raises(PlanError, match="two passes more"):
        counted(A * np.float32(1e-20), rank=4, passes=3)
    found, source = counted(A * np.float32(1e-20), rank=4, passes=1)
    assert (source.visits, found.plan.exponent < -40) == (1, True)


def test_what_was_saved_is_in_the_file(tmp_path):
    c = lplrcli.compress(A, rank=4, bits=4, passes=1)
    c.save(tmp_path / "a.lplr")
    assert c.report.bytes_read == A.nbytes
    with lplrcli.open(tmp_path / "a.lplr") as opened:
        assert opened.plan == c.plan
        assert opened.plan.target.passes == 1
        assert opened.report == c.report
        assert (opened.report.exact, opened.report.bytes_read) == (False, None)


def test_no_unfolding_is_chosen_within_a_limit():
    with pytest.raises(PlanError, match="unfolding"):
        lplrcli.compress(np.ones((4, 5, 6)), bpc=1, rank=2, unfold="auto", passes=9)
