"""Rates and prices of one factor, and the integers chosen by them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding.clustering import entropy
from lplrcli.coding.code_prices import (
    SCALAR_PRICE,
    TRELLIS_PRICE,
    extra_bits,
    normal_counts,
    prices,
)
from lplrcli.coding.rans import levels_of
from lplrcli.model.rans_constants import CONTEXTS, LANES
from lplrcli.pipeline.encode.coded_coefficients import count_codes
from lplrcli.quantize import SteppedQuantizer
from lplrcli.runtime.parallel import ordered_map
from lplrcli.transform.component_layout import Layout

PRIOR_TOKENS = 3.0
"""Tokens of the normal distribution that are added to those counted."""

_LEARNING = 3
"""State bits of the trellis that rates are learnt with."""

_WEIGHTS_AROUND = 6.0
"""Sum of the weights of the magnitudes around an entry, less what a mean is below a deviation."""


class CoefficientCoder:
    """Quantizes the components of one factor by the rates of its tables.

    Parameters
    ----------
    quantizer : SteppedQuantizer
        Step and scales; its shifts are not looked at.
    deviations : ndarray of float64, shape (components,)
        Root mean square of each component: components of like deviation share their rates.
    state_bits : int
        State bits of the trellis, 3 to 8; 0 for a scalar quantizer.
    layout : Layout
        With a transform the rates depend on the coefficients around, not on the component.
    plain : bool
        Round to the nearest integer whatever it costs, so that no error exceeds half a unit.
    """

    def __init__(
        self,
        quantizer: SteppedQuantizer,
        deviations: NDArray[np.float64],
        state_bits: int,
        layout: Layout,
        plain: bool = False,
    ) -> None:
        self.quantizer = quantizer
        self.state_bits = state_bits
        self.layout = layout
        self.plain = plain
        self.deviations = deviations
        self._unions = 2 if state_bits else 1
        self._inverse = 1 / quantizer.units
        if layout.transformed:
            parts = np.rint(8 * np.log2(_expected_deviations())).astype(np.int64)
            self.classes = np.zeros(len(deviations), np.uint8)
        else:
            relative = np.maximum(deviations * self._inverse, 2.0**-4)
            # An eighth of an octave: a coarser class costs its members bits, two make one if it
            # pays.
            places = np.minimum(np.rint(8 * np.log2(relative)), 220).astype(np.int64)
            parts, members = np.unique(places, return_inverse=True)
            self.classes = members.astype(np.uint8)
        self._prior = np.array([normal_counts(part / 8, self._unions) for part in parts])
        self._prices = self._priced(self._prior)
        self.rate = math.inf

    def scalar(self) -> CoefficientCoder:
        """A scalar quantizer to which a bit is worth as much error."""
        step = self.quantizer.step * math.sqrt(TRELLIS_PRICE / SCALAR_PRICE)
        quantizer = SteppedQuantizer(step, self.quantizer.indices)
        return CoefficientCoder(quantizer, self.deviations, 0, self.layout)

    def learn(self, sample: Iterable[NDArray[Any]], threads: int) -> None:
        """Take the rates from what the rates so far make of a sample.

        By the smallest trellis, whose rates are nearly those of all. The bits per coefficient
        become `rate`.
        """
        counts, entries = np.zeros_like(self._prior), 0
        small = min(self.state_bits, _LEARNING)
        axis = 0 if self.layout.transformed else 1
        for values in sample:
            codes = self._quantized(values, small, threads)
            found = count_codes(codes, self.classes, self._unions, self.layout).sum(axis=axis)
            counts[: len(found)] += found
            entries += codes.size
        self._prices = self._priced(self._prior * PRIOR_TOKENS + counts)
        self.rate = (entropy(counts) + float((counts * extra_bits()).sum())) / max(entries, 1)

    def quantize(self, values: NDArray[Any], threads: int = 1) -> NDArray[Any]:
        """Integers of a chunk of shape (components, rows)."""
        return self._quantized(values, self.state_bits, threads)

    def _quantized(self, values: NDArray[Any], state_bits: int, threads: int) -> NDArray[Any]:
        codes = np.empty(values.shape, np.int32)
        levels = self._levels(values)
        if state_bits:
            task, parts = partial(self._quantize_lane, values, codes, levels, state_bits), LANES
        else:
            task, parts = partial(self._quantize_component, values, codes, levels), len(values)
        for _ in ordered_map(task, range(parts), threads):
            pass
        return codes

    def _levels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Which rates every coefficient has: by its component, or by those around it, rounded."""
        if not self.layout.transformed:
            return np.repeat(self.classes, values.shape[1]).reshape(values.shape)
        from lplrcli.kernels.deadzone import rough_codes

        codes = np.empty(values.shape, np.int32)
        rough_codes(values, self._inverse, codes)
        return levels_of(codes, self.layout.context, self.layout.lines)

    def offsets(self, values: NDArray[Any], codes: NDArray[Any]) -> NDArray[np.float64]:
        """Weights and weighted sums of the offsets in three cells, and the squared error."""
        from lplrcli.kernels.deadzone import cell_offsets

        sums = np.zeros(7)
        cell_offsets(values, self._inverse, codes, sums)
        return sums

    def _priced(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        if self.plain:
            return np.zeros((len(counts), 1), np.float32)
        price = TRELLIS_PRICE if self.state_bits else SCALAR_PRICE
        return prices(counts, price)

    def _quantize_lane(
        self,
        values: NDArray[Any],
        codes: NDArray[Any],
        levels: NDArray[np.uint8],
        state_bits: int,
        lane: int,
    ) -> None:
        from lplrcli.kernels.trellis import trellis_codes

        choose = trellis_codes(state_bits)
        choose(values, lane, self._inverse, self._prices, levels, codes, 0, -1)

    def _quantize_component(
        self, values: NDArray[Any], codes: NDArray[Any], levels: NDArray[np.uint8], i: int
    ) -> None:
        from lplrcli.kernels.deadzone import deadzone_codes

        deadzone_codes(values[i], float(self._inverse[i]), self._prices, levels[i], codes[i])


def _expected_deviations() -> NDArray[np.float64]:
    """Deviation, in units, of a coefficient whose neighbours have each `level_of` their sum."""
    sums = 2.0 ** (np.arange(CONTEXTS) / 2)
    return np.concatenate([[0.12], sums[1:] / _WEIGHTS_AROUND])
