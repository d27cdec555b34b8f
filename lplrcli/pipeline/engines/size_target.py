"""The least error of a file of at most so many bytes."""

from __future__ import annotations

from dataclasses import replace

from lplrcli.model.compressed import Factorization
from lplrcli.model.goals import SizeGoal
from lplrcli.pipeline.engines.attempts import Attempts, Candidate
from lplrcli.pipeline.engines.codings import Coded
from lplrcli.pipeline.predict import refusals
from lplrcli.planning.mode_predictions import Prediction

_FILLED, _QUICKLY_FILLED = 0.984, 0.994
"""A file of at least this part of the size is good enough; the latter where coding is quick."""

_EARLY = 0.93
"""Part of the size that is enough for a quick trellis: a slower one then finishes."""

_GRANULE = 64
"""Bytes that the size of a file changes by: payloads are aligned."""

_FAR, _SHARES = 0.97, 7
"""A file smaller than this part of what is good enough is far from it: so many shares of columns
are tried then."""

_LOWER = (0.85, 0.7)
"""Parts of the size that are searched for too where a file is far from it."""

_MEASURED = 6
"""Codings whose error is measured where decoding rounds to integers."""

_SCALES = (1, 64)
"""The next larger step, and one at which nothing is left."""

_COARSER, _TIMES = 1.5, 5
"""How much, and how often, the factors' step is raised if they leave no room for a residual."""


def least_error(attempts: Attempts, goal: SizeGoal) -> Factorization:
    """The best file within the size, once the error it reports is the one measured.

    Parameters
    ----------
    attempts : Attempts
        Ways to code the matrix.
    goal : SizeGoal
        The size.

    Raises
    ------
    TargetUnreachableError
        If no file is as small.
    """
    allowed = goal.size
    while True:
        measured = attempts.measured(_best(attempts, goal, allowed))
        excess = attempts.size(measured) - goal.size
        if excess <= 0:
            return measured
        # The digits of the error took a granule more than those reserved for them.
        allowed -= max(excess, _GRANULE)


def _best(attempts: Attempts, goal: SizeGoal, size: int) -> Candidate:
    candidates = []
    for prediction in attempts.promising(goal):
        found = _sized(attempts, prediction, size)
        for _ in range(_TIMES):
            if found is not None or prediction.mode != "factors+residual":
                break
            # The factors alone are too large.
            prediction = replace(prediction, step=_COARSER * prediction.step)
            found = _sized(attempts, prediction, size)
        if found is not None:
            candidates.append(found)
    if not candidates:
        smallest = attempts.smallest()
        if smallest.size > size:
            raise refusals.too_small(attempts.name, size, smallest.size)
        return smallest
    return min(candidates, key=goal.value_of)


def _sized(attempts: Attempts, prediction: Prediction, size: int) -> Candidate | None:
    """The mode of a prediction, its step turned until the file has the size."""
    tried = _Tried(attempts, size)
    part = (_QUICKLY_FILLED if attempts.survey.quick else _FILLED) * size
    least = max(min(part, size - _GRANULE), 0.5 * size)
    attempts.turned(prediction, tried.sized, float(size), least, _EARLY * size)
    # Few values change all at one step, and rounding to integers hides what a step is worth.
    steep = attempts.passes.source.dtype.kind in "iub" and attempts.survey.quick
    if tried.best is not None and (steep or tried.best.size < _FAR * least):
        for lower in _LOWER if attempts.survey.quick else ():
            # What a smaller size would have found may be better than all that was tried.
            found = attempts.predictor.estimate(prediction.mode, SizeGoal(int(lower * size)))
            if found is not None and found.prediction is not None:
                smaller = _Tried(attempts, int(lower * size))
                limits = lower * size, lower * least, lower * _EARLY * size
                attempts.turned(found.prediction, smaller.sized, *limits)
                smaller.fill()
                tried.join(smaller)
        tried.fill()
    return tried.least()


class _Tried:
    """Codings tried in one mode: the best that is small enough, the smallest that is not."""

    def __init__(self, attempts: Attempts, size: int) -> None:
        self.attempts = attempts
        self.size = size
        self.best: Candidate | None = None
        self._within: list[Candidate] = []
        self._beyond: tuple[int, Coded] | None = None

    def sized(self, coded: Coded) -> tuple[None, float]:
        """Note a coding, and tell its size."""
        candidate = self.attempts.candidate(coded)
        if candidate.size <= self.size:
            self._within = sorted([*self._within, candidate], key=_error)[:_MEASURED]
            self.best = self._within[0]
        elif self._beyond is None or candidate.size <= self._beyond[0]:
            self._beyond = candidate.size, coded
        return None, float(candidate.size)

    def join(self, other: _Tried) -> None:
        """Take what was tried for a smaller size."""
        self._within = sorted([*self._within, *other._within], key=_error)[:_MEASURED]
        self.best = self._within[0]

    def least(self) -> Candidate | None:
        """The best, by the error measured where decoding rounds to integers: it may be far less."""
        passes = self.attempts.passes
        rounded = passes.source.dtype.kind in "iub" and self.attempts.target.passes is None
        if len(self._within) < 2 or not (rounded and self.attempts.survey.quick):
            return self.best
        norm = self.attempts.scan.norm
        found = [
            replace(
                one,
                squared_error=(self.attempts.measured(one).report.relative_frobenius_error * norm)
                ** 2,
            )
            for one in self._within
        ]
        return min(found, key=_error)

    def fill(self) -> None:
        """Give so many columns a larger step that the smallest file too large becomes as asked.

        Entries of few values all change at one step: no step gives a size between.
        """
        coarser = self._beyond[1].coarser if self._beyond else None
        if coarser is None:
            return
        for scales in _SCALES:
            low, high = 0.0, 1.0
            for _ in range(_SHARES):
                share = (low + high) / 2
                if self.sized(coarser((share, scales)))[1] > self.size:
                    low = share
                else:
                    high = share


def _error(candidate: Candidate) -> float:
    return candidate.squared_error
