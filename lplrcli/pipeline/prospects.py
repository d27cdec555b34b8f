"""What one matrix is like, and what each way to code it is predicted to reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import stored_entries
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.range_finder import LeadingDirections, directions_needed
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.residual_coding import ResidualCoder
from lplrcli.planning import mode_choice
from lplrcli.planning.lattice import lattice_step, on_lattice
from lplrcli.planning.mode_choice import Prediction
from lplrcli.planning.rate_model import Spectrum

HEADER_BYTES = 700
"""Of a file, about: predictions start from it."""

DIRECT_ENTRIES = 2**31
"""Up to here a matrix may be coded entry by entry."""

SMALLEST_STATE_BITS = 3
"""Of a trellis; predictions are made with it."""

_WORTH_LOOKING = 0.985
"""Further directions are looked for if they may make the error, or the size, this much less."""

_QUICK = 2**22
"""Entries of matrices that are small enough for the best trellis, and for several tries."""

_WORTH, _LARGE_WORTH = 0.985, 0.93
"""What a residual must bring error or size down to, against factors alone; the latter where every
entry of a large matrix would have to be coded for it."""

_LOOKED_AT = 4096
"""First entries of a block that are looked at for a lattice."""


class Prospects:
    """Everything known of one matrix before it is coded.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    plan : CompressionPlan
        Target and sketch.
    threads : int
        No result depends on it.
    """

    def __init__(self, passes: Passes, plan: CompressionPlan, threads: int) -> None:
        self.passes = passes
        self.plan = plan
        self.target = plan.target
        self.threads = threads
        self.entries = passes.shape[0] * passes.shape[1]
        self.quick = self.entries <= _QUICK
        self.residuals = ResidualCoder(passes, threads)
        self.told: dict[str, float] = {}

    @cached_property
    def directions(self) -> LeadingDirections:
        """As many leading directions as the target can make use of."""
        return directions_needed(
            self.passes,
            self.needed,
            sketch=str(self.plan.sketch),
            power_iterations=int(self.plan.power_iterations or 1),
            seed=self.plan.seed,
        )

    @cached_property
    def spectrum(self) -> Spectrum:
        """The energies of the directions, as many as may be used, and that of all others."""
        energies = self.directions.energies[: self.target.rank]
        return Spectrum(self.passes.shape, energies, self.passes.scan().norm ** 2)

    @cached_property
    def lattice(self) -> float | None:
        """The number of which all entries are multiples, if there is one."""
        found: list[NDArray[Any]] = list(self.passes.map_stored("sample", _some_entries))
        step = lattice_step(np.concatenate(found))
        if step is None:
            return None
        fits = self.passes.map_stored("lattice", partial(_fits, step=step))
        return step if all(fits) else None

    @property
    def may_be_direct(self) -> bool:
        """Whether the target allows a matrix without factors."""
        return self.target.mode in (None, "direct") and self.target.rank is None

    @property
    def lattice_step(self) -> float:
        """The lattice at the scale of the passes."""
        return math.ldexp(self.lattice or 0.0, -self.passes.exponent)

    def lossless_rate(self) -> float | None:
        """Bits per entry as multiples of the lattice, from the sample; None without a lattice."""
        if self.entries > DIRECT_ENTRIES or self.lattice is None:
            return None
        return self.residuals.code_sample(self.lattice_step, 0, None, plain=True)[0]

    def completed_plan(self) -> CompressionPlan:
        """The plan with basis, sketch size and predictions."""
        plan = replace(self.plan, predictions=self.told or None)
        if "directions" not in self.__dict__ or self.directions.found_by == "gram":
            basis = "gram" if "directions" in self.__dict__ else "none"
            return replace(plan, basis=basis, sketch=None, sketch_size=None, power_iterations=None)
        return replace(plan, basis="sketch", sketch_size=self.directions.row_basis.shape[1])

    def predictions(self, relative_error: float | None) -> list[Prediction]:
        """What each mode allowed is expected to reach at the size, or at the error, asked for."""
        modes = [self.target.mode] if self.target.mode else ["factors", "factors+residual"]
        if self.target.mode is None and self.target.rank is None:
            modes.append("direct")
        if self.entries > DIRECT_ENTRIES:
            modes = [mode for mode in modes if mode == "factors"] or modes
        found = [self._predicted(mode, relative_error) for mode in modes]
        known = [prediction for prediction in found if prediction is not None]
        norm = self.passes.scan().norm
        for prediction in known:
            told = (
                math.sqrt(prediction.squared_error) / norm
                if self.target.size is not None
                else prediction.bits / self.entries
            )
            self.told[prediction.mode] = float(f"{told:.4g}")
        return known

    def residual_pays(self, modes: Mapping[str, float]) -> bool:
        """Whether a residual is predicted to gain enough over factors alone.

        Parameters
        ----------
        modes : mapping of str to float
            Error at the size, or size at the error, by mode.
        """
        worth = _WORTH if self.quick else _LARGE_WORTH
        return modes.get("factors+residual", 0.0) <= worth * modes.get("factors", math.inf)

    def _predicted(self, mode: str, relative_error: float | None) -> Prediction | None:
        total = self.passes.scan().norm ** 2
        if total == 0:
            return None
        if relative_error is None:
            bits = 8.0 * (int(self.target.size or 0) - HEADER_BYTES)
            if bits <= 0:
                return Prediction(mode, 1.0, 1.0, 0.0, total) if mode == "factors" else None
            if mode == "direct":
                return self._direct_at(lambda rate, _: rate - bits / self.entries)
            at_size = (
                mode_choice.factors_at_size if mode == "factors" else mode_choice.residual_at_size
            )
            found = at_size(self.spectrum, bits)
            return found if math.isfinite(found.residual_step) else None
        allowed = relative_error**2 * total
        if mode == "direct":
            return self._direct_at(
                lambda _, error: 0.5 * math.log2(allowed / self.entries / max(error, 1e-300))
            )
        if mode == "factors":
            return mode_choice.factors_at_error(self.spectrum, allowed)
        return mode_choice.residual_at_error(self.spectrum, allowed)

    def _direct_at(self, excess: Callable[[float, float], float]) -> Prediction:
        """Code the sample at a few steps, to where `excess`, in octaves, is nearly zero."""
        step = self.passes.scan().norm / math.sqrt(self.entries)
        rate, error = 0.0, 0.0
        for _ in range(6):
            rate, error = self.residuals.code_sample(step, SMALLEST_STATE_BITS, None)
            octaves = excess(rate, error)
            if abs(octaves) < 0.02:
                break
            step *= 2.0 ** min(max(octaves, -8.0), 8.0)
        return Prediction("direct", 0.0, step, rate * self.entries, error * self.entries)

    def needed(self, energies: NDArray[np.float64], complete: bool) -> int:
        """Directions worth having; more than there are if further ones would pay."""
        possible = min(self.passes.shape)
        most = min(self.target.rank or possible, possible)
        spectrum = Spectrum(self.passes.shape, energies[:most], self.passes.scan().norm ** 2)
        if spectrum.total == 0 or energies[0] == 0:
            return 0
        now = self._best_of(spectrum)
        if complete or len(energies) >= most:
            # The step may end a little smaller than predicted.
            return min(most, spectrum.rank(0.7 * now.step) + 8) if complete else most
        # At best, what comes next is as strong as the last direction found.
        count = min(len(energies), int(spectrum.tail / energies[-1]) + 1)
        longer = np.concatenate([energies, np.full(count, energies[-1])])[:most]
        then = self._best_of(replace(spectrum, energies=longer))
        if self.target.size is not None:
            pays = then.squared_error < _WORTH_LOOKING**2 * now.squared_error
        else:
            pays = then.bits < _WORTH_LOOKING * now.bits
        return len(energies) + 1 if pays else 0

    def _best_of(self, spectrum: Spectrum) -> Prediction:
        """The better of the two modes with factors, given what is known of the spectrum."""
        if self.target.size is not None:
            bits = max(8.0 * (self.target.size - HEADER_BYTES), 1.0)
            found = [mode_choice.factors_at_size(spectrum, bits)]
            if self.target.mode != "factors":
                found.append(mode_choice.residual_at_size(spectrum, bits))
            return min(found, key=lambda prediction: prediction.squared_error)
        allowed = self._allowed(spectrum.total)
        factors = mode_choice.factors_at_error(spectrum, allowed)
        residual = mode_choice.residual_at_error(spectrum, allowed)
        if self.target.mode == "factors":
            # Out of reach with what is known: endlessly many bits.
            return factors or replace(residual, bits=math.inf)
        return residual if factors is None or residual.bits < factors.bits else factors

    def _allowed(self, total: float) -> float:
        """Squared error that the target allows, about."""
        if self.target.max_abs_error is not None:
            # Uniformly distributed within plus and minus the bound.
            bound = math.ldexp(self.target.max_abs_error, -self.passes.exponent)
            return min(self.entries * bound**2 / 3, total)
        return float(self.target.relative_error or 0.0) ** 2 * total


def _some_entries(block: RowBlock) -> NDArray[Any]:
    entries = stored_entries(block.values)
    return np.array(entries[:_LOOKED_AT])


def _fits(block: RowBlock, step: float) -> bool:
    return on_lattice(stored_entries(block.values), step)
