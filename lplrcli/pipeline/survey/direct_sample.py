"""What coding every entry takes and leaves, tried on a sample at a few steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lplrcli.pipeline.encode.residual import ResidualCoder
from lplrcli.planning.mode_predictions import Prediction

SMALLEST_STATE_BITS = 3
"""State bits of the trellis that samples are coded with."""

_FIELD_START = 1 / 8
"""Step of a field that is tried first, in deviations of its entries."""

_STEPS_TRIED = 8

_NEAR = 0.02
"""Octaves of the step that end the search."""

_FAR_OFF = 0.3
"""Octaves that a rate, or an error, may be away from what is wanted."""


class DirectSample:
    """Predictions of the mode ``direct`` for one matrix.

    Each answer is kept: asked again, it is what it was. A search for the step of a field starts
    where the last one ended.
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self._known: dict[tuple[str, float], Prediction] = {}

    def at_rate(self, coder: ResidualCoder, norm: float, rate: float) -> Prediction:
        """The step with which the sample takes `rate` bits per entry, and what that leaves.

        Parameters
        ----------
        coder : ResidualCoder
            Coder of the matrix without factors.
        norm : float
            Frobenius norm of the matrix, at the scale of the passes.
        rate : float
            Bits per entry, more than 0.
        """

        def excess(found: float, _: float) -> float:
            if not coder.layout.transformed:
                return found - rate
            # At a low rate, the bits of a field are in inverse proportion to the step.
            return math.log2(max(found, 1e-6) / rate) * max(1.0, 0.7 * rate)

        def off(found: float, _: float) -> float:
            return math.log2(max(found, 1e-6 * rate) / rate)

        def between(tried: _Tried) -> tuple[float, float]:
            return rate, _between(rate, [(one.rate, one.error) for one in tried])

        return self._at(("rate", rate), coder, norm, _Search(excess, off, between))

    def at_error(self, coder: ResidualCoder, norm: float, squared_error: float) -> Prediction:
        """The step with which all entries have `squared_error`, and the bits that takes.

        Parameters
        ----------
        coder : ResidualCoder
            Coder of the matrix without factors.
        norm : float
            Frobenius norm of the matrix, at the scale of the passes.
        squared_error : float
            Sum over all entries.
        """
        rows, columns = coder.passes.shape
        wanted = squared_error / (rows * columns)

        def excess(_: float, found: float) -> float:
            return 0.5 * math.log2(wanted / max(found, 1e-300))

        def between(tried: _Tried) -> tuple[float, float]:
            return _between(wanted, [(one.error, one.rate) for one in tried]), wanted

        return self._at(("error", squared_error), coder, norm, _Search(excess, excess, between))

    def _at(
        self, asked: tuple[str, float], coder: ResidualCoder, norm: float, search: _Search
    ) -> Prediction:
        if asked not in self._known:
            self._known[asked] = self._searched(coder, norm, search)
        return self._known[asked]

    def _searched(self, coder: ResidualCoder, norm: float, search: _Search) -> Prediction:
        """Code the sample at a few steps, to where the excess, in octaves, is nearly zero."""
        entries = coder.passes.shape[0] * coder.passes.shape[1]
        field = coder.layout.transformed
        deviation = norm / math.sqrt(entries)
        step = self._start or (_FIELD_START if field else 1.0) * deviation
        found = _Point(step, 0.0, 0.0)
        tried = []
        for _ in range(_STEPS_TRIED):
            found = _Point(step, *coder.code_sample(step, SMALLEST_STATE_BITS, None))
            tried.append(found)
            octaves = search.excess(found.rate, found.error)
            if abs(octaves) < _NEAR:
                break
            step *= 2.0 ** min(max(octaves, -8.0), 8.0)
        if field:
            self._start = step
        elif abs(search.off(found.rate, found.error)) > _FAR_OFF:
            found = _bracketed(coder, tried, deviation, search)
            step = found.step
        return Prediction("direct", 0.0, step, found.rate * entries, found.error * entries)


@dataclass(frozen=True)
class _Point:
    """A step, and the bits per entry and the mean squared error of the sample coded with it."""

    step: float
    rate: float
    error: float


_Tried: TypeAlias = list[_Point]


@dataclass(frozen=True)
class _Search:
    """What is looked for.

    Attributes
    ----------
    excess : callable
        Octaves that the step should grow by, from rate and error: where steps are good guesses.
    off : callable
        How far, in octaves, rate or error is from what is wanted; positive if the step is too fine.
    between : callable
        Rate and error at what is wanted, from points on both sides.
    """

    excess: Callable[[float, float], float]
    off: Callable[[float, float], float]
    between: Callable[[_Tried], tuple[float, float]]


def _bracketed(coder: ResidualCoder, tried: _Tried, deviation: float, search: _Search) -> _Point:
    """What is wanted, by bisection; between two steps where no step gives it.

    Entries of few values all change at one step. Some columns coded with either step give what
    lies between.
    """
    tried = list(tried)

    def off(one: _Point) -> float:
        return search.off(one.rate, one.error)

    for _ in range(_STEPS_TRIED):
        fine = max((one for one in tried if off(one) > 0), key=_step, default=None)
        coarse = min((one for one in tried if off(one) <= 0), key=_step, default=None)
        if fine is not None and coarse is not None:
            step = math.sqrt(fine.step * coarse.step)
        elif fine is not None:
            step = 2 * fine.step
        else:
            step = min(tried, key=_step).step / 4
        tried.append(_Point(step, *coder.code_sample(step, SMALLEST_STATE_BITS, None)))
        if abs(off(tried[-1])) < _NEAR:
            return tried[-1]
    nearest = min(tried, key=lambda one: abs(off(one)))
    tried.append(_Point(math.inf, 0.0, deviation**2))
    if all(off(one) <= 0 for one in tried):
        return nearest  # beyond what any step gives
    return _Point(nearest.step, *search.between(tried))


def _step(one: _Point) -> float:
    return one.step


def _between(place: float, points: list[tuple[float, float]]) -> float:
    """The value at a place on a line through the nearest points on both sides of it."""
    low = max((one for one in points if one[0] <= place), default=min(points))
    high = min((one for one in points if one[0] >= place), default=max(points))
    if high[0] <= low[0]:
        return low[1]
    return low[1] + (high[1] - low[1]) * (place - low[0]) / (high[0] - low[0])
