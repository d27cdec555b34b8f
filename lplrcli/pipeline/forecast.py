"""What a matrix is like, and what each mode would make of it at any size or error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lplrcli.linalg.passes import Passes
from lplrcli.linalg.range_finder import directions_needed, exact_energies, gram_is_affordable
from lplrcli.model.plan import MODES
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.compress import first_plan
from lplrcli.pipeline.engines.codings import ModeCoders
from lplrcli.pipeline.memory_needs import require_for_compressing
from lplrcli.pipeline.survey.direct_curve import DirectCurve
from lplrcli.pipeline.survey.matrix_survey import HEADER_BYTES
from lplrcli.planning import mode_predictions
from lplrcli.planning.rate_bounds import least_bits, least_error
from lplrcli.planning.rate_model import Spectrum
from lplrcli.planning.targets import DIRECT_ENTRIES

_MOST_DIRECTIONS = 512
"""Where the exact spectrum is too dear, so many directions at most are looked for."""

_LOOKED_FOR: tuple[dict[str, Any], ...] = (
    {"bpc": 0.25},
    {"bpc": 1.0},
    {"bpc": 4.0},
    {"rel_error": 1e-3},
)
"""Further directions are looked for there while one of these targets could use them."""


@dataclass(frozen=True)
class Lattice:
    """What entries that are multiples of one number allow.

    Attributes
    ----------
    step : float
        That number.
    file_bytes : int
        Of a file without any error, about.
    """

    step: float
    file_bytes: int


@dataclass(frozen=True)
class Outcome:
    """One mode at one target.

    Attributes
    ----------
    file_bytes : int
        Of the whole file.
    relative_error : float
        Of the decoded matrix.
    bound : float or None
        Where the size is given: the least relative error that normal coefficients could have in
        a file of that size. Where the error is: the least bits per coordinate; None if the
        directions known cannot tell. See `lplrcli.planning.rate_bounds`.
    """

    file_bytes: int
    relative_error: float
    bound: float | None


class Forecast:
    """One look at a matrix, and the answers to any number of questions about it.

    Parameters
    ----------
    source : MatrixSource
        The matrix A (n x d).
    threads : int
        No answer depends on it.
    most_bpc, least_error : float
        The largest size and the smallest error that will be asked about.
    """

    def __init__(
        self, source: MatrixSource, threads: int, most_bpc: float, least_error: float
    ) -> None:
        self.passes = Passes(source, threads)
        self.shape = source.shape
        self.entries = source.shape[0] * source.shape[1]
        self._limits = most_bpc, least_error
        plans = [first_plan(source.shape, source.dtype, **goal) for goal in _LOOKED_FOR]
        require_for_compressing(source, plans[0], threads)
        self._coders = [ModeCoders(self.passes, plan, threads) for plan in plans]
        with threadpool_limits(1, "blas"):
            self.energies, self.found_by = self._known_energies()
            self.norm = self.passes.scan().norm
            self.source_norm = self.passes.scan().source_norm
            self.lattice = self._lattice()

    @cached_property
    def spectrum(self) -> Spectrum:
        """The energies known, and that of all others."""
        return Spectrum(self.shape, self.energies, self.norm**2)

    @property
    def complete(self) -> bool:
        """Whether all singular values are known."""
        return len(self.energies) == min(self.shape)

    @property
    def modes(self) -> tuple[str, ...]:
        """Those that a matrix of this size is coded in."""
        return MODES if self.entries <= DIRECT_ENTRIES else MODES[:1]

    def rank_holding(self, share: float) -> int | None:
        """Least rank with `share` of the energy; None if it is more than the directions known."""
        held = np.cumsum(self.energies) >= share * self.norm**2 * (1 - 1e-12)
        return int(held.argmax()) + 1 if held.any() else None

    def at_size(self, bpc: float) -> dict[str, Outcome]:
        """What each mode would reach in files of `bpc` bits per coordinate; none for zeros."""
        file_bytes = math.floor(bpc * self.entries / 8)
        bits = 8.0 * (file_bytes - HEADER_BYTES)
        if self.norm == 0 or bits <= 0:
            return {}
        return {mode: self._at_size(mode, file_bytes, bits) for mode in self.modes}

    def at_error(self, error: float) -> dict[str, Outcome]:
        """What each mode that reaches it would take for a relative error; nothing for zeros."""
        if self.norm == 0:
            return {}
        found = {mode: self._at_error(mode, error) for mode in self.modes}
        return {mode: outcome for mode, outcome in found.items() if outcome is not None}

    def bound(self, bpc: float) -> float:
        """The least of the modes' bounds to the relative error."""
        return self._bound("factors" if len(self.modes) == 1 else "factors+residual", bpc)

    def _at_size(self, mode: str, file_bytes: int, bits: float) -> Outcome:
        bound = self._bound(mode, 8 * file_bytes / self.entries)
        if mode == "direct":
            if self.lattice is not None and file_bytes >= self.lattice.file_bytes:
                return Outcome(self.lattice.file_bytes, 0.0, bound)
            return Outcome(file_bytes, self._direct.error(bits / self.entries), bound)
        at_size = mode_predictions.factors_at_size
        if mode == "factors+residual":
            at_size = mode_predictions.residual_at_size
        squared = at_size(self.spectrum, bits).squared_error
        return Outcome(file_bytes, self._relative(min(squared, self.norm**2)), bound)

    def _at_error(self, mode: str, error: float) -> Outcome | None:
        squared_error = (error * self.norm) ** 2
        if mode == "direct":
            bits = self.entries * self._direct.bits(error)
        elif mode == "factors":
            factors = mode_predictions.factors_at_error(self.spectrum, squared_error)
            if factors is None:
                return None
            bits = factors.bits
        else:
            bits = mode_predictions.residual_at_error(self.spectrum, squared_error).bits
        file_bytes = HEADER_BYTES + math.ceil(bits / 8)
        if mode == "direct" and self.lattice and self.lattice.file_bytes <= file_bytes:
            file_bytes, error = self.lattice.file_bytes, 0.0
        least = least_bits(self.spectrum, mode, squared_error)
        return Outcome(file_bytes, error, None if least is None else least / self.entries)

    def _bound(self, mode: str, bpc: float) -> float:
        return self._relative(least_error(self.spectrum, mode, bpc * self.entries))

    def _relative(self, squared_error: float) -> float:
        return math.sqrt(squared_error) / self.norm

    @cached_property
    def _direct(self) -> DirectCurve:
        with threadpool_limits(1, "blas"):
            deviation = self.norm / math.sqrt(self.shape[0] * self.shape[1])
            return DirectCurve(self._coders[0].direct_sample, deviation, *self._limits)

    def _known_energies(self) -> tuple[NDArray[np.float64], str]:
        """Squared singular values: all, if that is affordable, or as many as could be of use."""
        if gram_is_affordable(self.shape):
            return exact_energies(self.passes), "gram"
        plan = self._coders[0].plan
        found = directions_needed(
            self.passes,
            partial(_needed, self._coders),
            sketch=str(plan.sketch),
            power_iterations=int(plan.power_iterations or 1),
            seed=plan.seed,
        )
        return found.energies, found.found_by

    def _lattice(self) -> Lattice | None:
        coders = self._coders[0]
        rate = coders.lossless_rate()
        if rate is None or coders.lattice is None:
            return None
        return Lattice(coders.lattice, HEADER_BYTES + math.ceil(rate * self.entries / 8))


def _needed(coders: Sequence[ModeCoders], energies: NDArray[np.float64], complete: bool) -> int:
    if len(energies) >= _MOST_DIRECTIONS:
        return 0
    return max(coder.needed(energies, complete) for coder in coders)
