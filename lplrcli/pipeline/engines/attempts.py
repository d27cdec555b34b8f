"""Codings of one matrix for one target: tried, sized, measured."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeVar

from lplrcli.model.compressed import Factorization
from lplrcli.model.goals import ErrorGoal, Goal, SizeGoal
from lplrcli.pipeline.encode.factorization import file_bytes, unmeasured
from lplrcli.pipeline.engines.codings import Coded, ModeCodings
from lplrcli.pipeline.engines.step_search import largest_within
from lplrcli.pipeline.measure.error import measure
from lplrcli.pipeline.predict.estimates import relative, told_of
from lplrcli.pipeline.predict.predictions import LOSSLESS, Predictor
from lplrcli.planning.mode_predictions import Prediction
from lplrcli.runtime.stages import CHOOSE, stage

T = TypeVar("T")

logger = logging.getLogger(__name__)

_CLOSE = 1.25
"""Modes whose prediction is this much worse than the best are tried too, where that is quick."""

_TINY_FILE = 4096
"""Bytes of files that are mostly headers and tables, which predictions do not know well."""

_MAYBE = 1.1
"""A lossless coding is tried if the sample says that it needs at most this much of the size."""

VERIFICATIONS = 8
"""Measured files at most until an error is met, or given up."""


@dataclass(frozen=True)
class Candidate:
    """One way to code the matrix, coded.

    Attributes
    ----------
    factorization : Factorization
        What a file would hold; its report is still to be measured.
    size : int
        Bytes of the file.
    squared_error : float
        Squared error expected of what decodes.
    """

    factorization: Factorization
    size: int
    squared_error: float

    @property
    def error(self) -> float:
        """The squared error: candidates of one matrix are compared by it."""
        return self.squared_error

    @property
    def cost(self) -> float:
        """Bytes of the file."""
        return self.size


class Attempts:
    """What the engine tries for a target.

    Parameters
    ----------
    predictor : Predictor
        What is known and predicted of the matrix.

    Attributes
    ----------
    told : dict of str to float
        What was predicted last of each mode: files tell it.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.survey = predictor.survey
        self.goal = predictor.goal
        self.target = predictor.plan.target
        self.codings = ModeCodings(self.survey, self.target)
        self.told = dict(predictor.told)
        self.passes = self.survey.passes
        if self.target.mode != "direct" and self.goal != ErrorGoal(0.0):
            # The first product with A scans it on the way.
            _ = self.survey.directions
        self.scan = self.passes.original()

    @property
    def name(self) -> str:
        """What messages call the matrix."""
        return self.passes.source.name

    @stage(CHOOSE)
    def promising(self, goal: Goal, without: Collection[str] = ()) -> list[Prediction]:
        """Modes to code in for a goal, the best first: those that come close too, if quick.

        Parameters
        ----------
        goal : SizeGoal or ErrorGoal
            What is to be reached.
        without : collection of str
            Modes that were given up.
        """
        found = self.predictor.at(goal)
        self.told.update(told_of(found, goal, self.survey.entries))
        kept = [one for one in found if one.mode not in without]
        predictions = [one.prediction for one in kept if one.prediction is not None]
        if not predictions:
            return []
        predictions.sort(key=goal.value_of)
        values = {prediction.mode: goal.value_of(prediction) for prediction in predictions}
        if not self.predictor.residual_pays(values):
            predictions = [one for one in predictions if one.mode != "factors+residual"]
        least = goal.value_of(predictions[0])
        tiny = least < 8 * _TINY_FILE if isinstance(goal, ErrorGoal) else False
        if isinstance(goal, SizeGoal):
            tiny = goal.size < _TINY_FILE
        return [
            prediction
            for prediction in predictions
            if prediction is predictions[0]
            or (self.survey.quick and (tiny or goal.value_of(prediction) <= _CLOSE * least))
        ]

    def turned(
        self,
        prediction: Prediction,
        measured: Callable[[Coded], tuple[T, float]],
        limit: float,
        least: float,
        early: float,
        slope: float | None = None,
    ) -> T | None:
        """What the mode of a prediction gives, its step turned until the measure fits.

        Parameters
        ----------
        prediction : Prediction
            Mode, and where to start.
        measured : callable
            What is wanted of a coding, and the measure of it.
        limit, least : float
            The measure is to be at most the former and at least the latter.
        early : float
            The least where a slower trellis takes over from there.
        slope : float, optional
            Slope of the logarithm of the measure over that of the step; that of the size by
            default.
        """
        found: tuple[T, float, float] | None = None
        stages = list(self.codings.of(prediction))
        for code, start, slope_of_size in stages:

            def attempt(step: float, code: Callable[[float], Coded] = code) -> tuple[T, float]:
                return measured(code(step))

            found = (
                largest_within(
                    attempt,
                    start if found is None else found[1],
                    limit,
                    least if code is stages[-1][0] else early,
                    slope_of_size if slope is None else slope,
                )
                or found
            )
        return None if found is None else found[0]

    def lossless(self) -> Candidate | None:
        """The matrix as multiples of one number, if it is that and the target allows it."""
        if not self.predictor.demand.may_be_direct:
            return None
        rate = self.survey.lossless_rate()
        if rate is None:
            return None
        if isinstance(self.goal, SizeGoal):
            if rate * self.survey.entries > 8 * _MAYBE * self.goal.size:
                return None
            rate = 0.0  # what files tell is the error at a size
        self.told[LOSSLESS] = float(f"{rate:.4g}")
        return self.candidate(self.codings.lossless())

    def smallest(self) -> Candidate:
        """All entries zero, means aside."""
        return self.candidate(self.codings.nothing())

    def candidate(self, coded: Coded) -> Candidate:
        """A coding as a file would hold it, with room for its report."""
        survey = self.survey
        plan = survey.completed(self.predictor.plan, coded.mode, self.told)
        factorization = unmeasured(self.passes, coded.sections, plan, survey.means)
        size = self.size(factorization)
        logger.info(
            "coded as %s: %d bytes, error about %.4g",
            *(coded.mode, size, relative(coded.squared_error, self.scan.norm)),
        )
        return Candidate(factorization, size, coded.squared_error)

    def size(self, factorization: Factorization) -> int:
        """Bytes of the file."""
        return file_bytes(factorization, self.predictor.name)

    def measured(self, candidate: Candidate) -> Factorization:
        """A candidate with the error of what it decodes to."""
        factorization = candidate.factorization
        report = measure(self.passes, factorization, self.scan, self.survey.threads)
        return replace(factorization, report=report)

    def meets(self, factorization: Factorization) -> bool:
        """Whether what was measured keeps the goal."""
        return self.goal.met_by(factorization.report, self.size(factorization))
