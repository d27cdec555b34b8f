"""What normally distributed coefficients cost, and what error they leave, at a given step.

The figures are those of the trellis with 8 states (benchmarks/quantizer_loss.py prints them).
Real coefficients are seldom normal: predictions start a search that actual coding finishes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FIRST, _PER_OCTAVE = -1.0, 4
"""Entry i is of log2(deviation / unit) = _FIRST + i / _PER_OCTAVE."""

_BITS = np.array(
    [0.0, 0.0, 0.2118, 0.6518, 0.8929, 1.1592, 1.4458, 1.723, 1.9933, 2.2595, 2.5209, 2.779,
     3.0346, 3.289, 3.5416, 3.794, 4.0453]
)  # fmt: skip
_DISTORTIONS = np.array(
    [0.2507, 0.3545, 0.4019, 0.3191, 0.3219, 0.3153, 0.2997, 0.2883, 0.2802, 0.2739, 0.2701,
     0.267, 0.265, 0.263, 0.2623, 0.2616, 0.2608]
)  # fmt: skip
"""In squared units."""

_LEAST = 1e-300

_NORMAL_ENTROPY = 0.5 * math.log2(2 * math.pi * math.e)
"""Differential entropy of a standard normal variable."""


def bits_and_distortion(
    deviations: NDArray[np.float64], unit: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bits per coefficient and mean squared error, by deviation.

    Parameters
    ----------
    deviations : ndarray of float64
        Standard deviations of the coefficients.
    unit : float
        Distance of neighbouring integers.
    """
    at = (np.log2(np.maximum(deviations / unit, _LEAST)) - _FIRST) * _PER_OCTAVE
    places = np.arange(len(_BITS))
    last = places[-1]
    bits = np.interp(at, places, _BITS) + np.maximum(at - last, 0) / _PER_OCTAVE
    squares = np.interp(at, places, _DISTORTIONS) * unit**2
    return bits, np.where(at < 0, deviations**2, squares)


def normal_entropy(ratio: float) -> float:
    """Bits of a normal variable rounded to integers; `ratio` is its deviation."""
    if ratio > 2:  # from here on exact to five digits
        return math.log2(ratio**2 + 1 / 12) / 2 + _NORMAL_ENTROPY
    edges = np.arange(-16.5, 17.0) / max(ratio, 1e-3) / math.sqrt(2)
    shares = np.diff([math.erf(edge) / 2 for edge in edges])
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


@dataclass(frozen=True)
class Spectrum:
    """What is known of a matrix before it is coded.

    Attributes
    ----------
    shape : tuple of int
        n and d.
    energies : ndarray of float64, shape (r,)
        Leading squared singular values, descending.
    total : float
        Squared Frobenius norm; what exceeds the sum of `energies` is the tail.
    """

    shape: tuple[int, int]
    energies: NDArray[np.float64]
    total: float

    @property
    def tail(self) -> float:
        """Energy beyond the directions known."""
        return max(self.total - float(self.energies.sum()), 0.0)

    def factors(self, step: float) -> tuple[float, float]:
        """Bits and squared error of L R with `step` on both sides, as ALGORITHM, step 2."""
        n, d = self.shape
        bits, error = np.zeros(len(self.energies)), np.zeros(len(self.energies))
        for side in (n, d):
            side_bits, squares = bits_and_distortion(np.sqrt(self.energies / side), step)
            bits += side * side_bits
            error += np.minimum(side * squares, self.energies)
        # A direction that costs bits on one side only is dropped.
        worth = error < self.energies
        kept = np.where(worth, error, self.energies).sum()
        return float(bits[worth].sum()), float(kept) + self.tail

    def rank(self, step: float) -> int:
        """Directions that are worth their bits at `step`."""
        return int((self.energies > (0.45 * step) ** 2 * max(self.shape)).sum())


def solved(function: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function of a positive number is zero, by bisection of the logarithm."""
    for _ in range(60):
        if high <= low * (1 + 1e-9):
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
    deviation = np.array([np.sqrt(variance)])

    def missing(step: float) -> float:
        return bits - entries * float(bits_and_distortion(deviation, step)[0][0])

    return solved(missing, float(deviation[0]) * 2.0**-40, float(deviation[0]) * 4)


def residual_error(variance: float, entries: int, step: float) -> float:
    """Squared error of a residual coded with `step`."""
    if not np.isfinite(step):
        return entries * variance
    deviation = np.array([np.sqrt(variance)])
    return entries * float(bits_and_distortion(deviation, step)[1][0])
