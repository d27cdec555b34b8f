"""The least file no entry of which is off by more than a bound, measured on every entry."""

from __future__ import annotations

import math

import numpy as np

from lplrcli.model.compressed import Factorization
from lplrcli.model.goals import PointwiseGoal
from lplrcli.pipeline.engines.attempts import VERIFICATIONS, Attempts, Candidate
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.plain_steps import finest_step, plain_step

_FINEST_STEP = 2.0**-60
"""Least step, in norms of the matrix: it may be turned to nothing where no error is allowed."""

_CUT = 1.001
"""More than so many times half a step of error everywhere says that codes were cut to what the
format holds."""


def least_file(
    attempts: Attempts, goal: PointwiseGoal, lossless: Candidate | None
) -> Factorization:
    """The smallest file that keeps the bound.

    Parameters
    ----------
    attempts : Attempts
        Ways to code the matrix.
    goal : PointwiseGoal
        The bound.
    lossless : Candidate or None
        The matrix coded without error, where that is possible.

    Raises
    ------
    TargetUnreachableError
        If no decoded matrix is as exact.
    """
    step, reached = plain_step(attempts.survey, goal.bound), math.inf
    for _ in range(VERIFICATIONS):
        # None to begin with, or turned to nothing by an error above 0 where none is allowed.
        if step is not None and step <= _FINEST_STEP * attempts.scan.norm:
            step = None
        candidates = [] if lossless is None else [lossless]
        if step is not None:
            most = _CUT * attempts.survey.entries * step**2 / 4
            candidates += [
                attempts.candidate(coded)
                for coded in attempts.codings.plain(step)
                if coded.squared_error <= most
            ]
        if not candidates:
            break
        measured = attempts.measured(min(candidates, key=goal.value_of))
        largest = measured.report.max_abs_error
        if largest is not None:
            reached = min(reached, largest)
            if attempts.meets(measured):
                return measured
            step = None if step is None else step * 0.999 * goal.bound / largest
    found = restored(attempts)
    if found is not None:
        return found
    raise refusals.too_exact_everywhere(attempts.name, goal.bound, reached)


def restored(attempts: Attempts) -> Factorization | None:
    """The finest plain codes, if rounding to the entries' type then keeps the goal.

    For narrow types and integers it makes up for what no step could promise.
    """
    if attempts.predictor.factors_alone or attempts.passes.source.dtype == np.float64:
        return None
    for coded in attempts.codings.plain(finest_step(attempts.survey)):
        measured = attempts.measured(attempts.candidate(coded))
        if attempts.meets(measured):
            return measured
    return None
