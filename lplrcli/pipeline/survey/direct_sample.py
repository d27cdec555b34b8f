"""What coding every entry takes and leaves, tried on a sample at a few steps."""

from __future__ import annotations

import math
from collections.abc import Callable

from lplrcli.pipeline.encode.residual import ResidualCoder
from lplrcli.planning.mode_predictions import Prediction

SMALLEST_STATE_BITS = 3
"""State bits of the trellis that samples are coded with."""

_FIELD_START = 1 / 8
"""Step of a field that is tried first, in deviations of its entries."""

_STEPS_TRIED = 8

_NEAR = 0.02
"""Octaves of the step that end the search."""


class DirectSample:
    """Predictions of the mode ``direct`` for one matrix.

    Each answer is kept: asked again, it is what it was. A search for the step of a field starts
    where the last one ended.
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self._known: dict[tuple[str, float], Prediction] = {}

    def at_rate(self, coder: ResidualCoder, norm: float, rate: float) -> Prediction:
        """The step with which the sample takes `rate` bits per entry, and what that leaves.

        Parameters
        ----------
        coder : ResidualCoder
            Coder of the matrix without factors.
        norm : float
            Frobenius norm of the matrix, at the scale of the passes.
        rate : float
            Bits per entry, more than 0.
        """

        def excess(found: float, _: float) -> float:
            if not coder.layout.transformed:
                return found - rate
            # At a low rate, the bits of a field are in inverse proportion to the step.
            return math.log2(max(found, 1e-6) / rate) * max(1.0, 0.7 * rate)

        return self._at(("rate", rate), coder, norm, excess)

    def at_error(self, coder: ResidualCoder, norm: float, squared_error: float) -> Prediction:
        """The step with which all entries have `squared_error`, and the bits that takes.

        Parameters
        ----------
        coder : ResidualCoder
            Coder of the matrix without factors.
        norm : float
            Frobenius norm of the matrix, at the scale of the passes.
        squared_error : float
            Sum over all entries.
        """
        rows, columns = coder.passes.shape
        wanted = squared_error / (rows * columns)

        def excess(_: float, found: float) -> float:
            return 0.5 * math.log2(wanted / max(found, 1e-300))

        return self._at(("error", squared_error), coder, norm, excess)

    def _at(
        self,
        asked: tuple[str, float],
        coder: ResidualCoder,
        norm: float,
        excess: Callable[[float, float], float],
    ) -> Prediction:
        """Code the sample at a few steps, to where `excess`, in octaves, is nearly zero."""
        if asked not in self._known:
            self._known[asked] = self._searched(coder, norm, excess)
        return self._known[asked]

    def _searched(
        self, coder: ResidualCoder, norm: float, excess: Callable[[float, float], float]
    ) -> Prediction:
        entries = coder.passes.shape[0] * coder.passes.shape[1]
        field = coder.layout.transformed
        deviation = norm / math.sqrt(entries)
        step = self._start or (_FIELD_START if field else 1.0) * deviation
        rate, error = 0.0, 0.0
        for _ in range(_STEPS_TRIED):
            rate, error = coder.code_sample(step, SMALLEST_STATE_BITS, None)
            octaves = excess(rate, error)
            if abs(octaves) < _NEAR:
                break
            step *= 2.0 ** min(max(octaves, -8.0), 8.0)
        if field:
            self._start = step
        return Prediction("direct", 0.0, step, rate * entries, error * entries)
