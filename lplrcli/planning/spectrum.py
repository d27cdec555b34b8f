"""What is known of the singular values of a matrix, and what coding its factors would cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lplrcli.planning.normal_rates import LAGRANGIAN, bits_and_distortion

VANISHING = 0.45
"""Directions whose coefficients have no greater deviation, in steps, become zero."""

_EVALUATED_AT_ONCE = 2**16
"""Deviations times steps evaluated together: half a megabyte an array."""


@dataclass(frozen=True)
class Bands:
    """Spread of the energy of the directions over the coefficients of one side.

    Attributes
    ----------
    counts : ndarray of float64, shape (bands,)
        Number of coefficients of each band.
    shares : ndarray of float64, shape (r, bands)
        Part of each direction's energy that lies in a band.
    """

    counts: NDArray[np.float64]
    shares: NDArray[np.float64]


_Side = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Counts of the bands, shape (bands,), then their energies and deviations, shape (r, bands)."""


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
        Bands of left and of right coefficients; None where all of them are of like size.
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
        """Bits and squared error of L R, all of its coefficients quantized with `step`.

        One step for all is reverse water-filling: variables above a level are left with the same
        error, the others become zero (Cover and Thomas, Elements of Information Theory, 2nd
        edition, section 10.3.3). An error of U Σ or of Σ Vᵀ is as large an error of the product.
        """
        bits, error = self.factors_at(np.array([step]))
        return float(bits[0]), float(error[0])

    def factors_at(
        self, steps: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bits and squared errors as `factors` gives them, for many steps at a time.

        One by one they would take most of the time of a small matrix.
        """
        width = max([1, *(energies.size for _, energies, _ in self._sides)])
        count = max(1, _EVALUATED_AT_ONCE // width)
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
        """Bits plus the error in bits: what rate-distortion optimisation minimises."""
        bits, error = self.factors(step)
        return bits + error / (LAGRANGIAN * step**2)

    def rank(self, step: float) -> int:
        """Directions that are worth their bits at `step`."""
        peaks = [(energies / counts).max(axis=1) for counts, energies, _ in self._sides]
        worth = np.minimum(*peaks) > (VANISHING * step) ** 2
        return int(np.flatnonzero(worth)[-1]) + 1 if worth.any() else 0

    @cached_property
    def _sides(self) -> list[_Side]:
        """Coefficients by band of the left and of the right side."""
        sides = []
        for length, bands in zip(self.shape, self.bands, strict=True):
            if bands is None:
                counts, energies = np.array([float(length)]), self.energies[:, None]
            else:
                counts = bands.counts
                energies = self.energies[:, None] * bands.shares[: len(self.energies)]
            sides.append((counts, energies, np.sqrt(energies / counts)))
        return sides
