"""Bits that normally distributed coefficients take, and the error they leave, at a given step.

The figures are those of the trellis with 8 states (benchmarks/quantizer_loss.py prints them).
Real coefficients are seldom normal: predictions start a search that actual coding finishes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_FIRST, _PER_OCTAVE = -1.0, 4
"""Entry i of the tables is for log2(deviation / unit) = _FIRST + i / _PER_OCTAVE."""

_BITS = np.array(
    [0.0, 0.0, 0.2118, 0.6518, 0.8929, 1.1592, 1.4458, 1.723, 1.9933, 2.2595, 2.5209, 2.779,
     3.0346, 3.289, 3.5416, 3.794, 4.0453]
)  # fmt: skip
_DISTORTIONS = np.array(
    [0.2507, 0.3545, 0.4019, 0.3191, 0.3219, 0.3153, 0.2997, 0.2883, 0.2802, 0.2739, 0.2701,
     0.267, 0.265, 0.263, 0.2623, 0.2616, 0.2608]
)  # fmt: skip
"""Bits per coefficient, and mean squared errors in squared units."""

_LAST = len(_BITS) - 1
_PLACES = np.arange(len(_BITS), dtype=np.float64)
_LINES: list[list[float]] = np.stack(
    [_BITS[:-1], np.diff(_BITS), _DISTORTIONS[:-1], np.diff(_DISTORTIONS)], axis=1
).tolist()
"""Both tables between entry i and the next: where each starts and how far it goes."""

_FALLING = _DISTORTIONS * 4.0 ** -(_FIRST + _PLACES / _PER_OCTAVE)
"""Distortions in squared deviations."""

LAGRANGIAN = 0.36
"""Squared units of error that a bit is worth."""

_LEAST_RATIO = 1e-300
"""Deviation in units that stands for 0, which has no logarithm."""

_NORMAL_ENTROPY = 0.5 * math.log2(2 * math.pi * math.e)
"""Differential entropy of a standard normal variable."""


def bits_and_distortion(
    deviations: NDArray[np.float64], unit: float | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bits per coefficient and mean squared error, by deviation.

    Parameters
    ----------
    deviations : ndarray of float64
        Standard deviations of the coefficients.
    unit : float or ndarray
        Distance of neighbouring integers; broadcast against `deviations`.
    """
    at = (np.log2(np.maximum(deviations / unit, _LEAST_RATIO)) - _FIRST) * _PER_OCTAVE
    bits = np.interp(at, _PLACES, _BITS) + np.maximum(at - _LAST, 0) / _PER_OCTAVE
    squares = np.interp(at, _PLACES, _DISTORTIONS) * unit**2
    return bits, np.where(at < 0, deviations**2, squares)


def one_bits_and_distortion(deviation: float, unit: float) -> tuple[float, float]:
    """Bits and mean squared error as `bits_and_distortion` gives them, for a single deviation.

    Equal to the last digit. Bisections ask for thousands: as arrays of one entry they took most of
    the time of a small matrix.
    """
    # The logarithm of the standard library may round otherwise.
    at = (float(np.log2(max(deviation / unit, _LEAST_RATIO))) - _FIRST) * _PER_OCTAVE
    if at < 0:
        return float(_BITS[0]), deviation * deviation
    if at >= _LAST:
        return float(_BITS[-1]) + (at - _LAST) / _PER_OCTAVE, float(_DISTORTIONS[-1]) * unit**2
    place = int(at)
    bits, more, squares, change = _LINES[place]
    return more * (at - place) + bits, (change * (at - place) + squares) * unit**2


def unit_with_distortion(deviation: float, distortion: float) -> float:
    """Largest unit, about, at which `one_bits_and_distortion` tells no greater error.

    Where even zeros err no more, the unit at which everything becomes zero.

    Parameters
    ----------
    deviation : float
        Standard deviation of the coefficients, positive.
    distortion : float
        Mean squared error, positive.
    """
    wanted = distortion / (deviation * deviation)
    if wanted >= _FALLING[0]:
        return float(deviation * 2.0**-_FIRST)
    if wanted <= _FALLING[-1]:
        return math.sqrt(distortion / float(_DISTORTIONS[-1]))
    place = int(np.searchsorted(-_FALLING, -wanted)) - 1
    _, _, squares, change = _LINES[place]
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        unit = 2.0 ** -(_FIRST + (place + middle) / _PER_OCTAVE)
        if (change * middle + squares) * unit * unit > wanted:
            low = middle
        else:
            high = middle
    return float(deviation * 2.0 ** -(_FIRST + (place + high) / _PER_OCTAVE))


def normal_entropy(ratio: float) -> float:
    """Entropy in bits of a normal variable of deviation `ratio`, rounded to integers."""
    if ratio > 2:  # from here on exact to five digits
        return math.log2(ratio**2 + 1 / 12) / 2 + _NORMAL_ENTROPY
    edges = np.arange(-16.5, 17.0) / max(ratio, 1e-3) / math.sqrt(2)
    shares = np.diff([math.erf(edge) / 2 for edge in edges])
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


_EXACT_ENOUGH = 1e-7
"""Relative precision of steps that only predict: a search goes on from there."""


def solved(function: Callable[[float], float], low: float, high: float) -> float:
    """Zero of an increasing function of a positive number, by bisection of its logarithm."""
    for _ in range(60):
        if high <= low * (1 + _EXACT_ENOUGH):
            break
        middle = math.sqrt(low * high)
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return high


def residual_step(variance: float, entries: int, bits: float) -> float:
    """Step at which `entries` normal values of `variance` take `bits`; infinite without bits."""
    if bits <= 0 or variance <= 0:
        return np.inf
    deviation = math.sqrt(variance)

    def missing(step: float) -> float:
        return bits - entries * one_bits_and_distortion(deviation, step)[0]

    return solved(missing, deviation * 2.0**-40, deviation * 4)


def residual_error(variance: float, entries: int, step: float) -> float:
    """Squared error of a residual coded with `step`."""
    if not np.isfinite(step):
        return entries * variance
    return entries * one_bits_and_distortion(math.sqrt(variance), step)[1]
