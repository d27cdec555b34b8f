"""What a matrix is like, and what each mode would make of it at any size or error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lplrcli.linalg.passes import Passes
from lplrcli.linalg.range_finder import directions_needed, exact_energies, gram_is_affordable
from lplrcli.model.goals import ErrorGoal, SizeGoal
from lplrcli.model.plan import MODES
from lplrcli.model.request import CompressionRequest
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.first_plan import first_plan
from lplrcli.pipeline.memory_needs import require_for_compressing
from lplrcli.pipeline.predict.demand import HEADER_BYTES, TargetDemand
from lplrcli.pipeline.predict.estimates import Estimate, bytes_of
from lplrcli.pipeline.predict.predictions import Predictor
from lplrcli.pipeline.survey.direct_curve import DirectCurve
from lplrcli.pipeline.survey.matrix_survey import MatrixSurvey
from lplrcli.planning.limits import DIRECT_ENTRIES
from lplrcli.planning.rate_bounds import least_bits, least_error
from lplrcli.planning.spectrum import Spectrum
from lplrcli.runtime.stages import CHOOSE, stage

_MOST_DIRECTIONS = 512
"""Where the exact spectrum is too dear, so many directions at most are looked for."""

_LOOKED_FOR = (
    CompressionRequest(bpc=0.25),
    CompressionRequest(bpc=1.0),
    CompressionRequest(bpc=4.0),
    CompressionRequest(rel_error=1e-3),
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
        About the bytes of a file without any error.
    """

    step: float
    file_bytes: int


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

    @stage(CHOOSE)
    def __init__(
        self, source: MatrixSource, threads: int, most_bpc: float, least_error: float
    ) -> None:
        self.passes = Passes(source, threads)
        self.shape = source.shape
        self.entries = source.shape[0] * source.shape[1]
        self._limits = most_bpc, least_error
        plans = [first_plan(asked, source.shape, source.dtype) for asked in _LOOKED_FOR]
        require_for_compressing(source, plans[0], threads)
        self._demands = [TargetDemand(plan.target) for plan in plans]
        self._plan = plans[0]
        self._survey = MatrixSurvey(self.passes, plans[0], self._demands[0], threads)
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

    @stage(CHOOSE)
    def at_size(self, bpc: float) -> dict[str, Estimate]:
        """What each mode would reach in files of `bpc` bits per coordinate; none for zeros."""
        file_bytes = math.floor(bpc * self.entries / 8)
        if self.norm == 0 or file_bytes <= HEADER_BYTES:
            return {}
        return {mode: self._at_size(mode, SizeGoal(file_bytes)) for mode in self.modes}

    @stage(CHOOSE)
    def at_error(self, error: float) -> dict[str, Estimate]:
        """What each mode that reaches it would take for a relative error; nothing for zeros."""
        if self.norm == 0:
            return {}
        found = {mode: self._at_error(mode, ErrorGoal(error)) for mode in self.modes}
        return {mode: estimate for mode, estimate in found.items() if estimate is not None}

    def bound(self, bpc: float) -> float:
        """The least of the modes' bounds to the relative error."""
        return self._bound("factors" if len(self.modes) == 1 else "factors+residual", bpc)

    def _at_size(self, mode: str, goal: SizeGoal) -> Estimate:
        found = self._predicted(mode, goal)
        if mode == "direct" and self.lattice and goal.size >= self.lattice.file_bytes:
            found = Estimate(mode, 0, self.lattice.file_bytes, 0.0)
        if found is None:
            # So few bits leave nothing of the matrix.
            found = Estimate(mode, 0, goal.size, 1.0)
        bound = self._bound(mode, 8 * goal.size / self.entries)
        return replace(found, relative_error=min(found.relative_error, 1.0), bound=bound)

    def _at_error(self, mode: str, goal: ErrorGoal) -> Estimate | None:
        found = self._predicted(mode, goal)
        if found is None:
            return None
        found = replace(found, relative_error=goal.relative_error)
        if mode == "direct" and self.lattice and self.lattice.file_bytes <= found.file_bytes:
            found = Estimate(mode, 0, self.lattice.file_bytes, 0.0)
        least = least_bits(self.spectrum, mode, (goal.relative_error * self.norm) ** 2)
        return replace(found, bound=None if least is None else least / self.entries)

    def _predicted(self, mode: str, goal: SizeGoal | ErrorGoal) -> Estimate | None:
        """What a mode would reach; of all entries, by the curve through many samples."""
        if mode != "direct":
            return self._predictor.estimate(mode, goal)
        if isinstance(goal, SizeGoal):
            rate = 8.0 * (goal.size - HEADER_BYTES) / self.entries
            return Estimate(mode, 0, goal.size, self._direct.error(rate))
        bits = self.entries * self._direct.bits(goal.relative_error)
        return Estimate(mode, 0, HEADER_BYTES + bytes_of(bits), goal.relative_error)

    def _bound(self, mode: str, bpc: float) -> float:
        squared_error = least_error(self.spectrum, mode, bpc * self.entries)
        return math.sqrt(squared_error) / self.norm

    @cached_property
    def _predictor(self) -> Predictor:
        """Predictions by the spectrum alone: no factor is transformed."""
        return Predictor(self._survey, self._plan, self._demands[0], None, spectrum=self.spectrum)

    @cached_property
    def _direct(self) -> DirectCurve:
        with threadpool_limits(1, "blas"):
            deviation = self.norm / math.sqrt(self.entries)
            return DirectCurve(self._survey.direct_at_step, deviation, *self._limits)

    def _known_energies(self) -> tuple[NDArray[np.float64], str]:
        """Squared singular values: all, if that is affordable, or as many as could be of use."""
        if gram_is_affordable(self.shape):
            return exact_energies(self.passes), "gram"
        found = directions_needed(
            self.passes,
            self._needed,
            sketch=str(self._plan.sketch),
            power_iterations=int(self._plan.power_iterations or 1),
            seed=self._plan.seed,
        )
        return found.energies, found.found_by

    def _needed(self, energies: NDArray[np.float64], complete: bool) -> int:
        if len(energies) >= _MOST_DIRECTIONS:
            return 0
        return max(one.needed(self.passes, energies, complete) for one in self._demands)

    def _lattice(self) -> Lattice | None:
        rate = self._survey.lossless_rate()
        if rate is None or self._survey.lattice is None:
            return None
        return Lattice(self._survey.lattice, HEADER_BYTES + bytes_of(rate * self.entries))
