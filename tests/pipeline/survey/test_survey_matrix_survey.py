"""What is known of a matrix: right, found once, and handed on to what is left without means."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
from scipy.linalg import svdvals

import lplrcli
from lplrcli.linalg import range_finder
from lplrcli.linalg.adjustment import Means
from lplrcli.model.goals import ErrorGoal, SizeGoal
from lplrcli.pipeline.compress import coded
from lplrcli.pipeline.encode.means import StoredMeans

pytestmark = pytest.mark.usefixtures("few_states_throughout")

A = matrices.low_rank(90, 60, 5, noise=0.2, dtype=np.float64)


@pytest.fixture
def survey_of(predictor_of):
    """Survey a matrix for a target."""
    return lambda a=A, **asked: predictor_of(a, **(asked or {"rel_error": 0.1})).survey


def known(survey):
    """Everything that a survey can be asked for."""
    return (
        survey.directions,
        survey.spectrum,
        survey.layouts,
        survey.lattice,
        survey.lossless_rate(),
        survey.direct_at_rate(1.0),
        survey.direct_at_error(0.01),
        survey.direct_coder,
    )


def test_the_spectrum_is_that_of_the_matrix(survey_of):
    survey = survey_of()
    values = svdvals(A)
    energies = survey.spectrum.energies
    assert len(energies) > 5
    np.testing.assert_allclose(energies, values[: len(energies)] ** 2, rtol=1e-9)
    assert survey.spectrum.total == pytest.approx(np.linalg.norm(A) ** 2)
    assert survey_of(rel_error=0.1, rank=3).spectrum.energies.shape == (3,)


def test_the_lattice_is_that_of_the_entries(survey_of):
    a = np.random.default_rng(0).integers(-9, 10, (50, 40))
    survey = survey_of(a * 0.25)
    assert survey.lattice == survey.lattice_step == 0.25
    shares = np.unique(a, return_counts=True)[1] / a.size
    entropy = -np.sum(shares * np.log2(shares))
    assert survey.lossless_rate() == pytest.approx(entropy, rel=0.05)
    assert survey_of().lattice is survey_of().lossless_rate() is None
    # One entry that does not fit is enough, wherever it is.
    a = a.astype(float)
    a[-1, -1] += 0.1234
    assert survey_of(a).lattice is None


def test_the_sample_is_that_of_all_entries(survey_of):
    white = np.random.default_rng(0).standard_normal((80, 70))
    survey = survey_of(white)
    rate, error = survey.direct_at_step(0.25)
    # Normal entries: half a logarithm, and a tenth of a bit above the bound.
    assert 0 < rate - 0.5 * np.log2(1 / error) < 0.15
    assert survey.direct_at_rate(2.0).bits == pytest.approx(2.0 * white.size, rel=0.05)
    assert survey.direct_at_error(100.0).squared_error == pytest.approx(100.0, rel=0.05)


@pytest.mark.parametrize("basis", ["gram", "sketch"])
def test_nothing_is_looked_at_twice(survey_of, basis, monkeypatch):
    if basis == "sketch":
        monkeypatch.setattr(range_finder, "GRAM_COLUMNS", 0)
        monkeypatch.setattr(range_finder, "GRAM_PRODUCTS", 0)
    survey = survey_of()
    assert survey.passes.count == 0
    first = known(survey)
    passes = survey.passes.count
    assert passes > 2
    assert known(survey)[1:5] == first[1:5]
    assert all(one is two for one, two in zip(known(survey)[:2], first[:2], strict=True))
    assert survey.passes.count == passes


def test_a_survey_costs_no_more_passes_than_what_it_is_asked_for(survey_of):
    survey = survey_of()
    survey.passes.scan()
    assert survey.passes.count == 1
    _ = survey.directions
    found = survey.passes.count
    _ = survey.spectrum, survey.layouts
    assert survey.passes.count == found
    assert survey.lattice is None
    assert survey.passes.count == found + 1  # of a sample, which has none already


def test_what_is_left_without_means_knows_what_the_matrix_knew(survey_of):
    survey = survey_of(A)
    before = known(survey)
    held, count = dict(vars(survey)), survey.passes.count
    row = A.mean(axis=0)
    stored = StoredMeans()
    left = survey.centered(stored, Means(row, None))
    assert left.means is stored
    np.testing.assert_array_equal(left.passes.means.row, row)
    # What was found is handed on, without a pass, and the original is what it was.
    assert left.directions is before[0]
    assert left.spectrum is before[1]
    assert left.passes.count == count
    assert dict(vars(survey)) == held
    assert survey.passes.means is None
    assert survey.passes.count == count
    assert survey.columns.passes is survey.passes
    assert left.columns.passes is left.passes
    np.testing.assert_allclose(left.passes.dense(), A - row, atol=1e-12)
    np.testing.assert_allclose(survey.passes.dense(), A, atol=1e-12)


def test_the_plan_says_how_directions_were_found(survey_of, monkeypatch):
    survey = survey_of()
    plan = survey.plan
    unseen = survey.completed(plan, "direct", {"direct": 1.0})
    assert (unseen.basis, unseen.sketch, unseen.mode) == ("none", None, "direct")
    assert unseen.predictions == {"direct": 1.0}
    _ = survey.directions
    seen = survey.completed(plan, "factors", {})
    assert (seen.basis, seen.sketch, seen.predictions) == ("gram", None, None)
    monkeypatch.setattr(range_finder, "GRAM_COLUMNS", 0)
    monkeypatch.setattr(range_finder, "GRAM_PRODUCTS", 0)
    sketched = survey_of()
    width = sketched.directions.row_basis.shape[1]
    done = sketched.completed(plan, "factors", {})
    assert (done.basis, done.sketch, done.sketch_size) == ("sketch", "gaussian", width)


# -- surveys handed on: passes over the source, counted by itself


FIELD = np.random.default_rng(5).standard_normal((12, 10, 9)).cumsum(axis=0).astype(np.float32)


def passes_of(visits, run):
    before = len(visits)
    run()
    return len(visits) - before


def test_coding_goes_on_from_what_predicting_found(predictor_of, visits):
    asked = {"rel_error": 0.1, "mode": "factors"}
    fresh = passes_of(visits, lambda: lplrcli.compress(A, threads=1, **asked))
    predictor = predictor_of(A, **asked)
    predicted = passes_of(visits, lambda: predictor.estimates)
    assert passes_of(visits, lambda: predictor.estimates) == 0
    found = []
    rest = passes_of(visits, lambda: found.append(coded(predictor)))
    assert rest < fresh
    assert predicted + rest == fresh
    assert found[0].report.relative_frobenius_error <= 0.1


@pytest.mark.parametrize("goal", [ErrorGoal(0.05), SizeGoal(3000)])
def test_other_goals_cost_no_pass_once_the_matrix_is_known(predictor_of, visits, goal):
    predictor = predictor_of(A, rel_error=0.1)
    assert predictor.estimates
    assert passes_of(visits, lambda: predictor.at(goal)) == 0


def test_means_that_the_matrix_decides_are_handed_on_surveyed(visits):
    strong = A + 9 * np.random.default_rng(1).standard_normal(60)
    each = {
        center: passes_of(
            visits, lambda center=center: lplrcli.compress(strong, rel_error=0.05, center=center)
        )
        for center in ("none", "mean-row", "mean-column", "both", "auto")
    }
    separate = sum(each[name] for name in ("none", "mean-row", "mean-column", "both"))
    # Predicting each of the four, then coding with one of the surveys: not a fifth one.
    assert each["auto"] < separate


def test_an_unfolding_that_is_chosen_is_handed_on_surveyed(visits):
    each = [
        passes_of(visits, lambda axes=axes: lplrcli.compress(FIELD, rel_error=0.1, unfold=axes))
        for axes in (1, 2)
    ]
    chosen = passes_of(visits, lambda: lplrcli.compress(FIELD, rel_error=0.1, unfold="auto"))
    assert chosen < sum(each)
