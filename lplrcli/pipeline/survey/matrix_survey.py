"""What is known of one matrix before anything is coded: looked at once, and handed on."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.adjustment import Means
from lplrcli.linalg.operands import stored_entries
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.range_finder import FIRST_BLOCK, LeadingDirections, directions_needed
from lplrcli.linalg.single_pass import single_pass_directions
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.encode.means import NO_MEANS, StoredMeans
from lplrcli.pipeline.encode.residual import Factors, ResidualCoder
from lplrcli.pipeline.survey.direct_sample import SMALLEST_STATE_BITS, DirectSample
from lplrcli.pipeline.survey.entry_coders import EntryCoders
from lplrcli.pipeline.survey.transform_choice import chosen_layouts
from lplrcli.planning.lattice import lattice_step, on_lattice
from lplrcli.planning.limits import DIRECT_ENTRIES
from lplrcli.planning.mode_predictions import Prediction
from lplrcli.planning.spectrum import Bands, Spectrum
from lplrcli.transform.component_layout import Layout

logger = logging.getLogger(__name__)

_SAMPLED_ENTRIES = 4096
"""Entries at the start of each block that a lattice is looked for in."""

_QUICK_ENTRIES = 2**22
"""Entries of matrices that are small enough for the best trellis, and for several attempts."""


class Demand(Protocol):
    """What a survey is asked for: how far to look, and at which step its findings are used.

    Attributes
    ----------
    rank : int or None
        Most components that can be used; None without a limit.
    transforms : tuple of str
        Transforms that may be used.
    uses_factors : bool
        Whether a matrix may be coded with factors at all.
    """

    @property
    def rank(self) -> int | None:
        """Most components."""
        ...

    @property
    def transforms(self) -> tuple[str, ...]:
        """Transforms that may be used."""
        ...

    @property
    def uses_factors(self) -> bool:
        """Whether a matrix may be coded with factors at all."""
        ...

    def needed(self, passes: Passes, energies: NDArray[np.float64], complete: bool) -> int:
        """How many directions are worth having; more than there are to look for further ones."""
        ...

    def step(self, passes: Passes, spectrum: Spectrum) -> float:
        """The step that a spectrum leads to."""
        ...


class MatrixSurvey:
    """Directions, spectrum, layouts, lattice and samples of a matrix, each found when first asked.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    plan : CompressionPlan
        How directions are to be looked for: sketch, its size, iterations, seed.
    demand : Demand
        What is to be looked for.
    threads : int
        No result depends on it.

    Attributes
    ----------
    entries : int
        n d.
    quick : bool
        Whether the matrix is small enough for the best trellis and several attempts.
    columns : ResidualCoder
        Coder of the entries, column by column.
    means : StoredMeans
        Means that the passes are without.
    """

    def __init__(self, passes: Passes, plan: CompressionPlan, demand: Demand, threads: int) -> None:
        self.passes = passes
        self.plan = plan
        self.threads = threads
        self.entries = passes.shape[0] * passes.shape[1]
        self.quick = self.entries <= _QUICK_ENTRIES
        self.means: StoredMeans = NO_MEANS
        self._demand = demand
        self._found: LeadingDirections | None = None
        fixed = None if plan.target.transform is None else demand.transforms
        self._coders = EntryCoders.of(passes, threads, fixed)
        self._sample = DirectSample()

    @property
    def directions(self) -> LeadingDirections:
        """As many leading directions as the demand can make use of."""
        if self._found is None:
            self._found = self._looked_for()
        return self._found

    @cached_property
    def spectrum(self) -> Spectrum:
        """The energies of the directions, as many as may be used, and that of all others."""
        return Spectrum(self.passes.shape, self._energies, self._total, self._layouts_and_bands[1])

    @property
    def layouts(self) -> tuple[Layout, Layout]:
        """Layouts of L and Rᵀ: transformed where that is predicted to save bits."""
        return self._layouts_and_bands[0]

    @cached_property
    def lattice(self) -> float | None:
        """The number of which all entries are multiples, if there is one."""
        if self.passes.means is not None:
            return None  # what is left without the means has none
        found: list[NDArray[Any]] = list(self.passes.map_stored("sample", _some_entries))
        step = lattice_step(np.concatenate(found))
        if step is None:
            return None
        signed = self.plan.target.without_error
        fits = self.passes.map_stored("lattice", partial(_fits, step=step, signed=signed))
        return step if all(fits) else None

    @property
    def negative_zeros(self) -> bool:
        """Whether some entry is a zero with a sign, which no multiple of a number has."""
        if self.passes.source.dtype.kind in "iub":
            return False
        return any(self.passes.map_stored("signs", _has_negative_zeros))

    @property
    def lattice_step(self) -> float:
        """The lattice at the scale of the passes."""
        return math.ldexp(self.lattice or 0.0, -self.passes.exponent)

    def lossless_rate(self) -> float | None:
        """Bits per entry as multiples of the lattice, from the sample; None without a lattice."""
        if self.entries > DIRECT_ENTRIES or self.lattice is None:
            return None
        return self.columns.code_sample(self.lattice_step, 0, None, plain=True)[0]

    @property
    def columns(self) -> ResidualCoder:
        """Coder of entries column by column."""
        return self._coders.columns

    @property
    def direct_coder(self) -> ResidualCoder:
        """Coder of the matrix without factors, in columns or as a field."""
        return self._coders[self._direct_transform]

    def direct_at_rate(self, rate: float) -> Prediction:
        """What coding without factors leaves at `rate` bits per entry, from a sample."""
        return self._sample.at_rate(self.direct_coder, self.passes.scan().norm, rate)

    def direct_at_error(self, squared_error: float) -> Prediction:
        """What coding without factors takes for a squared error of all entries, from a sample."""
        return self._sample.at_error(self.direct_coder, self.passes.scan().norm, squared_error)

    def direct_at_step(self, step: float) -> tuple[float, float]:
        """Bits per entry and mean squared error of the sample at a step, without factors."""
        return self.direct_coder.code_sample(step, SMALLEST_STATE_BITS, None)

    def better_coder(self, factors: Factors, squared_error: float) -> ResidualCoder:
        """Columns or field, whichever codes what factors leave in fewer bits."""
        return self._coders.better(factors, squared_error)

    def centered(self, means: StoredMeans, decoded: Means) -> MatrixSurvey:
        """The survey of what is left without means as they decode.

        Stored means differ so little from the exact ones that what was found without those
        serves as well.
        """
        found = copy.copy(self)
        found.passes = self.passes.with_means(decoded)
        found.means = means
        found._coders = self._coders.over(found.passes)
        return found

    def completed(
        self, plan: CompressionPlan, mode: str, predictions: Mapping[str, float]
    ) -> CompressionPlan:
        """A plan that says what was decided, and how the directions were found if they were.

        Parameters
        ----------
        plan : CompressionPlan
            What was asked.
        mode : str
            One of `lplrcli.model.plan.MODES`.
        predictions : mapping of str to float
            What was predicted of each mode.
        """
        plan = replace(plan, mode=mode, predictions=dict(predictions) or None)
        if plan.basis == "single-pass":
            return plan
        if self._found is None or self._found.found_by == "gram":
            basis = "none" if self._found is None else "gram"
            return replace(plan, basis=basis, sketch=None, sketch_size=None, power_iterations=None)
        return replace(plan, basis="sketch", sketch_size=self._found.row_basis.shape[1])

    def _looked_for(self) -> LeadingDirections:
        plan, rank = self.plan, self._demand.rank
        if plan.basis == "single-pass" and rank is not None:
            return single_pass_directions(
                self.passes,
                min(rank, *self.passes.shape),
                sketch=str(plan.sketch),
                sketch_size=int(plan.sketch_size or rank),
                seed=plan.seed,
            )
        return directions_needed(
            self.passes,
            partial(self._demand.needed, self.passes),
            sketch=str(plan.sketch),
            power_iterations=int(plan.power_iterations or 1),
            seed=plan.seed,
            first_block=plan.sketch_size or FIRST_BLOCK,
        )

    @cached_property
    def _layouts_and_bands(
        self,
    ) -> tuple[tuple[Layout, Layout], tuple[Bands | None, Bands | None]]:
        unfolding = self.passes.source.unfolding
        energies = self._energies
        left = self.directions.left[: len(energies)]
        lengths = np.sqrt(np.where(energies > 0, energies, 1.0)).astype(left.dtype)[:, None]
        useful = self._demand.uses_factors and bool(energies.any())
        return chosen_layouts(
            Spectrum(self.passes.shape, energies, self._total),
            (left, self.directions.left_times(left) / lengths),
            (unfolding.row_grid, unfolding.column_grid),
            self._demand.transforms if useful else (),
            partial(self._demand.step, self.passes),
        )

    @cached_property
    def _direct_transform(self) -> str:
        return self.better_coder(None, self._total).layout.transform

    @property
    def _energies(self) -> NDArray[np.float64]:
        return self.directions.energies[: self._demand.rank]

    @property
    def _total(self) -> float:
        return self.passes.scan().norm ** 2


def _some_entries(block: RowBlock) -> NDArray[Any]:
    entries = stored_entries(block.values)
    return np.array(entries[:_SAMPLED_ENTRIES])


def _fits(block: RowBlock, step: float, signed: bool) -> bool:
    return on_lattice(stored_entries(block.values), step) and not (
        signed and _has_negative_zeros(block)
    )


def _has_negative_zeros(block: RowBlock) -> bool:
    entries = stored_entries(block.values)
    return entries.dtype.kind not in "iub" and bool((np.signbit(entries) & (entries == 0)).any())
