"""The error of a sparse matrix that is never made dense, against the one of all its entries."""

from __future__ import annotations

import math

import matrices
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import lplrcli
from lplrcli.errors import PlanError, TargetUnreachableError
from lplrcli.io import open_array
from lplrcli.pipeline.engines import paper
from lplrcli.pipeline.measure import sparse_error
from lplrcli.pipeline.measure.error import assess
from lplrcli.pipeline.measure.sparse_error import _relative_error
from lplrcli.pipeline.predict import choice_of_means, demand
from lplrcli.pipeline.survey import matrix_survey

DENSE = matrices.exponential(60, 40, dtype=np.float64)


@pytest.fixture
def never_dense(monkeypatch):
    monkeypatch.setattr(sparse_error, "DENSE_ENTRIES", 0)


@pytest.fixture
def huge(monkeypatch, never_dense):
    """Every matrix has too many entries to be coded one by one."""
    for module in (matrix_survey, demand, choice_of_means, paper):
        monkeypatch.setattr(module, "DIRECT_ENTRIES", 0)


def error_of(a, factorization):
    with open_array(a) as source:
        return assess(source, factorization, threads=2)


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    density=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    bits=st.sampled_from([1, 4, 12]),
    exponent=st.sampled_from([0, 80, -80]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=30)
def test_both_ways_find_the_same_error(rows, columns, density, dtype, bits, exponent, seed):
    a = sp.random_array((rows, columns), density=density, rng=seed, dtype=dtype).tocsr()
    a.data = np.ldexp(a.data, exponent)
    found = lplrcli.compress(a, 3, bits, threads=1)
    exact = found.report
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_error, "DENSE_ENTRIES", 0)
        other = error_of(a, found.factorization)
    # An error so small that its digits are lost in the difference is measured entry by entry.
    assert other.max_abs_error is None or other.relative_frobenius_error < 1e-4
    assert other.exact
    assert other.relative_frobenius_error == pytest.approx(
        exact.relative_frobenius_error, rel=1e-5, abs=1e-6
    )


@pytest.mark.parametrize("center", ["mean-row", "mean-column", "both"])
def test_means_stored_apart_are_components(center, never_dense):
    shifted = DENSE + 3 + np.arange(40) / 10
    found = lplrcli.compress(shifted, rel_error=1e-3, mode="factors", center=center)
    assert any(mean is not None for mean in found.factorization.means)
    other = error_of(sp.csr_array(shifted), found.factorization)
    assert other.max_abs_error is None
    assert other.relative_frobenius_error == pytest.approx(
        found.report.relative_frobenius_error, rel=1e-4
    )


def test_small_errors_keep_their_digits(never_dense):
    found = lplrcli.compress(DENSE, 40, 14)
    exact = found.report.relative_frobenius_error
    assert exact < 2e-3
    other = error_of(sp.csr_array(DENSE), found.factorization)
    assert other.relative_frobenius_error == pytest.approx(exact, rel=1e-5)


def test_a_residual_is_measured_with_the_factors(never_dense):
    found = lplrcli.compress(DENSE, rel_error=0.02, mode="factors+residual")
    assert found.factorization.residual is not None
    other = error_of(sp.csr_array(DENSE), found.factorization)
    assert other.relative_frobenius_error == pytest.approx(
        found.report.relative_frobenius_error, rel=1e-9
    )
    assert other.max_abs_error is not None


def test_zeros_are_measured(never_dense):
    zero = sp.csr_array((30, 20))
    found = lplrcli.compress(zero, 2, 2)
    assert found.report.relative_frobenius_error == 0
    other = error_of(zero + sp.eye_array(30, 20).tocsr(), found.factorization)
    assert other.relative_frobenius_error == 1


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_another_scale(scale, never_dense):
    found = lplrcli.compress(DENSE, 6, 4)
    error = error_of(sp.csr_array(DENSE * scale), found.factorization).relative_frobenius_error
    assert error == pytest.approx(1.0) if scale > 1 else error > 1e290


@given(st.integers(-400, 400), st.integers(-400, 400), st.integers(-400, 400))
@settings(max_examples=50)
def test_scales_of_both_norms_do_not_matter(norm, product, shift):
    # A = 3 and B = 5, times powers of two of which only that of the quotient matters.
    found = _relative_error(
        math.ldexp(3, norm), math.ldexp(15, norm + product), math.ldexp(5, product), shift
    )
    quotient = product + shift - norm
    expected = abs(1 - 5 / 3 * math.ldexp(1, quotient)) if quotient < 1000 else math.inf
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(
    "options",
    [
        {"rel_error": 0.1, "mode": "direct"},
        {"rel_error": 0.1, "mode": "factors+residual"},
        {"max_abs_error": 0.1},
        {"method": "nq"},
    ],
    ids=str,
)
def test_no_sparse_matrix_too_large_is_coded_entry_by_entry(options, huge):
    a = sp.csr_array(DENSE)
    with pytest.raises(PlanError, match="entry by entry") as caught:
        lplrcli.compress(a, **options)
    assert "60 x 40" in str(caught.value)


def test_a_sparse_matrix_too_large_is_kept_as_its_entries_without_error(huge):
    a = sp.random_array((60, 40), density=0.05, rng=0, format="csr")
    found = lplrcli.compress(a, rel_error=0)
    assert found.plan.mode == "kept"
    np.testing.assert_array_equal(np.asarray(found), a.toarray())


def test_factors_alone_serve_a_target(huge):
    a = sp.csr_array(DENSE)
    found = lplrcli.compress(a, rel_error=0.1)
    assert found.plan.mode == "factors"
    assert found.report.relative_frobenius_error <= 0.1
    assert lplrcli.compress(a, size=2000).size_report.file_bytes <= 2000


def test_an_error_out_of_reach_of_the_directions_that_fit_memory(huge, monkeypatch):
    from lplrcli.linalg import range_finder

    monkeypatch.setattr(range_finder, "GRAM_COLUMNS", 0)
    monkeypatch.setattr(range_finder, "GRAM_PRODUCTS", 0)
    monkeypatch.setattr(matrix_survey, "FIRST_BLOCK", 4)
    monkeypatch.setattr(demand, "_FACTOR_ENTRIES", 600)
    white = sp.random_array((60, 50), density=0.3, rng=0).tocsr()
    with pytest.raises(TargetUnreachableError, match=r"expected 0\.\d+ or more"):
        lplrcli.compress(white, rel_error=0.01)
    # Where a rank is asked for it is had, whatever it takes.
    found = lplrcli.compress(white, 40, rel_error=0.9, mode="factors")
    assert found.report.relative_frobenius_error <= 0.9


@pytest.mark.parametrize(
    "options", [{"rank": 2, "bits": 16}, {"rel_error": 3e-6, "mode": "factors"}], ids=str
)
def test_an_error_near_zero_is_measured_entry_by_entry(options, never_dense):
    rng = np.random.default_rng(3)
    flat = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 40))
    found = lplrcli.compress(sp.csr_array(flat), **options)
    true = np.linalg.norm(found[...] - flat) / np.linalg.norm(flat)
    assert found.report.relative_frobenius_error == pytest.approx(true, rel=1e-9)
    assert found.report.exact


def test_an_error_asked_for_is_kept_after_rounding_to_integers(huge):
    rng = np.random.default_rng(4)
    counts = sp.csr_array((rng.random((60, 40)) < 0.2) * rng.integers(1, 4, (60, 40)))
    found = lplrcli.compress(counts, rel_error=0.4)
    true = sp.linalg.norm(counts - sp.csr_array(found[...])) / sp.linalg.norm(counts)
    assert true <= 0.4
    assert found.report.relative_frobenius_error == pytest.approx(true, rel=1e-9)
