"""The ways to code one matrix: what each is predicted to reach, and the coding itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import stored_entries
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.range_finder import LeadingDirections, directions_needed
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.coefficients import CodedCoefficients
from lplrcli.pipeline.factor_coding import CodedFactors, FactorCoder
from lplrcli.pipeline.residual_coding import ResidualCoder
from lplrcli.planning import mode_choice
from lplrcli.planning.lattice import lattice_step, on_lattice
from lplrcli.planning.mode_choice import Prediction
from lplrcli.planning.rate_model import Spectrum

HEADER_BYTES = 700
"""Of a file, about: predictions start from it."""

DIRECT_ENTRIES = 2**31
"""Up to here a matrix may be coded entry by entry."""

_STATE_BITS = ((2**20, 8), (2**22, 5), (2**63, 3))
"""Coefficients up to which the trellis has that many state bits: 0.7 microseconds for each of
them at 8, a tenth of that at 3, for 0.04 bits."""

_QUICK = 2**22
"""Entries of matrices that are small enough for 8 in any case."""

SMALLEST_STATE_BITS = 3

_WORTH_LOOKING = 0.985
"""Further directions are looked for if they may make the error, or the size, this much less."""

_LOOKED_AT = 4096
"""First entries of a block that are looked at for a lattice."""

_MAYBE = 1.1
"""A lossless coding is tried if the sample says that it needs at most this much of the size."""

_SEARCHING = 5
"""State bits at most while the step is still far off."""

Steps = tuple[Callable[[float], "Coded"], float, float]


@dataclass(frozen=True)
class Coded:
    """One coding of the matrix.

    Attributes
    ----------
    mode : str
        What is present.
    left, right, residual : QuantizedFactor or None
        L, Rᵀ and E.
    squared_error : float
        That the decoded matrix is expected to have.
    """

    mode: str
    left: QuantizedFactor | None
    right: QuantizedFactor | None
    residual: QuantizedFactor | None
    squared_error: float


class ModeCoders:
    """Everything known of one matrix, and what can be made of it.

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
        self.residuals = ResidualCoder(passes, threads)
        self.told: dict[str, float] = {}

    # What the matrix is like

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

    def completed_plan(self) -> CompressionPlan:
        """The plan with basis, sketch size and predictions."""
        plan = replace(self.plan, predictions=self.told or None)
        if "directions" not in self.__dict__ or self.directions.found_by == "gram":
            basis = "gram" if "directions" in self.__dict__ else "none"
            return replace(plan, basis=basis, sketch=None, sketch_size=None, power_iterations=None)
        return replace(plan, basis="sketch", sketch_size=self.directions.row_basis.shape[1])

    # What each mode would reach

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

    # Coding

    def of(self, prediction: Prediction) -> Iterator[Steps]:
        """How to code in the mode of a prediction: a function of the step, where to start, slope.

        Given twice where the final trellis is slow: first with a quicker one, to find the step.
        The slope is that of the logarithm of the bytes over that of the step.
        """
        factor_entries = self._factor_entries(prediction)
        if prediction.mode == "factors":
            for bits in self._stages(factor_entries):
                slope = self._slope(prediction.step)
                yield partial(self._factors_at, state_bits=bits), prediction.step, slope
            return
        coded_factors = None
        if prediction.mode == "factors+residual":
            final = self._state_bits(factor_entries)
            coded_factors = self._factor_coder.code(prediction.step, final)
            if len(coded_factors.left_values) == 0 and self.target.mode is None:
                return  # that is mode direct
        for bits in self._stages(self.entries):
            rate = max(prediction.bits / self.entries, 0.1)
            code = partial(self._residual_at, state_bits=bits, coded_factors=coded_factors)
            yield code, prediction.residual_step, -1.44 / rate

    def plain(self, step: float) -> Iterator[Coded]:
        """Codings in which no residual is off by more than half of `step`."""
        if self.target.mode in (None, "direct") and self.target.rank is None:
            yield self._residual_at(step, 0, None, plain=True)
        if self.target.mode == "direct" or self.passes.scan().norm == 0:
            return
        prediction = mode_choice.residual_at_error(self.spectrum, self.entries * step**2 / 12)
        factors = self._factor_coder.code(
            prediction.step, self._state_bits(self._factor_entries(prediction))
        )
        if len(factors.left_values) or self.target.mode == "factors+residual":
            yield self._residual_at(step, 0, factors, plain=True)

    def plain_step(self, bound: float) -> float | None:
        """Step with which no entry is off by more than `bound` once rounded to its type."""
        if self.lattice is not None:
            step = (2 * math.floor(bound / self.lattice * (1 + 1e-12)) + 1) * self.lattice
        else:
            scan = self.passes.scan()
            spacing = _spacing(max(-scan.low, scan.high), self.passes.source.dtype)
            # Rounding to the type at most doubles an error, as the entry itself is of the type.
            step = max(2 * bound - 1.01 * spacing, bound)
        return math.ldexp(step, -self.passes.exponent) if step > 0 else None

    def lossless(self, size: int | None) -> Coded | None:
        """The matrix as multiples of its lattice; None if it has none, or `size` is far less."""
        if self.entries > DIRECT_ENTRIES or self.lattice is None:
            return None
        step = math.ldexp(self.lattice, -self.passes.exponent)
        rate, _ = self.residuals.code_sample(step, 0, None, plain=True)
        self.told["lossless"] = float(f"{rate:.4g}") if size is None else 0.0
        if size is not None and rate * self.entries > 8 * _MAYBE * size:
            del self.told["lossless"]
            return None
        coded = self._residual_at(step, 0, None, plain=True)
        return replace(coded, squared_error=0.0)

    def nothing(self) -> Coded:
        """The smallest file there is: all entries zero."""
        n, d = self.passes.shape
        none = CodedCoefficients.empty()
        total = self.passes.scan().norm ** 2
        return Coded("factors", none.factor(1, n), none.factor(1, d), None, total)

    @cached_property
    def _factor_coder(self) -> FactorCoder:
        total = self.passes.scan().norm ** 2
        return FactorCoder(self.directions, total, self.target.rank, self.threads)

    def _factors_at(self, step: float, state_bits: int) -> Coded:
        coded = self._factor_coder.code(step, state_bits)
        left, right = coded.encoded(self.threads)
        return Coded("factors", left, right, None, coded.squared_error)

    def _residual_at(
        self,
        step: float,
        state_bits: int,
        coded_factors: CodedFactors | None,
        plain: bool = False,
    ) -> Coded:
        values = coded_factors.values if coded_factors is not None else None
        coded = self.residuals.code(step, state_bits, values, plain)
        residual = coded.factor(self.threads, self.passes.shape[0])
        if coded_factors is None:
            return Coded("direct", None, None, residual, coded.squared_error)
        left, right = coded_factors.encoded(self.threads)
        return Coded("factors+residual", left, right, residual, coded.squared_error)

    def _stages(self, coefficients: int) -> tuple[int, ...]:
        final = self._state_bits(coefficients)
        return (final,) if final <= _SEARCHING else (_SEARCHING, final)

    def _state_bits(self, coefficients: int) -> int:
        if self.entries <= _QUICK:
            return max(bits for _, bits in _STATE_BITS)
        return next(bits for most, bits in _STATE_BITS if coefficients <= most)

    def _factor_entries(self, prediction: Prediction) -> int:
        if prediction.mode == "direct":
            return 0
        return self.spectrum.rank(prediction.step) * sum(self.passes.shape)

    def _slope(self, step: float) -> float:
        here, there = self.spectrum.factors(step)[0], self.spectrum.factors(1.1 * step)[0]
        if there <= 0 or here <= there:
            return -2.0
        return math.log(there / here) / math.log(1.1)


def _spacing(largest: float, dtype: np.dtype[Any]) -> float:
    """Distance of neighbouring numbers of a type next to its largest entry."""
    if dtype.kind in "iub":
        return 1.0
    eps = {2: 2.0**-7, 4: 2.0**-23, 8: 2.0**-52}[dtype.itemsize]
    return largest * eps


def _some_entries(block: RowBlock) -> NDArray[Any]:
    entries = stored_entries(block.values)
    return np.array(entries[:_LOOKED_AT])


def _fits(block: RowBlock, step: float) -> bool:
    return on_lattice(stored_entries(block.values), step)
