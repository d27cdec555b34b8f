"""The ways to code one matrix, as functions of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypeAlias

from lplrcli.model.plan import Target
from lplrcli.pipeline.encode.factorization import Sections, zeros
from lplrcli.pipeline.encode.factors import CodedFactors, FactorCoder
from lplrcli.pipeline.encode.residual import Coarser, ResidualCoder
from lplrcli.pipeline.predict.demand import TargetDemand
from lplrcli.pipeline.survey.matrix_survey import MatrixSurvey
from lplrcli.planning import mode_predictions
from lplrcli.planning.mode_predictions import Prediction

_STATE_BITS = ((2**20, 8), (2**22, 5), (2**63, 3))
"""Coefficients up to which the trellis has that many state bits: 0.4 microseconds for each of
them at 8, a fifth of that at 3, for 0.04 bits."""

_SEARCHING = 5
"""State bits at most while the step is still far off."""

_FIELD_SLOPE = -0.8
"""Slope of the logarithm of the bytes of a field over that of its step, at most: few of its
entries take any."""


@dataclass(frozen=True)
class Coded:
    """One coding of the matrix.

    Attributes
    ----------
    mode : str
        What is present, one of `lplrcli.model.plan.MODES`.
    encode : callable
        Gives L, Rᵀ and E as a file holds them, or None for what is not present.
    squared_error : float
        Squared error that the decoded matrix is expected to have.
    coarser : callable or None
        Gives the coding in which a share of the columns has a larger step. None without columns.
    """

    mode: str
    encode: Callable[[], Sections]
    squared_error: float
    coarser: Callable[[Coarser], Coded] | None = None

    @cached_property
    def sections(self) -> Sections:
        """L, Rᵀ and E: encoded when they are first asked for."""
        return self.encode()


Steps: TypeAlias = tuple[Callable[[float], Coded], float, float]
"""A function of the step, the step to start at, and the slope of the bytes."""


class ModeCodings:
    """What can be made of a matrix in each mode.

    Parameters
    ----------
    survey : MatrixSurvey
        What is known of the matrix.
    target : Target
        What was asked.
    """

    def __init__(self, survey: MatrixSurvey, target: Target) -> None:
        self.survey = survey
        self.target = target
        self._may_be_direct = TargetDemand(target).may_be_direct

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
            if len(coded_factors.left_values) == 0 and self._may_be_direct:
                return  # that is mode direct
        if coded_factors is None:
            coder = self.survey.direct_coder
        else:
            coder = self.survey.better_coder(coded_factors.values, coded_factors.squared_error)
        for bits in self._stages(self.survey.entries):
            rate = max(prediction.bits / self.survey.entries, 0.1)
            slope = max(-1.44 / rate, _FIELD_SLOPE if coder.layout.transformed else -math.inf)
            code = partial(
                self._residual_at, state_bits=bits, coded_factors=coded_factors, coder=coder
            )
            yield code, prediction.residual_step, slope

    def plain(self, step: float) -> Iterator[Coded]:
        """Codings in which no residual is off by more than half of `step`."""
        if self._may_be_direct:
            yield self._residual_at(step, 0, None)
        survey = self.survey
        if self.target.mode == "direct" or survey.passes.scan().norm == 0:
            return
        squared_error = survey.entries * step**2 / 12
        prediction = mode_predictions.residual_at_error(survey.spectrum, squared_error)
        factors = self._factor_coder.code(
            prediction.step, self._state_bits(self._factor_entries(prediction))
        )
        if len(factors.left_values) or not self._may_be_direct:
            yield self._residual_at(step, 0, factors)

    def lossless(self) -> Coded:
        """The matrix as multiples of its lattice."""
        coded = self._residual_at(self.survey.lattice_step, 0, None)
        return Coded(coded.mode, coded.encode, 0.0)

    def nothing(self) -> Coded:
        """The smallest file there is: all entries zero."""
        shape, total = self.survey.passes.shape, self.survey.passes.scan().norm ** 2
        return Coded("factors", lambda: zeros(shape), total)

    @cached_property
    def _factor_coder(self) -> FactorCoder:
        survey, rank = self.survey, self.target.rank
        total = survey.passes.scan().norm ** 2
        return FactorCoder(survey.directions, total, rank, survey.layouts, survey.threads)

    def _factors_at(self, step: float, state_bits: int) -> Coded:
        coded = self._factor_coder.code(step, state_bits)
        return self._coded(
            "factors", lambda: (*coded.encoded(self.survey.threads), None), coded.squared_error
        )

    def _residual_at(
        self,
        step: float,
        state_bits: int,
        coded_factors: CodedFactors | None,
        coder: ResidualCoder | None = None,
        coarser: Coarser = (0.0, 0),
    ) -> Coded:
        """Columns rounded to multiples of the step where no coder is given."""
        values = coded_factors.values if coded_factors is not None else None
        plain, coder = coder is None, coder or self.survey.columns
        coded = coder.code(step, state_bits, values, plain, coarser)
        length, threads = coder.length, self.survey.threads

        def encode() -> Sections:
            left, right = coded_factors.encoded(threads) if coded_factors else (None, None)
            return left, right, coded.factor(threads, length)

        mode = "direct" if coded_factors is None else "factors+residual"
        found = self._coded(mode, encode, coded.squared_error)
        if plain or coder.layout.transformed:
            return found
        again = partial(self._residual_at, step, state_bits, coded_factors, coder)
        return replace(found, coarser=again)

    def _coded(self, mode: str, encode: Callable[[], Sections], squared_error: float) -> Coded:
        if self.survey.quick:
            return Coded(mode, encode, squared_error)
        sections = encode()  # bytes take less room than the codes, which are let go of
        return Coded(mode, lambda: sections, squared_error)

    def _stages(self, coefficients: int) -> tuple[int, ...]:
        final = self._state_bits(coefficients)
        return (final,) if final <= _SEARCHING else (_SEARCHING, final)

    def _state_bits(self, coefficients: int) -> int:
        if self.survey.quick:
            return max(bits for _, bits in _STATE_BITS)
        return next(bits for most, bits in _STATE_BITS if coefficients <= most)

    def _factor_entries(self, prediction: Prediction) -> int:
        if prediction.mode == "direct":
            return 0
        return self.survey.spectrum.rank(prediction.step) * sum(self.survey.passes.shape)

    def _slope(self, step: float) -> float:
        spectrum = self.survey.spectrum
        here, there = spectrum.factors(step)[0], spectrum.factors(1.1 * step)[0]
        if there <= 0 or here <= there:
            return -2.0
        return math.log(there / here) / math.log(1.1)
