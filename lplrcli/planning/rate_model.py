"""What normally distributed coefficients cost, and what error they leave, at a given step.

The figures are those of the trellis with 8 states (benchmarks/quantizer_loss.py prints them).
Real coefficients are seldom normal: predictions start a search that actual coding finishes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

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

_LAST = len(_BITS) - 1
_PLACES = np.arange(len(_BITS), dtype=np.float64)
_LINES: list[list[float]] = np.stack(
    [_BITS[:-1], np.diff(_BITS), _DISTORTIONS[:-1], np.diff(_DISTORTIONS)], axis=1
).tolist()
"""Both tables between entry i and the next: where each starts and how far it goes."""

_FALLING = _DISTORTIONS * 4.0 ** -(_FIRST + _PLACES / _PER_OCTAVE)
"""Distortions in squared deviations."""

LAGRANGIAN = 0.36
"""Squared units that a bit is worth."""

VANISHING = 0.45
"""Directions whose coefficients have no greater deviation, in steps, become zero."""

_LEAST = 1e-300

_AT_ONCE = 2**16
"""Deviations times steps that are looked at together: half a megabyte an array."""

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
    at = (np.log2(np.maximum(deviations / unit, _LEAST)) - _FIRST) * _PER_OCTAVE
    bits = np.interp(at, _PLACES, _BITS) + np.maximum(at - _LAST, 0) / _PER_OCTAVE
    squares = np.interp(at, _PLACES, _DISTORTIONS) * unit**2
    return bits, np.where(at < 0, deviations**2, squares)


def one_bits_and_distortion(deviation: float, unit: float) -> tuple[float, float]:
    """`bits_and_distortion` of a single deviation, to the last digit.

    Bisections ask for thousands: as arrays of one entry they took most of the time that a small
    matrix did.
    """
    # The logarithm of the standard library may round otherwise.
    at = (float(np.log2(max(deviation / unit, _LEAST))) - _FIRST) * _PER_OCTAVE
    if at < 0:
        return float(_BITS[0]), deviation * deviation
    if at >= _LAST:
        return float(_BITS[-1]) + (at - _LAST) / _PER_OCTAVE, float(_DISTORTIONS[-1]) * unit**2
    place = int(at)
    bits, more, squares, change = _LINES[place]
    return more * (at - place) + bits, (change * (at - place) + squares) * unit**2


def unit_with_distortion(deviation: float, distortion: float) -> float:
    """Largest unit at which `one_bits_and_distortion` tells no greater error, about.

    Where even zeros err no more, that at which everything becomes zero.

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
    """Bits of a normal variable rounded to integers; `ratio` is its deviation."""
    if ratio > 2:  # from here on exact to five digits
        return math.log2(ratio**2 + 1 / 12) / 2 + _NORMAL_ENTROPY
    edges = np.arange(-16.5, 17.0) / max(ratio, 1e-3) / math.sqrt(2)
    shares = np.diff([math.erf(edge) / 2 for edge in edges])
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


@dataclass(frozen=True)
class Bands:
    """How the energy of the directions is spread over the coefficients of one side.

    Attributes
    ----------
    counts : ndarray of float64, shape (bands,)
        Coefficients of a band.
    shares : ndarray of float64, shape (r, bands)
        Part of each direction's energy that lies in a band.
    """

    counts: NDArray[np.float64]
    shares: NDArray[np.float64]


_Side = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Coefficients of the bands, shape (bands,), their energies and deviations, shape (r, bands)."""


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
    bands : tuple of Bands or None
        Of left and right coefficients; None where they are as entries are, of like size.
    """

    shape: tuple[int, int]
    energies: NDArray[np.float64]
    total: float
    bands: tuple[Bands | None, Bands | None] = (None, None)

    @cached_property
    def tail(self) -> float:
        """Energy beyond the directions known."""
        return max(self.total - float(self.energies.sum()), 0.0)

    def factors(self, step: float) -> tuple[float, float]:
        """Bits and squared error of L R with `step` on both sides, as ALGORITHM, step 2."""
        bits, error = self.factors_at(np.array([step]))
        return float(bits[0]), float(error[0])

    def factors_at(
        self, steps: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`factors` of many steps: one by one they take most of the time of a small matrix."""
        width = max([1, *(energies.size for _, energies, _ in self._sides)])
        count = max(1, _AT_ONCE // width)
        parts = [
            self._factors_at(steps[start : start + count]) for start in range(0, len(steps), count)
        ]
        bits, error = (np.concatenate(found) for found in zip(*parts, strict=True))
        return bits, error

    def _factors_at(
        self, steps: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        bits = np.zeros((len(steps), len(self.energies)))
        error = np.zeros_like(bits)
        for counts, energies, deviations in self._sides:
            side_bits, squares = bits_and_distortion(deviations, steps[:, None, None])
            bits += (counts * side_bits).sum(axis=2)
            error += np.minimum(counts * squares, energies).sum(axis=2)
        # A direction that costs bits on one side only is dropped.
        worth = error < self.energies
        kept = np.where(worth, error, self.energies).sum(axis=1)
        return np.where(worth, bits, 0.0).sum(axis=1), kept + self.tail

    def cost(self, step: float) -> float:
        """Bits, and the error in bits: what rate-distortion optimisation makes least."""
        bits, error = self.factors(step)
        return bits + error / (LAGRANGIAN * step**2)

    def rank(self, step: float) -> int:
        """Directions that are worth their bits at `step`."""
        peaks = [(energies / counts).max(axis=1) for counts, energies, _ in self._sides]
        worth = np.minimum(*peaks) > (VANISHING * step) ** 2
        return int(np.flatnonzero(worth)[-1]) + 1 if worth.any() else 0

    @cached_property
    def _sides(self) -> list[_Side]:
        """Of both sides."""
        sides = []
        for length, bands in zip(self.shape, self.bands, strict=True):
            if bands is None:
                counts, energies = np.array([float(length)]), self.energies[:, None]
            else:
                counts = bands.counts
                energies = self.energies[:, None] * bands.shares[: len(self.energies)]
            sides.append((counts, energies, np.sqrt(energies / counts)))
        return sides


_EXACT_ENOUGH = 1e-7
"""Relative precision of steps that only predict: a search goes on from there."""


def solved(function: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function of a positive number is zero, by bisection of the logarithm."""
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
