"""What the engine tries: which modes, how large their files are, and whether they keep the goal."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
from lplr_samples import written

from lplrcli.model.goals import ErrorGoal, SizeGoal
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.engines.attempts import Attempts
from lplrcli.pipeline.predict.predictions import LOSSLESS

pytestmark = pytest.mark.usefixtures("few_states_throughout")

A = matrices.low_rank(120, 80, 6, noise=0.2, dtype=np.float64)
INTEGERS = np.random.default_rng(0).integers(-9, 10, (60, 40))


@pytest.fixture
def attempts_of(predictor_of):
    return lambda a=A, **asked: Attempts(predictor_of(a, **(asked or {"size": 3000})))


def test_the_best_mode_comes_first_and_those_that_come_close(attempts_of):
    attempts = attempts_of()
    for goal in (SizeGoal(3000), ErrorGoal(0.15)):
        found = attempts.promising(goal)
        values = [goal.value_of(one) for one in found]
        assert values == sorted(values)
        every = {one.mode: goal.value_of(one.prediction) for one in attempts.predictor.at(goal)}
        assert found[0].mode == min(every, key=every.get)
        attempts.survey.quick = False
        assert attempts.promising(goal) == found[:1]
        attempts.survey.quick = True
        rest = attempts.promising(goal, {found[0].mode})
        assert found[0].mode not in {one.mode for one in rest}
        assert attempts.promising(goal, set(every)) == []


def test_what_is_predicted_last_is_told(attempts_of):
    attempts = attempts_of()
    attempts.promising(SizeGoal(3000))
    assert set(attempts.told) == {"factors", "factors+residual", "direct"}
    told = attempts.candidate(attempts.codings.nothing()).factorization.plan.predictions
    assert told == attempts.told


def test_a_candidate_is_a_file_with_room_for_its_report(attempts_of):
    attempts = attempts_of()
    prediction = attempts.promising(SizeGoal(3000))[0]
    code, start, _ = list(attempts.codings.of(prediction))[-1]
    candidate = attempts.candidate(code(start))
    assert candidate.size == candidate.cost == len(written(candidate.factorization))
    measured = attempts.measured(candidate)
    decoded = np.concatenate(list(Reconstruction(measured).blocks()))
    error = np.linalg.norm(A - decoded)
    assert measured.report.relative_frobenius_error == pytest.approx(error / np.linalg.norm(A))
    assert candidate.error == pytest.approx(error**2, rel=1e-3)
    assert attempts.meets(measured) == (attempts.size(measured) <= 3000)


@pytest.mark.parametrize(("limit", "part"), [(2500.0, 0.95), (5000.0, 0.98)])
def test_a_step_is_turned_until_the_measure_fits(attempts_of, limit, part):
    attempts = attempts_of()
    prediction = attempts.promising(SizeGoal(3000))[0]
    tried = []

    def sized(coded):
        candidate = attempts.candidate(coded)
        tried.append(candidate.size)
        return candidate, float(candidate.size)

    found = attempts.turned(prediction, sized, limit, part * limit, 0.9 * limit)
    assert part * limit - 64 <= found.size <= limit
    assert found.size == max(size for size in tried if size <= limit)
    assert attempts.turned(prediction, sized, 1.0, 0.9, 0.9) is None


def test_the_smallest_file_is_one_of_zeros(attempts_of):
    smallest = attempts_of().smallest()
    assert smallest.factorization.rank == 0
    assert smallest.squared_error == pytest.approx(np.square(A).sum())


def test_lossless_storage_where_there_is_a_lattice(attempts_of):
    assert attempts_of().lossless() is None
    attempts = attempts_of(INTEGERS, rel_error=0)
    found = attempts.lossless()
    assert found.error == 0
    assert attempts.meets(attempts.measured(found))
    assert 0 < attempts.told[LOSSLESS] < 8 * found.size / INTEGERS.size
    # A size that it exceeds by far is not tried, nor is it where a rank limits factors.
    assert attempts_of(INTEGERS, size=700).lossless() is None
    assert attempts_of(INTEGERS, rel_error=0, rank=3).lossless() is None
    assert attempts_of(INTEGERS, size=5000).lossless().size <= 5000
