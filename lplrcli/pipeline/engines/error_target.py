"""The least file with at most a relative error, which is measured before it counts as met."""

from __future__ import annotations

import math

from lplrcli.model.compressed import Factorization
from lplrcli.model.goals import ErrorGoal
from lplrcli.pipeline.engines.attempts import VERIFICATIONS, Attempts, Candidate
from lplrcli.pipeline.engines.pointwise_target import restored
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.estimates import relative
from lplrcli.planning.mode_predictions import Prediction

FINEST_ERROR = 2.0**-60
"""Relative error below which no code reaches, unless it is zero; binary64 ends at 2**-53."""

_MISJUDGED = 2.0
"""A mode is given up whose error is this much more than expected."""

_ERROR_SLOPE = 1.6
"""Slope of the logarithm of the squared error over that of the step."""


def least_file(attempts: Attempts, goal: ErrorGoal, lossless: Candidate | None) -> Factorization:
    """The smallest file that keeps the error.

    Parameters
    ----------
    attempts : Attempts
        Ways to code the matrix.
    goal : ErrorGoal
        The error, more than 0.
    lossless : Candidate or None
        The matrix coded without error, where that is possible.

    Raises
    ------
    TargetUnreachableError
        If no decoded matrix is as exact.
    """
    norm, name = attempts.scan.norm, attempts.name
    if goal.relative_error < FINEST_ERROR:
        if lossless is None:
            raise refusals.too_exact(name, goal.relative_error, math.inf)
        return attempts.measured(lossless)
    allowed, reached = goal.relative_error, math.inf
    hopeless: set[str] = set()
    for _ in range(VERIFICATIONS):
        if not attempts.passes.allows(1):
            raise refusals.out_of_passes(name, goal.relative_error, reached)
        candidates = [] if lossless is None else [lossless]
        promising = attempts.promising(ErrorGoal(allowed), hopeless)
        for prediction in promising:
            found = _exact_enough(attempts, prediction, (allowed * norm) ** 2)
            if found is not None:
                candidates.append(found)
            else:
                hopeless.add(prediction.mode)
        if not candidates and not promising:
            break
        if not candidates:
            continue
        best = min(candidates, key=goal.value_of)
        measured = attempts.measured(best)
        error = measured.report.relative_frobenius_error
        expected = relative(best.squared_error, norm)
        reached = min(reached, error)
        if attempts.meets(measured):
            return measured
        if best is lossless:
            lossless = None
        elif error > _MISJUDGED * expected:
            # Rounding is what is left of the error in this mode: it will not get smaller.
            hopeless.add(best.factorization.plan.mode)
        else:
            allowed = 0.999 * expected * goal.relative_error / error
    found_by_rounding = restored(attempts)
    if found_by_rounding is not None:
        return found_by_rounding
    if not math.isfinite(reached) and attempts.predictor.factors_alone:
        reached = relative(attempts.survey.spectrum.tail, norm)
    raise refusals.too_exact(name, goal.relative_error, reached)


def _exact_enough(
    attempts: Attempts, prediction: Prediction, squared_error: float
) -> Candidate | None:
    """The mode of a prediction, its step turned until the error is just below the target."""
    limit, least = squared_error * (1 - 1e-4), 0.985 * squared_error
    coded = attempts.turned(
        prediction, lambda coded: (coded, coded.squared_error), limit, least, least, _ERROR_SLOPE
    )
    return None if coded is None else attempts.candidate(coded)
