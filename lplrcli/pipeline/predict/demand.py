"""What a target can make use of: how many directions, and which step they lead to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.passes import Passes
from lplrcli.model.goals import ErrorGoal, PointwiseGoal, SizeGoal
from lplrcli.model.plan import Target
from lplrcli.pipeline.survey.transform_choice import candidates
from lplrcli.planning import mode_predictions
from lplrcli.planning.limits import DIRECT_ENTRIES
from lplrcli.planning.mode_predictions import Prediction
from lplrcli.planning.spectrum import Spectrum

HEADER_BYTES = 700
"""Bytes of a file, about, besides its codes: predictions start from it."""

_FACTOR_ENTRIES = 2**28
"""Entries of both factors, at most, of a matrix that can have no residual, where no rank is asked
for: its basis is held in memory, and grows to up to four times as many."""

_WORTH_LOOKING = 0.985
"""Further directions are looked for if they may make the error, or the size, this much less."""

_FINER, _TRANSFORMED_FINER = 0.7, 1 / 32
"""The step may end so much smaller than predicted; far smaller with a transform of factors."""

FINE_ERROR = 2.0**-22
"""Relative error below which predictions know little of what factors had best leave."""

_SPARE = 8
"""Directions that are kept beyond those predicted to be of use."""


@dataclass(frozen=True)
class TargetDemand:
    """The demand of one target, see `lplrcli.pipeline.survey.matrix_survey.Demand`.

    Attributes
    ----------
    target : Target
        What was asked.
    """

    target: Target

    @property
    def rank(self) -> int | None:
        """Most components."""
        return self.target.rank

    @property
    def transforms(self) -> tuple[str, ...]:
        """Transforms that may be used."""
        return candidates(self.target.transform)

    @property
    def uses_factors(self) -> bool:
        """Whether a matrix may be coded with factors at all."""
        return self.target.mode != "direct"

    @property
    def may_be_direct(self) -> bool:
        """Whether a matrix may be coded without factors."""
        return self.target.mode in (None, "direct") and self.target.rank is None

    def factors_alone(self, shape: tuple[int, int]) -> bool:
        """Whether no entry is coded by itself: not asked for, or not to be done for so many."""
        if self.target.mode is None:
            bounded = isinstance(self.target.goal, PointwiseGoal)
            return shape[0] * shape[1] > DIRECT_ENTRIES and not bounded
        return self.target.mode == "factors"

    def allowed(self, passes: Passes) -> float:
        """Squared error that a target which is an error allows, about."""
        total, goal = passes.original().norm ** 2, self.target.goal
        if isinstance(goal, PointwiseGoal):
            # Uniformly distributed within plus and minus the bound.
            bound = math.ldexp(goal.bound, -passes.exponent)
            return min(passes.shape[0] * passes.shape[1] * bound**2 / 3, total)
        return goal.relative_error**2 * total if isinstance(goal, ErrorGoal) else 0.0

    def step(self, passes: Passes, spectrum: Spectrum) -> float:
        """The step of factors that a spectrum leads to."""
        return self._best(passes, spectrum).step

    def needed(self, passes: Passes, energies: NDArray[np.float64], complete: bool) -> int:
        """Directions worth having; more than there are if further ones would pay.

        Parameters
        ----------
        passes : Passes
            The matrix.
        energies : ndarray of float64
            Squared singular values known so far, descending.
        complete : bool
            Whether these are all.
        """
        most = min(self.target.rank or self._most_directions(passes.shape), *passes.shape)
        spectrum = Spectrum(passes.shape, energies[:most], passes.scan().norm ** 2)
        if spectrum.total == 0 or energies[0] == 0:
            return 0
        now = self._best(passes, spectrum)
        if complete or len(energies) >= most:
            known = self._curves_only(passes) and not self._is_fine
            finer = _FINER if known else _TRANSFORMED_FINER
            return min(most, spectrum.rank(finer * now.step) + _SPARE) if complete else most
        # At best, what comes next is as strong as the last direction found.
        count = min(len(energies), int(spectrum.tail / energies[-1]) + 1)
        longer = np.concatenate([energies, np.full(count, energies[-1])])[:most]
        then = self._best(passes, replace(spectrum, energies=longer))
        if math.isinf(now.bits):
            return len(energies) + 1  # the error is out of reach with what is known
        if isinstance(self.target.goal, SizeGoal):
            pays = then.squared_error < _WORTH_LOOKING**2 * now.squared_error
        else:
            pays = then.bits < _WORTH_LOOKING * now.bits
        return len(energies) + 1 if pays else 0

    def _best(self, passes: Passes, spectrum: Spectrum) -> Prediction:
        """The better of the two modes with factors, given what is known of the spectrum."""
        goal = self.target.goal
        alone = self.factors_alone(passes.shape)
        if isinstance(goal, SizeGoal):
            bits = max(8.0 * (goal.size - HEADER_BYTES), 1.0)
            found = [mode_predictions.factors_at_size(spectrum, bits)]
            if not alone:
                found.append(mode_predictions.residual_at_size(spectrum, bits))
            return min(found, key=lambda prediction: prediction.squared_error)
        allowed = self.allowed(passes)
        factors = mode_predictions.factors_at_error(spectrum, allowed)
        residual = mode_predictions.residual_at_error(spectrum, allowed)
        if alone:
            # Out of reach with what is known: endlessly many bits.
            return factors or replace(residual, bits=math.inf)
        return residual if factors is None or residual.bits < factors.bits else factors

    @property
    def _is_fine(self) -> bool:
        goal = self.target.goal
        return isinstance(goal, ErrorGoal) and goal.relative_error < FINE_ERROR

    def _most_directions(self, shape: tuple[int, int]) -> int:
        if not self.factors_alone(shape) or shape[0] * shape[1] <= DIRECT_ENTRIES:
            return min(shape)
        return max(1, _FACTOR_ENTRIES // sum(shape))

    def _curves_only(self, passes: Passes) -> bool:
        """Whether no side is known to be a field, of which a transform might save much."""
        unfolding = passes.source.unfolding
        return not self.transforms or len(unfolding.row_grid) == len(unfolding.column_grid) == 1
