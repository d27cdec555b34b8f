"""The ways to code a matrix as functions of the step: what they take and leave is what is told."""

from __future__ import annotations

import matrices
import numpy as np
import pytest

from lplrcli.linalg.passes import Passes
from lplrcli.model.goals import SizeGoal
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.engines import codings
from lplrcli.pipeline.engines.codings import ModeCodings
from lplrcli.planning.mode_predictions import Prediction

A = matrices.low_rank(120, 80, 6, noise=0.2, dtype=np.float64)
MODES = ["factors", "factors+residual", "direct"]
WIDE = np.dtype(np.float64)


@pytest.fixture
def codings_of(predictor_of):
    def made(a=A, **asked):
        predictor = predictor_of(a, **(asked or {"bpc": 2.0}))
        predictor.survey.passes.scan()
        return ModeCodings(predictor.survey, predictor.plan.target), predictor

    return made


def decoded(sections):
    left, right, residual = sections
    total = np.zeros(A.shape)
    if left is not None:
        total += decode_factor(left, WIDE).T @ decode_factor(right, WIDE)
    if residual is not None:
        values = decode_factor(residual, WIDE)
        total += values.T if residual.length == len(A) else values.reshape(A.shape)
    return total


def taken(sections):
    return sum(len(chunk) for part in sections if part is not None for chunk in part.chunks)


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", MODES)
def test_the_error_told_is_that_of_what_decodes(codings_of, mode):
    made, predictor = codings_of()
    (found,) = (one for one in predictor.at(SizeGoal(2400)) if one.mode == mode)
    ((code, start, slope),) = made.of(found.prediction)
    assert slope < 0
    assert start == (found.prediction.step or found.prediction.residual_step) or mode != "factors"
    errors, sizes = [], []
    for step in (start / 2, start, 2 * start):
        coded = code(step)
        assert coded.mode == mode
        squares = np.square(A - decoded(coded.sections)).sum()
        assert coded.squared_error == pytest.approx(squares, rel=1e-2)
        assert coded.sections is coded.sections
        errors.append(squares)
        sizes.append(taken(coded.sections))
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_trellis_comes_after_a_quick_one(codings_of, mode, monkeypatch):
    made, predictor = codings_of()
    (found,) = (one for one in predictor.at(SizeGoal(2400)) if one.mode == mode)
    assert len(list(made.of(found.prediction))) == 2
    monkeypatch.setattr(codings, "_STATE_BITS", ((2**63, 5),))
    assert len(list(made.of(found.prediction))) == 1


@pytest.mark.usefixtures("few_states")
def test_factors_that_vanish_leave_what_mode_direct_has(codings_of):
    made, _ = codings_of()
    assert list(made.of(Prediction("factors+residual", 1e6, 0.01, 1e4, 1.0))) == []
    limited, _ = codings_of(bpc=2.0, rank=3)
    assert len(list(limited.of(Prediction("factors+residual", 1e6, 0.01, 1e4, 1.0)))) == 1


@pytest.mark.usefixtures("few_states")
def test_plain_codings_are_off_by_half_a_step_at_most(codings_of):
    for asked, modes in (
        ({"max_abs_error": 0.01}, ["direct", "factors+residual"]),
        ({"max_abs_error": 0.01, "mode": "direct"}, ["direct"]),
        ({"max_abs_error": 0.01, "rank": 3}, ["factors+residual"]),
    ):
        made, _ = codings_of(**asked)
        found = list(made.plain(0.02))
        assert [one.mode for one in found] == modes
        for one in found:
            assert np.abs(A - decoded(one.sections)).max() <= 0.01 * (1 + 1e-6)


def test_multiples_of_a_number_are_coded_as_such(codings_of):
    a = 0.25 * np.random.default_rng(0).integers(-9, 10, A.shape)
    made, _ = codings_of(a, rel_error=0)
    found = made.lossless()
    assert (found.mode, found.squared_error) == ("direct", 0.0)
    np.testing.assert_array_equal(decoded(found.sections), a)


def test_nothing_is_all_zeros(codings_of):
    found = codings_of()[0].nothing()
    assert (found.mode, taken(found.sections)) == ("factors", 0)
    assert found.squared_error == pytest.approx(np.square(A).sum())
    assert not decoded(found.sections).any()


@pytest.mark.usefixtures("few_states")
def test_coding_reads_the_matrix_once_for_all_steps(codings_of):
    made, predictor = codings_of(bpc=2.0, mode="direct")
    (found,) = predictor.estimates
    ((code, start, _),) = made.of(found.prediction)
    passes: Passes = predictor.survey.passes
    code(start)
    before = passes.count
    code(1.1 * start), code(0.9 * start)
    assert passes.count == before
