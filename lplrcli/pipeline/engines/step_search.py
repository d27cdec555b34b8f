"""One knob, the step, turned until the size or the error is the one asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

T = TypeVar("T")

_TRIES = 10

_LEAP = 2.0
"""Logarithm of the greatest change of the step."""

_NARROW = 1e-4
"""Logarithms of steps between which nothing is looked for."""

_STILL = 1e-3
"""Logarithms of measures that differ by less are equal."""

_PLATEAU = 6.0
"""Logarithm of the range of steps over which an equal measure is taken to stay so for ever.

Where all codes are zero it is equal too, but not for so long.
"""


def largest_within(
    attempt: Callable[[float], tuple[T, float]],
    start: float,
    limit: float,
    least: float,
    slope: float,
) -> tuple[T, float, float] | None:
    """The result whose measure comes closest to `limit` from below.

    The logarithm of the measure is taken for a nearly linear function of that of the step:
    secants, and ever nearer to bisection where one end of the bracket stays.

    Parameters
    ----------
    attempt : callable
        Gives a result and its measure (bytes, squared error) for a step.
    start : float
        Step that is predicted to measure `limit`.
    limit : float
        The measure may not exceed it.
    least : float
        A measure above this is good enough.
    slope : float
        Of the logarithm of the measure over that of the step, about.

    Returns
    -------
    tuple or None
        The result, its step and its measure; None if no step tried stayed within the limit.
    """
    best: tuple[T, float, float] | None = None
    points: list[_Point] = []
    within: _Point | None = None
    beyond: _Point | None = None
    aim = math.log(limit) - 0.4 * math.log(limit / least)
    place = math.log(start) + max(-_LEAP, min(_LEAP, (aim - math.log(limit)) / slope))
    for _ in range(_TRIES):
        result, measure = attempt(math.exp(place))
        points.append(_Point(place, math.log(max(measure, 1e-300)), measure <= limit))
        if measure > limit:
            beyond = points[-1]
        else:
            within = points[-1]
            if best is None or measure > best[2]:
                best = result, math.exp(place), measure
            if measure >= least:
                break
        if within is not None and beyond is not None:
            if abs(within.step - beyond.step) < _NARROW:
                break
            place = _between(within, beyond, aim, points)
        elif _constant(points):
            break
        else:
            place = _beyond(points, aim, slope)
    return best


@dataclass(frozen=True)
class _Point:
    """Logarithms of a step and of what it measured, and whether that is within the limit."""

    step: float
    measure: float
    within: bool


def _between(low: _Point, high: _Point, aim: float, points: list[_Point]) -> float:
    """Where a secant meets the aim; the nearer to the middle, the longer one end has stayed."""
    slope = (low.measure - high.measure) / (low.step - high.step)
    middle, width = (low.step + high.step) / 2, abs(low.step - high.step)
    stayed = sum(1 for _ in takewhile(lambda one: one.within == points[-1].within, points[::-1]))
    reach = width * max(0.5 - 0.05 * 4.0 ** (stayed - 1), 0.0)
    place = low.step + (aim - low.measure) / slope if slope else middle
    return min(max(place, middle - reach), middle + reach)


def _beyond(points: list[_Point], aim: float, slope: float) -> float:
    """Further along the slope: that of the last two points unless it is far from the given one."""
    here = points[-1]
    if len(points) > 1 and points[-2].step != here.step:
        found = (here.measure - points[-2].measure) / (here.step - points[-2].step)
        if abs(here.measure - points[-2].measure) < _STILL:
            return here.step + math.copysign(_LEAP, (aim - here.measure) / slope)
        if 0.05 < found / slope < 20:
            slope = found
    return here.step + max(-_LEAP, min(_LEAP, (aim - here.measure) / slope))


def _constant(points: list[_Point]) -> bool:
    """Whether the measure has stayed the same over a wide range of steps."""
    here = points[-1]
    same = takewhile(lambda one: abs(one.measure - here.measure) < _STILL, points[::-1])
    return max(abs(one.step - here.step) for one in same) > _PLATEAU
