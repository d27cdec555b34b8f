"""Predictions of a matrix: those of the planning functions, in bytes of a file; the best first."""

from __future__ import annotations

import math

import matrices
import numpy as np
import pytest

import lplrcli
from lplrcli.errors import TargetUnreachableError
from lplrcli.model.goals import ErrorGoal, PointwiseGoal, SizeGoal
from lplrcli.pipeline.predict.demand import HEADER_BYTES
from lplrcli.planning import mode_predictions

pytestmark = pytest.mark.usefixtures("few_states_throughout")

A = matrices.low_rank(120, 80, 6, noise=0.2, dtype=np.float64)
FACTORED = ["factors", "factors+residual"]
MODES = [*FACTORED, "direct"]


@pytest.fixture
def known(predictor_of):
    return predictor_of(A, rel_error=0.1, transform="none")


def by_mode(found):
    return {one.mode: one for one in found}


@pytest.mark.parametrize("size", [1500, 4000, 12000])
def test_at_a_size_the_error_is_that_of_planning(known, size):
    found = by_mode(known.at(SizeGoal(size)))
    assert set(found) == set(MODES)
    bits = 8.0 * (size - HEADER_BYTES)
    for mode in FACTORED:
        planned = mode_predictions.at_size(mode, known.spectrum, bits)
        assert found[mode].prediction == planned
        error = math.sqrt(planned.squared_error) / np.linalg.norm(A)
        assert found[mode].relative_error == pytest.approx(error, rel=1e-12)
        assert found[mode].rank == known.spectrum.rank(planned.step)
    sampled = known.survey.direct_at_rate(bits / A.size)
    assert found["direct"].prediction == sampled
    assert all(one.file_bytes == size for one in found.values())


@pytest.mark.parametrize("error", [0.5, 0.1, 0.01])
def test_at_an_error_the_size_is_that_of_planning(known, error):
    found = by_mode(known.at(ErrorGoal(error)))
    squares = (error * np.linalg.norm(A)) ** 2
    for mode in FACTORED:
        planned = mode_predictions.at_error(mode, known.spectrum, squares)
        if planned is None:
            assert mode not in found
            continue
        assert found[mode].file_bytes == pytest.approx(HEADER_BYTES + planned.bits / 8, abs=2)
    assert found["direct"].relative_error == pytest.approx(error, rel=0.05)


def test_estimates_are_in_the_order_of_what_is_to_be_small(predictor_of):
    for asked in ({"bpc": 3.0}, {"rel_error": 0.15}, {"max_abs_error": 0.01}):
        predictor = predictor_of(A, **asked)
        values = [predictor.goal.value_of(one) for one in predictor.estimates]
        rest = [v for one, v in zip(predictor.estimates, values, strict=True)
                if one.mode != "factors+residual"]  # fmt: skip
        assert rest == sorted(rest)
        assert lplrcli.compress(A, **asked).plan.mode == predictor.estimates[0].mode


def test_only_the_mode_asked_for_is_predicted(predictor_of):
    for mode in MODES:
        predictor = predictor_of(A, bpc=2.0, mode=mode)
        assert predictor.modes == [mode]
        assert [one.mode for one in predictor.estimates] == [mode]
    assert predictor_of(A, bpc=2.0, rank=3).modes == FACTORED


def test_a_residual_must_gain_enough(known):
    assert known.residual_pays({"factors": 1.0, "factors+residual": 0.9})
    assert not known.residual_pays({"factors": 1.0, "factors+residual": 0.999})
    assert known.residual_pays({"factors+residual": 7.0})


def test_a_bound_to_every_entry(known):
    found = by_mode(known.at(PointwiseGoal(0.005)))
    assert set(found) == {"factors+residual", "direct"}
    for one in found.values():
        # Rounded to multiples of twice the bound: uniform within it.
        expected = math.sqrt(A.size / 3) * 0.005 / np.linalg.norm(A)
        assert one.relative_error == pytest.approx(expected, rel=0.05)


def test_the_smallest_file_is_one_of_zeros(predictor_of):
    zero = predictor_of(np.zeros((30, 20)), rel_error=0.1)
    (only,) = zero.estimates
    done = lplrcli.compress(np.zeros((30, 20)), rel_error=0.1)
    assert (only.rank, only.relative_error) == (0, 0.0)
    # There is room for an error with all its digits, where none has any.
    assert 0 <= only.file_bytes - done.size_report.file_bytes <= 64
    assert zero.at(SizeGoal(4000)) == []


def test_lossless_storage_is_predicted_where_there_is_a_lattice(predictor_of):
    a = np.random.default_rng(0).integers(-9, 10, (60, 50))
    (found,) = predictor_of(a, rel_error=0).estimates
    assert (found.mode, found.relative_error) == ("lossless", 0.0)
    real = lplrcli.compress(a, rel_error=0).size_report.file_bytes
    assert found.file_bytes == pytest.approx(real, rel=0.2)
    assert predictor_of(A, rel_error=0.1).lossless() is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"rel_error": 0}, "without error"),
        ({"size": 10}, "no file can be as small"),
        ({"max_abs_error": 0}, "largest error"),
        ({"rel_error": 1e-3, "rank": 2, "mode": "factors"}, "error asked for cannot be reached"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_plainly_out_of_reach_is_refused(predictor_of, asked, words):
    with pytest.raises(TargetUnreachableError, match=words):
        _ = predictor_of(A, **asked).estimates
