"""Least error at a size, or least size at an error, of each mode of coding a matrix.

``factors`` A ≈ L R; ``factors+residual`` A ≈ L R + E, where what the factors leave, their own
quantization error included, is coded entry by entry; ``direct`` A ≈ E.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lplrcli.planning.normal_rates import (
    one_bits_and_distortion,
    residual_error,
    residual_step,
    solved,
    unit_with_distortion,
)
from lplrcli.planning.spectrum import Spectrum

_STEPS_PER_OCTAVE = 4

_FINEST_RESIDUAL = 2.0**-25
"""Least step of a residual, in deviations: codes have 29 bits, and the largest of millions of
normal values is six deviations from zero."""


@dataclass(frozen=True)
class Prediction:
    """What one mode is expected to reach.

    Attributes
    ----------
    mode : str
        ``factors``, ``factors+residual`` or ``direct``.
    step : float
        Step of the factors; 0 for ``direct``.
    residual_step : float
        Step of the residual; 0 for ``factors``.
    bits : float
        Bits of the codes; tables and headers not counted.
    squared_error : float
        Absolute, not relative.
    """

    mode: str
    step: float
    residual_step: float
    bits: float
    squared_error: float

    @property
    def error(self) -> float:
        """Root of the squared error."""
        return math.sqrt(self.squared_error)

    @property
    def cost(self) -> float:
        """Bits of the codes."""
        return self.bits


def at_size(mode: str, spectrum: Spectrum, bits: float) -> Prediction | None:
    """Least error within `bits` of a mode with factors; None if they are too few for any code."""
    found = (factors_at_size if mode == "factors" else residual_at_size)(spectrum, bits)
    return found if math.isfinite(found.residual_step) else None


def at_error(mode: str, spectrum: Spectrum, squared_error: float) -> Prediction | None:
    """Least bits of a mode with factors for a squared error; None if it is out of reach."""
    if mode == "factors":
        return factors_at_error(spectrum, squared_error)
    return residual_at_error(spectrum, squared_error)


def factors_at_size(spectrum: Spectrum, bits: float) -> Prediction:
    """Least error of factors within `bits`."""
    low, high = _range(spectrum)
    step = solved(lambda step: bits - spectrum.factors(step)[0], low, high)
    return Prediction("factors", step, 0.0, *spectrum.factors(step))


def factors_at_error(spectrum: Spectrum, squared_error: float) -> Prediction | None:
    """Least bits of factors with at most `squared_error`; None if the rank known is too small."""
    low, high = _range(spectrum)
    if spectrum.factors(low)[1] > squared_error:
        return None
    step = solved(lambda step: spectrum.factors(step)[1] - squared_error, low, high)
    return Prediction("factors", step, 0.0, *spectrum.factors(step))


def residual_at_size(spectrum: Spectrum, bits: float) -> Prediction:
    """Least error of factors and residual together within `bits`."""
    entries = spectrum.shape[0] * spectrum.shape[1]

    def predicted(step: float, spent: float, left: float) -> Prediction:
        fine = residual_step(left / entries, entries, bits - spent)
        fine = max(fine, _FINEST_RESIDUAL * math.sqrt(left / entries))
        # Without bits for it there is no residual: that is the other mode.
        coded = spent < bits and np.isfinite(fine)
        error = residual_error(left / entries, entries, fine) if coded else np.inf
        return Prediction("factors+residual", step, fine, bits, error)

    found = (predicted(*one) for one in _factors(spectrum))
    return min(found, key=lambda one: one.squared_error)


def residual_at_error(spectrum: Spectrum, squared_error: float) -> Prediction:
    """Least bits of factors and residual together with at most `squared_error`.

    By factors so fine that the residual's codes do not grow beyond what the format holds, if
    there are any.
    """
    entries = spectrum.shape[0] * spectrum.shape[1]

    def predicted(step: float, spent: float, left: float) -> tuple[bool, Prediction]:
        deviation = math.sqrt(left / entries)
        fine = unit_with_distortion(max(deviation, 1e-150), max(squared_error / entries, 1e-300))
        bits = spent + entries * one_bits_and_distortion(deviation, fine)[0]
        too_long = fine < _FINEST_RESIDUAL * deviation
        return too_long, Prediction("factors+residual", step, fine, bits, squared_error)

    deep = math.sqrt(squared_error / entries) / _FINEST_RESIDUAL / 8
    found = (predicted(*one) for one in _factors(spectrum, deep))
    # Where all leave too much, those leave the least that are the finest.
    return min(found, key=lambda one: (one[0], one[1].step if one[0] else one[1].bits))[1]


def _factors(spectrum: Spectrum, wanted: float = math.inf) -> Iterator[tuple[float, float, float]]:
    """Steps, each with bits and squared error of the factors coded with it.

    From where all directions vanish down to where the last is coded finely; or down to `wanted`,
    if that is less, as far as codes of factors reach.
    """
    n, d = spectrum.shape
    largest = 2 * np.sqrt(spectrum.energies[0] / min(n, d))
    smallest = 0.2 * np.sqrt(max(float(spectrum.energies[-1]), spectrum.total * 1e-16) / max(n, d))
    smallest = min(smallest, max(wanted, _FINEST_RESIDUAL * math.sqrt(spectrum.total)))
    count = int(np.log2(largest / smallest) * _STEPS_PER_OCTAVE) + 1
    steps = largest * 2.0 ** (-np.arange(count) / _STEPS_PER_OCTAVE)
    bits, errors = spectrum.factors_at(steps)
    yield from zip(steps.tolist(), bits.tolist(), errors.tolist(), strict=True)


def _range(spectrum: Spectrum) -> tuple[float, float]:
    high = 4 * float(np.sqrt(spectrum.energies[0] / min(spectrum.shape)))
    return high * 2.0**-60, high
