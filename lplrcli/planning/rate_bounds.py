"""How far any coder of normally distributed coefficients could go: what predictions stand beside.

The rate-distortion function of independent normal variables of different variances is reverse
water-filling (Cover and Thomas, Elements of Information Theory, 2nd edition, Theorem 10.3.3):
all variables above a level θ are left with the error θ, at ½ log2(σ²/θ) bits each.

- ``direct``: the n d entries are taken as independent, of equal variance ``‖A‖²/(n d)``. Then
  ``D = ‖A‖² 2**(−2 R/(n d))`` for R bits in all.
- ``factors``: direction i has n coefficients of variance ``σᵢ²/n`` in U Σ and d of variance
  ``σᵢ²/d`` in Σ Vᵀ. An error on either side is as large an error of the product, so all have
  one level θ: a direction coded leaves ``(n + d) θ`` and takes
  ``n/2 log2(σᵢ²/(n θ)) + d/2 log2(σᵢ²/(d θ))`` bits; one that is not leaves ``σᵢ²``. The number
  of directions coded is the best one.
- ``factors+residual``: the factors as above at part of the bits, then what they leave as n d
  independent entries. Both other modes are special cases, so this is the least of the bounds.

They are bounds for coefficients taken so, not for every matrix: entries that are far from normal
(sparse, on a lattice) or depend on each other take fewer bits, and singular vectors, being
orthonormal, have about r² numbers less to tell than r (n + d). Headers and tables count nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lplrcli.planning.normal_rates import solved
from lplrcli.planning.spectrum import Spectrum

_BIT_SHARES = 129
"""Divisions of the bits between factors and residual that are tried."""


def least_error(spectrum: Spectrum, mode: str, bits: float) -> float:
    """Squared error that `bits` must leave, under the model of this module.

    Parameters
    ----------
    spectrum : Spectrum
        Directions beyond those known count as one tail that no factor reduces.
    mode : str
        ``factors``, ``factors+residual`` or ``direct``.
    bits : float
        Bits of everything that is coded.
    """
    entries = spectrum.shape[0] * spectrum.shape[1]
    if mode == "direct":
        return float(spectrum.total * 2.0 ** (-2 * bits / entries))
    curve = _FactorBound(spectrum)
    if mode == "factors":
        return curve.least_error(bits)
    errors = [
        curve.least_error((1 - share) * bits) * 2.0 ** (-2 * share * bits / entries)
        for share in np.linspace(0, 1, _BIT_SHARES)
    ]
    return float(min(errors))


def least_bits(spectrum: Spectrum, mode: str, squared_error: float) -> float | None:
    """Bits that a squared error takes, under the model of this module.

    None if the directions known do not suffice.
    """
    entries = spectrum.shape[0] * spectrum.shape[1]
    if squared_error >= spectrum.total:
        return 0.0
    direct = entries / 2 * float(np.log2(spectrum.total / squared_error))
    if mode == "direct":
        return direct
    if mode == "factors":
        return _FactorBound(spectrum).least_bits(squared_error)

    def missing(bits: float) -> float:
        return squared_error - least_error(spectrum, mode, bits)

    return solved(missing, 1e-9 * direct, direct)


class _FactorBound:
    """The bound of the mode ``factors``, for every number of directions coded at once."""

    def __init__(self, spectrum: Spectrum) -> None:
        energies = spectrum.energies[spectrum.energies > 0]
        n, d = spectrum.shape
        self._total = spectrum.total
        self._energies = energies
        self._count = np.arange(1, len(energies) + 1)
        self._sides = n + d
        self._longest = max(n, d)
        self._tails = np.maximum(spectrum.total - np.cumsum(energies), 0)
        # Sum over the directions of log2(σᵢ²/n) n/2 + log2(σᵢ²/d) d/2.
        self._logs = np.cumsum(np.log2(energies)) * self._sides / 2 - self._count * (
            n / 2 * np.log2(n) + d / 2 * np.log2(d)
        )

    def least_error(self, bits: float) -> float:
        level = np.exp2(2 * (self._logs - bits) / (self._sides * self._count))
        errors = self._count * self._sides * level + self._tails
        return float(min(self._total, errors[self._above(level)].min(initial=np.inf)))

    def least_bits(self, squared_error: float) -> float | None:
        level = (squared_error - self._tails) / (self._sides * self._count)
        possible = (level > 0) & self._above(level)
        if not possible.any():
            return None
        logs = np.log2(level[possible])
        bits = self._logs[possible] - self._count[possible] * self._sides / 2 * logs
        return float(bits.min())

    def _above(self, level: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the last of the directions coded has coefficients above the level."""
        return np.asarray(self._energies >= self._longest * level)
