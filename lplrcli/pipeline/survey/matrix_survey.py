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
from lplrcli.linalg.range_finder import FIRST_BLOCK, LeadingDirections, directions_needed
from lplrcli.linalg.single_pass import single_pass_directions
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.encode.means import NO_MEANS, StoredMeans
from lplrcli.pipeline.encode.residual import Factors, ResidualCoder
from lplrcli.pipeline.survey.field_sample import FieldSample
from lplrcli.pipeline.survey.transform_choice import candidates, chosen_layouts
from lplrcli.planning import mode_predictions
from lplrcli.planning.lattice import lattice_step, on_lattice
from lplrcli.planning.mode_predictions import Prediction
from lplrcli.planning.rate_model import Bands, Spectrum
from lplrcli.planning.targets import DIRECT_ENTRIES
from lplrcli.transform import TRANSFORMS
from lplrcli.transform.component_layout import Layout

HEADER_BYTES = 700
"""Of a file, about: predictions start from it."""

_FACTOR_ENTRIES = 2**28
"""Of both factors of a matrix that can have no residual, at most, where no rank is asked for: its
basis is held in memory, and grows to up to four times as many."""

SMALLEST_STATE_BITS = 3
"""Of a trellis; predictions are made with it."""

_WORTH_LOOKING = 0.985
"""Further directions are looked for if they may make the error, or the size, this much less."""

_QUICK = 2**22
"""Entries of matrices that are small enough for the best trellis, and for several tries."""

_WORTH, _LARGE_WORTH = 0.985, 0.93
"""What a residual must bring error or size down to, against factors alone; the latter where every
entry of a large matrix would have to be coded for it."""

_TRANSFORMED_FINER = 1 / 32
"""Of the step predicted without a transform: that of smooth factors may be so much smaller."""

FIELD_TRANSFORMS = ("cdf97", "cdf97-tensor")
"""Of arrays coded without factors, and of what factors leave: edges are what arrays have of which
factors leave something. With scales of all axes alike, or of each axis."""

_FIELD_GAIN = 0.02
"""Bits per entry that a field must save."""

_UNREACHED = 16.0
"""A mode whose sample, however fine the step, has so many times the squared error allowed is out
of the question."""

_FIELD_START = 1 / 8
"""Of the deviation of a field: the step tried first."""

_LEAST_EXTENT = 16
"""Of a field: of fewer rows or columns there is nothing to transform."""

LARGEST_FIELD = 2**25
"""Entries of a field; larger ones are not held in memory, and chunks of theirs not sampled."""

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
    means : StoredMeans
        Those of which the passes are without.
    """

    def __init__(
        self,
        passes: Passes,
        plan: CompressionPlan,
        threads: int,
        means: StoredMeans = NO_MEANS,
    ) -> None:
        self.passes = passes
        self.means = means
        self.plan = plan
        self.target = plan.target
        self.threads = threads
        self.entries = passes.shape[0] * passes.shape[1]
        self.quick = self.entries <= _QUICK
        self.columns = ResidualCoder(passes, threads)
        self.transforms = candidates(self.target.transform)
        self._step: float | None = None
        self.told: dict[str, float] = {}

    @cached_property
    def directions(self) -> LeadingDirections:
        """As many leading directions as the target can make use of."""
        rank, sketch = self.target.rank, str(self.plan.sketch)
        if self.plan.basis == "single-pass" and rank is not None:
            return single_pass_directions(
                self.passes,
                min(rank, *self.passes.shape),
                sketch=sketch,
                sketch_size=int(self.plan.sketch_size or rank),
                seed=self.plan.seed,
            )
        return directions_needed(
            self.passes,
            self.needed,
            sketch=sketch,
            power_iterations=int(self.plan.power_iterations or 1),
            seed=self.plan.seed,
            first_block=self.plan.sketch_size or FIRST_BLOCK,
        )

    @cached_property
    def spectrum(self) -> Spectrum:
        """The energies of the directions, as many as may be used, and that of all others."""
        energies = self.directions.energies[: self.target.rank]
        return Spectrum(self.passes.shape, energies, self.passes.scan().norm ** 2, self._sides[1])

    @cached_property
    def layouts(self) -> tuple[Layout, Layout]:
        """Of L and Rᵀ: transformed where that is predicted to save bits."""
        return self._sides[0]

    @cached_property
    def _sides(self) -> tuple[tuple[Layout, Layout], tuple[Bands | None, Bands | None]]:
        unfolding = self.passes.source.unfolding
        grids = unfolding.row_grid, unfolding.column_grid
        energies = self.directions.energies[: self.target.rank]
        plain = Spectrum(self.passes.shape, energies, self.passes.scan().norm ** 2)
        left = self.directions.left[: len(energies)]
        lengths = np.sqrt(np.where(energies > 0, energies, 1.0)).astype(left.dtype)[:, None]
        useful = self.target.mode != "direct" and bool(energies.any())
        return chosen_layouts(
            plain,
            (left, self.directions.left_times(left) / lengths),
            grids,
            self.transforms if useful else (),
            lambda spectrum: self._best_of(spectrum).step,
        )

    @cached_property
    def lattice(self) -> float | None:
        """The number of which all entries are multiples, if there is one."""
        if self.passes.means is not None:
            return None  # of what is left without the means there is none
        found: list[NDArray[Any]] = list(self.passes.map_stored("sample", _some_entries))
        step = lattice_step(np.concatenate(found))
        if step is None:
            return None
        fits = self.passes.map_stored("lattice", partial(_fits, step=step))
        return step if all(fits) else None

    @property
    def header_bytes(self) -> int:
        """Of a file, about, besides its codes: predictions start from it."""
        return HEADER_BYTES + self.means.file_bytes

    @property
    def may_be_direct(self) -> bool:
        """Whether the target allows a matrix without factors."""
        return self.target.mode in (None, "direct") and self.target.rank is None

    @property
    def factors_alone(self) -> bool:
        """Whether no entry is coded by itself: not asked for, or not to be done for so many."""
        if self.target.mode is None:
            return self.entries > DIRECT_ENTRIES and self.target.max_abs_error is None
        return self.target.mode == "factors"

    @cached_property
    def fields(self) -> tuple[ResidualCoder, ...]:
        """Coders of the whole array as one transformed field."""
        if min(self.passes.shape) < _LEAST_EXTENT or self.entries > LARGEST_FIELD:
            return ()
        fixed = tuple(name for name in self.transforms if name in TRANSFORMS)
        names = FIELD_TRANSFORMS if self.target.transform is None else fixed
        return tuple(ResidualCoder(self.passes, self.threads, name) for name in names)

    @property
    def lattice_step(self) -> float:
        """The lattice at the scale of the passes."""
        return math.ldexp(self.lattice or 0.0, -self.passes.exponent)

    def lossless_rate(self) -> float | None:
        """Bits per entry as multiples of the lattice, from the sample; None without a lattice."""
        if self.entries > DIRECT_ENTRIES or self.lattice is None:
            return None
        return self.columns.code_sample(self.lattice_step, 0, None, plain=True)[0]

    def completed_plan(self) -> CompressionPlan:
        """The plan with basis, sketch size and predictions."""
        plan = replace(self.plan, predictions=self.told or None)
        if plan.basis == "single-pass":
            return plan
        if "directions" not in self.__dict__ or self.directions.found_by == "gram":
            basis = "gram" if "directions" in self.__dict__ else "none"
            return replace(plan, basis=basis, sketch=None, sketch_size=None, power_iterations=None)
        return replace(plan, basis="sketch", sketch_size=self.directions.row_basis.shape[1])

    def predictions(self, relative_error: float | None) -> list[Prediction]:
        """What each mode allowed is expected to reach at the size, or at the error, asked for."""
        modes = [self.target.mode] if self.target.mode else ["factors", "factors+residual"]
        if self.target.mode is None and self.target.rank is None:
            modes.append("direct")
        if self.factors_alone:
            modes = ["factors"]
        found = [self._predicted(mode, relative_error) for mode in modes]
        known = [prediction for prediction in found if prediction is not None]
        norm = self.passes.original().norm
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
            bits = 8.0 * (int(self.target.size or 0) - self.header_bytes)
            if bits <= 0:
                return Prediction(mode, 1.0, 1.0, 0.0, total) if mode == "factors" else None
            if mode == "direct":
                return self._direct_at(lambda rate, _: self._excess(rate, bits / self.entries))
            if mode == "factors":
                found = mode_predictions.factors_at_size(self.spectrum, bits)
            else:
                found = mode_predictions.residual_at_size(self.spectrum, bits)
            return found if math.isfinite(found.residual_step) else None
        allowed = relative_error**2 * self.passes.original().norm ** 2
        if mode == "direct":
            found = self._direct_at(
                lambda _, error: 0.5 * math.log2(allowed / self.entries / max(error, 1e-300))
            )
            # Codes have an end: beyond it the error stays as it is.
            reached = found.squared_error < _UNREACHED * allowed
            return found if reached or self.target.mode == "direct" else None
        if mode == "factors":
            return mode_predictions.factors_at_error(self.spectrum, allowed)
        return mode_predictions.residual_at_error(self.spectrum, allowed)

    @cached_property
    def direct_coder(self) -> ResidualCoder:
        """Of a matrix without factors."""
        return self.better_coder(None, self.passes.scan().norm ** 2)

    def better_coder(self, factors: Factors, squared_error: float) -> ResidualCoder:
        """Columns or field, whichever codes the sample of what is left in fewer bits.

        Parameters
        ----------
        factors : tuple of ndarray or None
            What is subtracted first.
        squared_error : float
            Of them: energy of what is left.
        """
        if not self.fields or squared_error == 0:
            return self.columns
        step = 0.5 * math.sqrt(squared_error / self.entries)
        sample = FieldSample(self.passes, factors, self.threads)
        best, least = self.columns, math.inf
        for coder in (self.columns, *self.fields):
            rate, error = sample.coded(coder.layout.transform, step, SMALLEST_STATE_BITS)
            # Six decibels are a bit.
            bits = rate + 0.5 * math.log2(max(error, 1e-300))
            if bits < least:
                best, least = coder, bits - (_FIELD_GAIN if coder is self.columns else 0.0)
        return best

    def direct_sample(self, step: float) -> tuple[float, float]:
        """Bits per entry and mean squared error of a sample, without factors."""
        return self.direct_coder.code_sample(step, SMALLEST_STATE_BITS, None)

    def _direct_at(self, excess: Callable[[float, float], float]) -> Prediction:
        """Code the sample at a few steps, to where `excess`, in octaves, is nearly zero."""
        field = self.direct_coder.layout.transformed
        deviation = self.passes.scan().norm / math.sqrt(self.entries)
        step = self._step or (_FIELD_START if field else 1.0) * deviation
        rate, error = 0.0, 0.0
        for _ in range(8):
            rate, error = self.direct_sample(step)
            octaves = excess(rate, error)
            if abs(octaves) < 0.02:
                break
            step *= 2.0 ** min(max(octaves, -8.0), 8.0)
        if field:
            self._step = step
        return Prediction("direct", 0.0, step, rate * self.entries, error * self.entries)

    def _excess(self, rate: float, wanted: float) -> float:
        """By how many octaves a step is too fine that takes so many bits per entry."""
        if not self.direct_coder.layout.transformed:
            return rate - wanted
        # Of a field at a low rate, bits are in inverse proportion to the step.
        return math.log2(max(rate, 1e-6) / wanted) * max(1.0, 0.7 * wanted)

    def needed(self, energies: NDArray[np.float64], complete: bool) -> int:
        """Directions worth having; more than there are if further ones would pay."""
        most = min(self.target.rank or self._most_directions, *self.passes.shape)
        spectrum = Spectrum(self.passes.shape, energies[:most], self.passes.scan().norm ** 2)
        if spectrum.total == 0 or energies[0] == 0:
            return 0
        now = self._best_of(spectrum)
        if complete or len(energies) >= most:
            # The step may end a little smaller than predicted; with a transform, far smaller.
            finer = 0.7 if self._curves_only else _TRANSFORMED_FINER
            return min(most, spectrum.rank(finer * now.step) + 8) if complete else most
        # At best, what comes next is as strong as the last direction found.
        count = min(len(energies), int(spectrum.tail / energies[-1]) + 1)
        longer = np.concatenate([energies, np.full(count, energies[-1])])[:most]
        then = self._best_of(replace(spectrum, energies=longer))
        if math.isinf(now.bits):
            return len(energies) + 1  # the error is out of reach with what is known
        if self.target.size is not None:
            pays = then.squared_error < _WORTH_LOOKING**2 * now.squared_error
        else:
            pays = then.bits < _WORTH_LOOKING * now.bits
        return len(energies) + 1 if pays else 0

    def _best_of(self, spectrum: Spectrum) -> Prediction:
        """The better of the two modes with factors, given what is known of the spectrum."""
        if self.target.size is not None:
            bits = max(8.0 * (self.target.size - self.header_bytes), 1.0)
            found = [mode_predictions.factors_at_size(spectrum, bits)]
            if not self.factors_alone:
                found.append(mode_predictions.residual_at_size(spectrum, bits))
            return min(found, key=lambda prediction: prediction.squared_error)
        allowed = self.allowed()
        factors = mode_predictions.factors_at_error(spectrum, allowed)
        residual = mode_predictions.residual_at_error(spectrum, allowed)
        if self.factors_alone:
            # Out of reach with what is known: endlessly many bits.
            return factors or replace(residual, bits=math.inf)
        return residual if factors is None or residual.bits < factors.bits else factors

    @property
    def _most_directions(self) -> int:
        if not self.factors_alone or self.entries <= DIRECT_ENTRIES:
            return min(self.passes.shape)
        return max(1, _FACTOR_ENTRIES // sum(self.passes.shape))

    @property
    def _curves_only(self) -> bool:
        """Whether no side is known to be a field, of which a transform might save much."""
        unfolding = self.passes.source.unfolding
        return not self.transforms or len(unfolding.row_grid) == len(unfolding.column_grid) == 1

    def allowed(self) -> float:
        """Squared error that a target which is an error allows, about."""
        total = self.passes.original().norm ** 2
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
