"""Methods at equal sizes: each file fits, is the best of its method, and a larger one does not."""

from __future__ import annotations

import math

import matrices
import pytest

from lplrcli.io import open_array
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline import compare
from lplrcli.pipeline.compare import COMPARED, Comparison
from lplrcli.pipeline.compress import compress
from lplrcli.pipeline.encode.factorization import file_bytes

pytestmark = pytest.mark.usefixtures("few_states_throughout")

A = matrices.low_rank(90, 60, 4, noise=0.1)
BPC = 4.0
LIMIT = math.floor(BPC * A.size / 8)


@pytest.fixture(scope="module")
def best(few_states_throughout):
    comparison = Comparison(open_array(A), 1, None)
    return {method: comparison.best(method, BPC) for method in COMPARED}


def made(**asked):
    return compress(open_array(A), CompressionRequest(**asked), threads=1)


@pytest.mark.parametrize("method", COMPARED)
def test_the_file_is_the_one_that_compressing_makes(best, method):
    found = best[method]
    assert (found.method, found.bpc) == (method, BPC)
    assert found.reached.file_bytes <= LIMIT
    if method == "rate-distortion":
        assert found.bits is found.bits_right is None
        again = made(size=LIMIT)
    else:
        rank = None if method == "nq" else found.reached.rank
        again = made(method=method, rank=rank, bits=found.bits, bits_right=found.bits_right)
    assert file_bytes(again, None) == found.reached.file_bytes
    assert again.report.relative_frobenius_error == found.reached.relative_error


@pytest.mark.parametrize("method", ["lplr", "lsvd", "dsvd"])
def test_one_component_more_does_not_fit(best, method):
    found = best[method]
    if found.reached.rank < 60:
        options = {"bits": found.bits, "bits_right": found.bits_right}
        more = made(method=method, rank=found.reached.rank + 1, **options)
        assert file_bytes(more, None) > LIMIT


def test_the_engine_errs_least(best):
    errors = {method: one.reached.relative_error for method, one in best.items()}
    assert min(errors, key=errors.get) == "rate-distortion"


@pytest.mark.parametrize("method", COMPARED)
def test_nothing_fits_into_nothing(method):
    assert Comparison(open_array(A), 1, None).best(method, 0.01) is None


def test_decompositions_that_take_too_long_are_not_tried(monkeypatch):
    comparison = Comparison(open_array(A), 1, None)
    assert all(comparison.refusal(method) is None for method in COMPARED)
    monkeypatch.setattr(compare, "_SVD_PRODUCTS", 10)
    refused = {method for method in COMPARED if comparison.refusal(method)}
    assert refused == {"lsvd", "dsvd"}
