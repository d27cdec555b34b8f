"""What coding the entries themselves would cost: measured on a sample, interpolated between."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

_HALVES = 10
"""So many steps are half an octave apart; finer ones, where the curve is straight, a whole one."""

_MOST_STEPS = 32


class DirectCurve:
    """Error of the mode ``direct`` over its bits.

    The sample is coded at steps from coarse to fine, as far as `bits` and `error` need; between
    two of them the logarithm of the error is taken for linear in the bits, as it is for normal
    entries at any rate (Cover and Thomas, Theorem 10.3.2).

    Parameters
    ----------
    coded : callable
        Bits per entry and mean squared error of the sample at a step.
    deviation : float
        Root mean square of the entries, not zero.
    bits : float
        Most bits per entry that will be asked for.
    error : float
        Least relative error that will be asked for.
    """

    def __init__(
        self,
        coded: Callable[[float], tuple[float, float]],
        deviation: float,
        bits: float,
        error: float,
    ) -> None:
        step = 4 * deviation
        self._bits, self._logs = [0.0], [0.0]
        for k in range(_MOST_STEPS):
            spent, squares = coded(step)
            # Of the sample, which may be a little stronger or weaker than the whole.
            log = math.log2(max(squares, 1e-300) / deviation**2)
            if spent > self._bits[-1] and log < self._logs[-1]:
                self._bits.append(spent)
                self._logs.append(log)
            if spent >= bits and log <= 2 * math.log2(error):
                break
            step *= 2**-0.5 if k < _HALVES else 0.5

    def error(self, bits: float) -> float:
        """Relative error at `bits` per entry."""
        return float(2 ** (0.5 * np.interp(bits, self._bits, self._logs)))

    def bits(self, error: float) -> float:
        """Bits per entry at a relative error."""
        if error <= 0:
            return math.inf
        return float(np.interp(-2 * math.log2(error), -np.array(self._logs), self._bits))
