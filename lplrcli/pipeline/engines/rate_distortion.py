"""The rate-distortion engine: the least error at a size, the least size at an error.

Look at the matrix (spectrum, sample, lattice), predict what each mode would reach, code with the
best, and turn its step until the file has the size, or the decoded matrix the error, asked for.
"""

from __future__ import annotations

from lplrcli.model.compressed import Factorization
from lplrcli.model.goals import ErrorGoal, PointwiseGoal, SizeGoal
from lplrcli.pipeline.engines import error_target, pointwise_target, size_target
from lplrcli.pipeline.engines.attempts import Attempts, Candidate
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.predictions import Predictor
from lplrcli.runtime.stages import CODE, stage


@stage(CODE)
def factorize(predictor: Predictor) -> Factorization:
    """Code a matrix for the target of a plan, and measure the error of what decodes.

    Parameters
    ----------
    predictor : Predictor
        What is known and predicted of the matrix.

    Raises
    ------
    TargetUnreachableError
        If no file is as small, or no decoded matrix as exact, as asked.
    """
    attempts = Attempts(predictor)
    goal, lossless = attempts.goal, attempts.lossless()
    exact = _without_error(attempts, lossless)
    if exact is not None:
        return exact
    if isinstance(goal, SizeGoal):
        return size_target.least_error(attempts, goal)
    zeros = _zeros(attempts)
    if zeros is not None:
        return zeros
    if isinstance(goal, PointwiseGoal):
        return pointwise_target.least_file(attempts, goal, lossless)
    if goal.relative_error == 0:
        raise refusals.not_lossless(attempts.name)
    return error_target.least_file(attempts, goal, lossless)


def _without_error(attempts: Attempts, lossless: Candidate | None) -> Factorization | None:
    """The lossless coding, where no error is allowed, or where its file is small enough."""
    goal = attempts.goal
    small = isinstance(goal, SizeGoal) and lossless is not None and lossless.size <= goal.size
    if lossless is None or not (small or goal == ErrorGoal(0.0)):
        return None
    measured = attempts.measured(lossless)
    return measured if attempts.meets(measured) else None


def _zeros(attempts: Attempts) -> Factorization | None:
    """No factors and no residual, but for means, if that keeps the error asked for."""
    goal = attempts.goal
    relative = goal.relative_error if isinstance(goal, ErrorGoal) else 0.0
    if attempts.passes.scan().norm > attempts.scan.norm * relative:
        return None
    measured = attempts.measured(attempts.smallest())
    largest_unknown = measured.report.max_abs_error is None
    kept = attempts.meets(measured) or (isinstance(goal, PointwiseGoal) and largest_unknown)
    return measured if kept else None
