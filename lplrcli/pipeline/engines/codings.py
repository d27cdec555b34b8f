"""The ways to code one matrix, for any step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from lplrcli.model.compressed import QuantizedFactor
from lplrcli.pipeline.encode.coefficients import GREATEST, CodedCoefficients
from lplrcli.pipeline.encode.factors import CodedFactors, FactorCoder
from lplrcli.pipeline.encode.residual import ResidualCoder
from lplrcli.pipeline.survey.matrix_survey import Prospects
from lplrcli.planning import mode_predictions
from lplrcli.planning.mode_predictions import Prediction

_STATE_BITS = ((2**20, 8), (2**22, 5), (2**63, 3))
"""Coefficients up to which the trellis has that many state bits: 0.4 microseconds for each of
them at 8, a fifth of that at 3, for 0.04 bits."""

_SEARCHING = 5
"""State bits at most while the step is still far off."""

_FIELD_SLOPE = -0.8
"""Of the logarithm of the bytes of a field over that of its step, at most: few entries have any."""

_RESTORED = 0.9
"""Step of integers that are restored when their sum with factors is rounded."""

_MAYBE = 1.1
"""A lossless coding is tried if the sample says that it needs at most this much of the size."""

Sections = tuple[QuantizedFactor | None, QuantizedFactor | None, QuantizedFactor | None]

Steps = tuple[Callable[[float], "Coded"], float, float]


@dataclass(frozen=True)
class Coded:
    """One coding of the matrix.

    Attributes
    ----------
    mode : str
        What is present.
    encode : callable
        Gives L, Rᵀ and E as a file holds them, or None for what is not present.
    squared_error : float
        That the decoded matrix is expected to have.
    """

    mode: str
    encode: Callable[[], Sections]
    squared_error: float

    @cached_property
    def sections(self) -> Sections:
        """L, Rᵀ and E: encoded when they are first asked for."""
        return self.encode()


class ModeCoders(Prospects):
    """What can be made of a matrix in each mode."""

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
            if len(coded_factors.left_values) == 0 and self.may_be_direct:
                return  # that is mode direct
        if coded_factors is None:
            coder = self.direct_coder
        else:
            coder = self.better_coder(coded_factors.values, coded_factors.squared_error)
        for bits in self._stages(self.entries):
            rate = max(prediction.bits / self.entries, 0.1)
            slope = max(-1.44 / rate, _FIELD_SLOPE if coder.layout.transformed else -math.inf)
            code = partial(
                self._residual_at, state_bits=bits, coded_factors=coded_factors, coder=coder
            )
            yield code, prediction.residual_step, slope

    def plain(self, step: float) -> Iterator[Coded]:
        """Codings in which no residual is off by more than half of `step`."""
        if self.may_be_direct:
            yield self._residual_at(step, 0, None)
        if self.target.mode == "direct" or self.passes.scan().norm == 0:
            return
        prediction = mode_predictions.residual_at_error(self.spectrum, self.entries * step**2 / 12)
        factors = self._factor_coder.code(
            prediction.step, self._state_bits(self._factor_entries(prediction))
        )
        if len(factors.left_values) or not self.may_be_direct:
            yield self._residual_at(step, 0, factors)

    def plain_step(self, bound: float) -> float | None:
        """Step with which no entry is off by more than `bound` once rounded to its type."""
        if self.lattice is not None:
            step = (2 * math.floor(bound / self.lattice * (1 + 1e-12)) + 1) * self.lattice
        else:
            scan = self.passes.original()
            spacing = _spacing(max(-scan.low, scan.high), self.passes.source.dtype)
            # Rounding to the type at most doubles an error, as the entry itself is of the type.
            step = max(2 * bound - 1.01 * spacing, bound)
        return math.ldexp(step, -self.passes.exponent) if step > 0 else None

    @property
    def finest_step(self) -> float:
        """About the finest with which no code of an entry is cut; of integers, no finer than they.

        Rounding to the type may restore what is off by less than half its spacing.
        """
        scan = self.passes.original()
        step = max(-scan.low, scan.high) / GREATEST
        if self.passes.source.dtype.kind in "iub":
            step = max(step, _RESTORED)
        return math.ldexp(step, -self.passes.exponent)

    def lossless(self, size: int | None) -> Coded | None:
        """The matrix as multiples of its lattice; None if it has none, or `size` is far less."""
        rate = self.lossless_rate()
        if rate is None:
            return None
        self.told["lossless"] = float(f"{rate:.4g}") if size is None else 0.0
        if size is not None and rate * self.entries > 8 * _MAYBE * size:
            del self.told["lossless"]
            return None
        coded = self._residual_at(self.lattice_step, 0, None)
        return replace(coded, squared_error=0.0)

    def nothing(self) -> Coded:
        """The smallest file there is: all entries zero."""
        n, d = self.passes.shape
        none = CodedCoefficients.empty(n)
        empty = CodedCoefficients.empty(d)
        total = self.passes.scan().norm ** 2
        return Coded("factors", lambda: (none.factor(1, n), empty.factor(1, d), None), total)

    @cached_property
    def _factor_coder(self) -> FactorCoder:
        total = self.passes.scan().norm ** 2
        layouts = self.layouts
        return FactorCoder(self.directions, total, self.target.rank, layouts, self.threads)

    def _factors_at(self, step: float, state_bits: int) -> Coded:
        coded = self._factor_coder.code(step, state_bits)
        return self._coded(
            "factors", lambda: (*coded.encoded(self.threads), None), coded.squared_error
        )

    def _residual_at(
        self,
        step: float,
        state_bits: int,
        coded_factors: CodedFactors | None,
        coder: ResidualCoder | None = None,
    ) -> Coded:
        """Of columns rounded to multiples of the step where no coder is given."""
        values = coded_factors.values if coded_factors is not None else None
        plain, coder = coder is None, coder or self.columns
        coded = coder.code(step, state_bits, values, plain)
        length = coder.length

        def encode() -> Sections:
            left, right = coded_factors.encoded(self.threads) if coded_factors else (None, None)
            return left, right, coded.factor(self.threads, length)

        mode = "direct" if coded_factors is None else "factors+residual"
        return self._coded(mode, encode, coded.squared_error)

    def _coded(self, mode: str, encode: Callable[[], Sections], squared_error: float) -> Coded:
        if self.quick:
            return Coded(mode, encode, squared_error)
        sections = encode()  # bytes take less room than the codes, which are let go of
        return Coded(mode, lambda: sections, squared_error)

    def _stages(self, coefficients: int) -> tuple[int, ...]:
        final = self._state_bits(coefficients)
        return (final,) if final <= _SEARCHING else (_SEARCHING, final)

    def _state_bits(self, coefficients: int) -> int:
        if self.quick:
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
