"""The least file with at most a relative error, which is measured before it counts as met."""

from __future__ import annotations

import math
from dataclasses import replace

from lplrcli.model.compressed import Factorization
from lplrcli.model.goals import ErrorGoal
from lplrcli.pipeline.engines.attempts import VERIFICATIONS, Attempts, Candidate
from lplrcli.pipeline.engines.codings import Coded
from lplrcli.pipeline.engines.pointwise_target import restored
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.demand import FINE_ERROR
from lplrcli.pipeline.predict.estimates import relative
from lplrcli.planning.mode_predictions import Prediction

FINEST_ERROR = 2.0**-60
"""Relative error below which no code reaches, unless it is zero; binary64 ends at 2**-53."""

_MISJUDGED = 2.0
"""A mode is given up whose error is this much more than expected."""

_MUCH_FINER, _REFINEMENTS = 0.5, 6
"""How much finer the factors' step is made than it seems to need, and how often, if what they leave
has a range that no step fine enough for the error covers."""

_SHARE = 4.0
"""How much the factors' step is changed where their share is looked for."""

_LESS_EXACT = 2.0
"""Where an error is out of reach, others are tried that are so much larger each."""

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
    if goal.relative_error < FINEST_ERROR:
        if lossless is None:
            raise refusals.too_exact(attempts.name, goal.relative_error, math.inf)
        return attempts.measured(lossless)
    kept, reached = _kept(attempts, goal, lossless)
    kept = kept or restored(attempts)
    if kept is not None:
        return kept
    if not math.isfinite(reached) and attempts.predictor.factors_alone:
        reached = relative(attempts.survey.spectrum.tail, attempts.scan.norm)
    least = _least_kept(attempts, goal.relative_error, reached)
    raise refusals.too_exact(attempts.name, goal.relative_error, least)


def _kept(
    attempts: Attempts, goal: ErrorGoal, lossless: Candidate | None
) -> tuple[Factorization | None, float]:
    """The smallest file that keeps an error, if one does, and the least error measured."""
    norm, allowed, reached = attempts.scan.norm, goal.relative_error, math.inf
    hopeless: set[str] = set()
    for _ in range(VERIFICATIONS):
        if not attempts.passes.allows(1):
            raise refusals.out_of_passes(attempts.name, goal.relative_error, reached)
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
        if goal.met_by(measured.report, attempts.size(measured)):
            return measured, reached
        if best is lossless:
            lossless = None
        elif error > _MISJUDGED * expected:
            # Rounding is what is left of the error in this mode: it will not get smaller.
            hopeless.add(best.factorization.plan.mode)
        else:
            allowed = 0.999 * expected * goal.relative_error / error
    return None, reached


def _least_kept(attempts: Attempts, asked: float, reached: float) -> float:
    """About the least error that can be asked for, tried; infinite if none was found."""
    error = max(asked, reached) if math.isfinite(reached) else asked
    error = _rounded_up(error)
    while error < 1 and attempts.passes.allows(1):
        if error > asked and _kept(attempts, ErrorGoal(error), None)[0] is not None:
            return error
        error = _rounded_up(_LESS_EXACT * error)
    return math.inf


def _rounded_up(error: float) -> float:
    """The least number of two digits that is not smaller."""
    unit = 10.0 ** (math.floor(math.log10(error)) - 1)
    return float(f"{math.ceil(error / unit * (1 - 1e-9)) * unit:.1e}")


def _exact_enough(
    attempts: Attempts, prediction: Prediction, squared_error: float
) -> Candidate | None:
    """The mode of a prediction, its step turned until the error is just below the target."""
    found, prediction = _reaching(attempts, prediction, squared_error)
    fine = squared_error < (FINE_ERROR * attempts.scan.norm) ** 2 and attempts.survey.quick
    if found is None or not fine or prediction.mode != "factors+residual":
        return found
    # Predictions know little of residuals that are so fine: the share of the factors is tried.
    for change in (_SHARE, 1 / _SHARE):
        other = replace(prediction, step=change * prediction.step)
        for _ in range(_REFINEMENTS):
            better = _turned(attempts, other, squared_error)[0]
            if better is None or better.size >= found.size:
                break
            found, other = better, replace(other, step=change * other.step)
    return found


def _reaching(
    attempts: Attempts, prediction: Prediction, squared_error: float
) -> tuple[Candidate | None, Prediction]:
    """What keeps the error, with factors so fine that the codes of the residual suffice."""
    before = math.inf
    for _ in range(_REFINEMENTS):
        found, reached = _turned(attempts, prediction, squared_error)
        if found is not None or prediction.mode != "factors+residual" or reached > before:
            return found, prediction
        # Codes of the residual end before its step is fine enough: factors must leave less.
        finer = (
            _MUCH_FINER * math.sqrt(squared_error / reached)
            if math.isfinite(reached)
            else _MUCH_FINER**2
        )
        prediction, before = replace(prediction, step=finer * prediction.step), reached
    return None, prediction


def _turned(
    attempts: Attempts, prediction: Prediction, squared_error: float
) -> tuple[Candidate | None, float]:
    """The mode of a prediction as exact as asked, or None, and the least error of all tries."""
    limit, least, reached = squared_error * (1 - 1e-4), 0.985 * squared_error, math.inf

    def measured(coded: Coded) -> tuple[Coded, float]:
        nonlocal reached
        reached = min(reached, coded.squared_error)
        return coded, coded.squared_error

    found = attempts.turned(prediction, measured, limit, least, least, _ERROR_SLOPE)
    return None if found is None else attempts.candidate(found), reached
