"""Three shapes of answer, and which of them has the least error at a size, or the least size.

``factors`` A ≈ L R; ``factors+residual`` A ≈ L R + E, where what the factors leave, their own
quantization error included, is coded entry by entry; ``direct`` A ≈ E.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lplrcli.planning.rate_model import (
    Spectrum,
    one_bits_and_distortion,
    residual_error,
    residual_step,
    solved,
)

_STEPS_PER_OCTAVE = 4


@dataclass(frozen=True)
class Prediction:
    """What one mode is expected to reach.

    Attributes
    ----------
    mode : str
        ``factors``, ``factors+residual`` or ``direct``.
    step : float
        Of the factors; 0 for ``direct``.
    residual_step : float
        Of the residual; 0 for ``factors``.
    bits : float
        Of the codes; tables and headers not counted.
    squared_error : float
        Absolute, not relative.
    """

    mode: str
    step: float
    residual_step: float
    bits: float
    squared_error: float


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

    def predicted(step: float) -> Prediction:
        spent, left = spectrum.factors(step)
        fine = residual_step(left / entries, entries, bits - spent)
        # Without bits for it there is no residual: that is the other mode.
        coded = spent < bits and np.isfinite(fine)
        error = residual_error(left / entries, entries, fine) if coded else np.inf
        return Prediction("factors+residual", step, fine, bits, error)

    return min(
        (predicted(step) for step in _steps(spectrum)), key=lambda found: found.squared_error
    )


def residual_at_error(spectrum: Spectrum, squared_error: float) -> Prediction:
    """Least bits of factors and residual together with at most `squared_error`."""
    entries = spectrum.shape[0] * spectrum.shape[1]

    def predicted(step: float) -> Prediction:
        spent, left = spectrum.factors(step)
        deviation = math.sqrt(left / entries)

        def excess(fine: float) -> float:
            return entries * one_bits_and_distortion(deviation, fine)[1] - squared_error

        fine = solved(excess, _least(deviation), 4 * deviation + 1e-300)
        bits = spent + entries * one_bits_and_distortion(deviation, fine)[0]
        return Prediction("factors+residual", step, fine, bits, squared_error)

    return min((predicted(step) for step in _steps(spectrum)), key=lambda found: found.bits)


def _steps(spectrum: Spectrum) -> Iterator[float]:
    """Steps from where all directions vanish down to where the last is coded finely."""
    n, d = spectrum.shape
    largest = 2 * np.sqrt(spectrum.energies[0] / min(n, d))
    smallest = 0.2 * np.sqrt(max(float(spectrum.energies[-1]), spectrum.total * 1e-16) / max(n, d))
    octaves = np.log2(largest / smallest)
    for k in range(int(octaves * _STEPS_PER_OCTAVE) + 1):
        yield float(largest * 2.0 ** (-k / _STEPS_PER_OCTAVE))


def _range(spectrum: Spectrum) -> tuple[float, float]:
    high = 4 * float(np.sqrt(spectrum.energies[0] / min(spectrum.shape)))
    return high * 2.0**-60, high


def _least(deviation: float) -> float:
    return deviation * 2.0**-40 + 1e-300
