"""Coefficients to entropy-coded chunks: choose integers by rate and distortion, learn the tables.

The rates that the choice depends on are those of the tables, and the tables count the choice: one
round on a sample starts from the normal distribution, the second is the final one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding import RansCoding
from lplrcli.coding.clustering import contexts_pay, entropy, fit_model
from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.coding.rans import levels_of
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.rans_constants import CONTEXTS, LANES, NO_CONTEXT, TOKENS
from lplrcli.planning.prices import (
    SCALAR_PRICE,
    TRELLIS_PRICE,
    extra_bits,
    normal_counts,
    prices,
)
from lplrcli.quantize import SteppedQuantizer
from lplrcli.runtime.parallel import heavy_map, ordered_map
from lplrcli.runtime.workspace import KeptArrays, KeptBytes, workspace
from lplrcli.transform.component_layout import Layout

_PRIOR = 3.0
"""Tokens of the normal distribution that are added to those counted."""

_CONTEXT_TABLE_BITS = 40.0
"""What a context costs at least, when it is predicted whether contexts pay."""

_LEARNING = 3
"""State bits of the trellis that rates are learnt with."""

_EVERY = 8
"""Of more than twice as many chunks, one in so many says whether contexts pay."""

_WEIGHTS_AROUND = 6.0
"""Sum of the weights of the magnitudes around an entry, less what a mean is below a deviation."""

_SPARSE = 1.0
"""Bits per transformed coefficient below which most are zero, a code that half of the states of a
trellis do not have: there a scalar quantizer errs less, by up to a sixth."""

GREATEST = 2.0**28
"""No step may be so fine that a coefficient has more units: larger codes would be cut."""

_HEAVY = 2**16
"""Entries of a chunk that a trellis takes longer with than they take to travel: some 100 to 800 ns
each. Scalar quantizers and coders are as fast as a network."""

_TRAINING = 2**20
"""Coefficients on which the first round learns."""


@dataclass(frozen=True)
class CodedCoefficients:
    """What one factor was turned into.

    Attributes
    ----------
    quantizer : SteppedQuantizer
        Step, scales and shifts.
    state_bits : int
        Of the trellis; 0 for a scalar quantizer.
    classes : ndarray of uint8, shape (components,)
        Components of one class share their tables.
    codes : sequence of ndarray of int32, each of shape (components, rows)
        The integers, by chunk.
    squared_error : float
        Of the values decoded.
    layout : Layout
        Transform and grid.
    basis : CodedCoefficients or None
        Of a transform that depends on the data.
    """

    quantizer: SteppedQuantizer
    state_bits: int
    classes: NDArray[Any]
    codes: Sequence[NDArray[Any]]
    squared_error: float
    layout: Layout
    basis: CodedCoefficients | None = None

    @classmethod
    def empty(cls, length: int) -> CodedCoefficients:
        """No components at all, of `length` entries."""
        none = np.zeros(0, np.uint8)
        return cls(SteppedQuantizer(1.0, none), 0, none, [], 0.0, Layout("identity", (length,)))

    @property
    def length(self) -> int:
        """Entries per component."""
        return sum(part.shape[1] for part in self.codes)

    def decoded(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values that decoding will give, shape (components, length)."""
        out = workspace().empty((len(self.classes), self.length), dtype)
        start = 0
        for part in self.codes:
            stop = start + part.shape[1]
            self.quantizer.decode(part, slice(None), out[:, start:stop])
            out[:, start:stop] = self.layout.inverse(out[:, start:stop])
            start = stop
        return out

    def factor(self, threads: int, length: int) -> QuantizedFactor:
        """As a file holds it.

        Parameters
        ----------
        threads : int
            Chunks are coded in parallel.
        length : int
            Entries per component; needed where there are no components.
        """
        chunk_length = max([8, *(part.shape[1] for part in self.codes[:1])])
        model = self._model(threads)
        return QuantizedFactor(
            length=length,
            components=len(self.classes),
            quantizer="trellis" if self.state_bits and len(self.classes) else "deadzone",
            side=self.quantizer.side,
            coding="rans",
            tables=model.to_bytes(),
            transform=self.layout.transform,
            grid=self.layout.grid,
            chunk_length=-(-chunk_length // 8) * 8,
            chunks=(
                KeptBytes(ordered_map(self._coding(model).encode_chunk, self.codes, threads))
                if len(self.classes)
                else []
            ),
            basis=None if self.basis is None else self.basis.factor(threads, self.basis.length),
        )

    def token_bits(self) -> float:
        """Entropy of the tokens given class, union and, if that saves anything, context."""
        unions = 2 if self.state_bits else 1
        count = partial(count_codes, classes=self.classes, unions=unions, layout=self.layout)
        counts: Any = sum(count(part) for part in self.codes)
        merged = counts.sum(axis=1, keepdims=True)
        tables = _CONTEXT_TABLE_BITS * int(counts.any(axis=-1).sum())
        extra = float((merged * extra_bits()).sum())
        spent = min(entropy(merged), entropy(counts) + tables)
        return extra + spent

    def _model(self, threads: int) -> EntropyModel:
        """Tables for the codes; with the context of the codes above where that pays."""
        if len(self.classes) == 0:
            return EntropyModel.empty()
        unions = 2 if self.state_bits else 1
        count = partial(count_codes, classes=self.classes, unions=unions, layout=self.layout)
        context = self.layout.context
        if len(self.codes) > 2 * _EVERY:
            some: Any = sum(ordered_map(count, self.codes[::_EVERY], threads))
            context = context if contexts_pay(some) else NO_CONTEXT
        counts: Any = sum(ordered_map(partial(count, context=context), self.codes, threads))
        return fit_model(counts, self.classes, self.state_bits, context)

    def _coding(self, model: EntropyModel) -> RansCoding:
        return RansCoding(model, self.layout.grid)


def count_codes(
    codes: NDArray[Any],
    classes: NDArray[Any],
    unions: int,
    layout: Layout,
    context: int | None = None,
) -> NDArray[np.int64]:
    """Histograms of the tokens of a chunk, shape (classes, contexts, unions, tokens)."""
    from lplrcli.kernels.rans import count_tokens

    context = layout.context if context is None else context
    contexts = 1 if context == NO_CONTEXT else CONTEXTS
    counts = np.zeros((int(classes.max()) + 1, contexts, unions, TOKENS), np.int64)
    levels = levels_of(codes, context, layout.lines)
    count_tokens(codes, classes, unions, context, levels, counts)
    return counts


class CoefficientCoder:
    """Quantizes the components of one factor by the rates of its tables.

    Parameters
    ----------
    quantizer : SteppedQuantizer
        Step and scales; its shifts are not looked at.
    deviations : ndarray of float64, shape (components,)
        Root mean square of each component: components of like deviation share their rates.
    state_bits : int
        Of the trellis, 3 to 8; 0 for a scalar quantizer.
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
        self._prices = self._priced(self._prior * _PRIOR + counts)
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


def code_coefficients(
    chunks: Iterable[NDArray[Any]],
    sample: Iterable[NDArray[Any]],
    coder: CoefficientCoder,
    threads: int,
) -> CodedCoefficients:
    """Quantize all chunks by the rates learnt from a sample.

    Parameters
    ----------
    chunks : iterable of ndarray, shape (components, rows)
        The coefficients.
    sample : iterable of ndarray, shape (components, rows)
        Some of them.
    coder : CoefficientCoder
        Its rates are learnt here. A trellis whose coefficients are mostly zero gives way to a
        scalar quantizer.
    threads : int
        The result does not depend on it.
    """
    if not coder.plain:
        coder = _learnt(coder, list(sample), threads)
    codes = KeptArrays()
    offsets = np.zeros(7)
    chunks = iter(chunks)
    first = list(islice(chunks, threads))
    # Many chunks at once, or the lanes of one: whichever there is enough of.
    within, across = (threads, 1) if len(first) < threads else (1, threads)
    task = partial(_quantized_chunk, coder=coder, threads=within)
    heavy = len(first) == threads and coder.state_bits and first[0].size >= _HEAVY
    mapped = heavy_map if heavy else ordered_map
    for part, found in mapped(task, chain(first, chunks), across):
        codes.append(part)
        offsets += found
    shifts, squared_error = _centroids(offsets, coder.plain)
    quantizer = SteppedQuantizer(coder.quantizer.step, coder.quantizer.indices, shifts)
    return CodedCoefficients(
        *(quantizer, coder.state_bits, coder.classes, codes, squared_error, coder.layout)
    )


def _learnt(
    coder: CoefficientCoder, sample: Sequence[NDArray[Any]], threads: int
) -> CoefficientCoder:
    """The coder, or the scalar one in its place, with the rates of a sample."""
    if coder.state_bits and coder.layout.transformed:
        scalar = coder.scalar()
        scalar.learn(sample, threads)
        if scalar.rate < _SPARSE:
            return scalar
    coder.learn(sample, threads)
    return coder


def _expected_deviations() -> NDArray[np.float64]:
    """Deviation, in units, of a coefficient whose neighbours have each `level_of` their sum."""
    sums = 2.0 ** (np.arange(CONTEXTS) / 2)
    return np.concatenate([[0.12], sums[1:] / _WEIGHTS_AROUND])


def _quantized_chunk(
    values: NDArray[Any], coder: CoefficientCoder, threads: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    codes = coder.quantize(values, threads)
    return codes, coder.offsets(values, codes)


def sampled(chunks: Sequence[NDArray[Any]], layout: Layout) -> Iterator[NDArray[Any]]:
    """The first part of every chunk, of about a million coefficients in all.

    Of transformed chunks, whole ones, as frequencies differ.
    """
    if layout.transformed:
        yield from chunks[:: -(-sum(values.size for values in chunks) // (2 * _TRAINING))]
        return
    seen = 0
    for number, values in enumerate(chunks):
        rows = max(64, _TRAINING // (1 + number) ** 2 // max(1, len(values)))
        if seen < 2 * _TRAINING:
            yield np.ascontiguousarray(values[:, :rows])
            seen += len(values) * min(rows, values.shape[1])


def _centroids(offsets: NDArray[np.float64], plain: bool) -> tuple[tuple[int, int, int], float]:
    """Shifts in 256ths of a unit, and the squared error with them."""
    weights, sums, error = offsets[:3], offsets[3:6], float(offsets[6])
    if plain:
        return (0, 0, 0), error
    means = np.divide(sums, weights, out=np.zeros(3), where=weights > 0)
    shifts = np.clip(np.rint(256 * means), -127, 127)
    error -= float((2 * shifts / 256 * sums - (shifts / 256) ** 2 * weights).sum())
    first, second, rest = (int(shift) for shift in shifts)
    return (first, second, rest), max(error, 0.0)
