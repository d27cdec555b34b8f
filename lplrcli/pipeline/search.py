"""One knob, the step, turned until the size or the error is the one asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_TRIES = 10


def largest_within(
    attempt: Callable[[float], tuple[T, float]],
    start: float,
    limit: float,
    least: float,
    slope: float,
) -> tuple[T, float, float] | None:
    """The result whose measure comes closest to `limit` from below.

    The logarithm of the measure is taken for a nearly linear function of that of the step:
    secants, and bisection where they leave the bracket.

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
    within: tuple[float, float] | None = None
    beyond: tuple[float, float] | None = None
    aim = math.log(limit) - 0.4 * math.log(limit / least)
    step = start * math.exp((aim - math.log(limit)) / slope)
    for _ in range(_TRIES):
        result, measure = attempt(step)
        point = (math.log(step), math.log(max(measure, 1e-300)))
        if measure <= limit:
            if best is None or measure > best[2]:
                best = result, step, measure
            within = point
            if measure >= least:
                break
        else:
            if beyond is not None and within is None and abs(point[1] - beyond[1]) < 1e-3:
                break  # it does not depend on the step any more
            beyond = point
        if within is not None and beyond is not None:
            if abs(within[0] - beyond[0]) < 1e-4:
                break
            slope = (within[1] - beyond[1]) / (within[0] - beyond[0]) or slope
            place = within[0] + (aim - within[1]) / slope
            low, high = sorted((within[0], beyond[0]))
            margin = 0.05 * (high - low)
            place = min(max(place, low + margin), high - margin)
        else:
            place = point[0] + max(-2.0, min(2.0, (aim - point[1]) / slope))
        step = math.exp(place)
    return best
