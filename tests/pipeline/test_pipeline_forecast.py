"""One look at a matrix, and the answers: the spectrum, errors at sizes, sizes at errors."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
from scipy.linalg import svdvals

import lplrcli
from lplrcli.io import open_array
from lplrcli.pipeline import forecast
from lplrcli.pipeline.forecast import Forecast
from lplrcli.planning.limits import DIRECT_ENTRIES

pytestmark = pytest.mark.usefixtures("few_states_throughout")

A = matrices.low_rank(200, 120, 6, noise=0.2, dtype=np.float64)
MODES = ["factors", "factors+residual", "direct"]


def looked_at(a):
    return Forecast(open_array(a), 1, most_bpc=8.0, least_error=1e-3)


@pytest.fixture(scope="module")
def found():
    return looked_at(A)


def test_the_spectrum_is_that_of_the_matrix(found):
    np.testing.assert_allclose(found.energies, svdvals(A) ** 2, rtol=1e-8)
    assert found.complete and found.found_by == "gram"
    assert found.source_norm == pytest.approx(np.linalg.norm(A))
    assert found.lattice is None


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_ranks_hold_their_share(found, share):
    held = np.cumsum(svdvals(A) ** 2) / np.square(A).sum()
    assert found.rank_holding(share) == int(np.searchsorted(held, share)) + 1


def test_more_bits_mean_less_error_and_no_less_than_the_bound(found):
    rows = [found.at_size(bpc) for bpc in (1.0, 2.0, 4.0, 8.0)]
    for mode in MODES:
        errors = [row[mode].relative_error for row in rows]
        assert errors == sorted(errors, reverse=True)
        assert all(row[mode].bound <= row[mode].relative_error for row in rows)
    assert found.bound(2.0) <= min(one.bound for one in rows[1].values()) * (1 + 1e-12)


def test_smaller_errors_take_more_bytes_and_no_fewer_than_the_bound(found):
    rows = [found.at_error(error) for error in (0.3, 0.1, 0.03)]
    for mode in MODES:
        sizes = [row[mode].file_bytes for row in rows if mode in row]
        assert sizes == sorted(sizes)
        for row in rows:
            if mode in row and row[mode].bound is not None:
                assert row[mode].bound <= 8 * row[mode].file_bytes / A.size


@pytest.mark.parametrize("mode", MODES)
def test_what_is_predicted_comes_true(found, mode):
    made = lplrcli.compress(A, bpc=2.0, mode=mode, transform="none")
    told = found.at_size(2.0)[mode].relative_error
    assert made.report.relative_frobenius_error == pytest.approx(told, rel=0.15)


def test_any_number_of_questions_take_no_further_pass(found):
    found.at_size(2.0), found.at_error(0.1)
    before = found.passes.count
    for bpc in (0.3, 1.7, 7.0):
        found.at_size(bpc), found.bound(bpc)
    found.at_error(0.02)
    assert found.passes.count == before


def test_a_lattice_ends_the_curve_of_direct_coding():
    a = 0.5 * np.random.default_rng(0).integers(-4, 5, (80, 60))
    found = looked_at(a)
    real = lplrcli.compress(a, rel_error=0).size_report.file_bytes
    assert found.lattice.step == 0.5
    assert found.lattice.file_bytes == pytest.approx(real, rel=0.25)
    assert found.at_size(8.0)["direct"].relative_error == 0
    assert found.at_error(1e-3)["direct"].file_bytes == found.lattice.file_bytes


def test_zeros_have_no_answers():
    found = looked_at(np.zeros((30, 20)))
    assert found.at_size(8.0) == found.at_error(0.1) == {}


def test_large_matrices_have_factors_alone(found, monkeypatch):
    assert found.modes == ("factors", "factors+residual", "direct")
    monkeypatch.setattr(forecast, "DIRECT_ENTRIES", A.size - 1)
    assert found.modes == ("factors",)
    assert A.size <= DIRECT_ENTRIES
