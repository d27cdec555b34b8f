"""A matrix and a request to a factorization: by which method, with how many passes, how exact."""

from __future__ import annotations

import matrices
import numpy as np
import pytest

from lplrcli.errors import NonFiniteError, PlanError
from lplrcli.io import open_array
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline.compress import carried_out, coded, compress, passes_over
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.first_plan import first_plan

pytestmark = pytest.mark.usefixtures("few_states_throughout")

A = matrices.low_rank(90, 60, 4, noise=0.1)
ASKED = [
    {"rank": 4}, {"method": "lplr", "rank": 4}, {"method": "lsvd", "rank": 4},
    {"method": "dsvd", "rank": 4}, {"method": "nq"}, {"bpc": 2.0}, {"rel_error": 0.1},
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_the_error_reported_is_that_of_what_decodes(asked):
    found = compress(open_array(A), CompressionRequest(**asked), threads=1)
    decoded = np.concatenate(list(Reconstruction(found).blocks()))
    error = np.linalg.norm(A - decoded) / np.linalg.norm(A)
    assert found.report.relative_frobenius_error == pytest.approx(error, rel=1e-4)
    assert found.plan.target.method == asked.get("method", found.plan.target.method)
    assert (found.shape, found.dtype, found.source) == (A.shape, "float32", {"format": "array"})


def test_a_predictor_stands_for_the_request(predictor_of):
    asked = CompressionRequest(bpc=2.0)
    alone = compress(open_array(A), asked, threads=1)
    given = compress(open_array(A), asked, threads=1, predictor=predictor_of(A, bpc=2.0))
    assert alone.parts == given.parts == coded(predictor_of(A, bpc=2.0)).parts


@pytest.mark.parametrize(("passes", "probed"), [(None, False), (3, False), (2, True), (1, True)])
def test_where_no_pass_is_left_the_error_is_estimated(passes, probed):
    source = open_array(A)
    plan = first_plan(CompressionRequest(rank=4, passes=passes), source.shape, source.dtype)
    found = passes_over(source, plan, 1)
    assert (found.limit, found.probe is not None) == (passes, probed)
    assert carried_out(found, plan, 1, None).report.exact == (not probed)


def test_passes_can_be_shared():
    source = open_array(A)
    plan = first_plan(CompressionRequest(rank=4), source.shape, source.dtype)
    passes = passes_over(source, plan, 1)
    one = carried_out(passes, plan, 1, None)
    two = carried_out(passes, plan, 1, None)
    assert one.parts == two.parts


def test_what_cannot_be_is_refused():
    with pytest.raises(PlanError, match="threads"):
        compress(open_array(A), CompressionRequest(rank=4), threads=0)
    bad = A.copy()
    bad[3, 4] = np.nan
    for asked in ({"rank": 4}, {"rel_error": 0.1}):
        with pytest.raises(NonFiniteError):
            compress(open_array(bad), CompressionRequest(**asked), threads=1)
