"""Further entries of an entropy-coded factor: rates, trellis and tables go on as they were."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding import RansCoding
from lplrcli.coding.clustering import fit_model
from lplrcli.coding.code_prices import SCALAR_PRICE, TRELLIS_PRICE, prices
from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.container.chunks import GrownChunks
from lplrcli.errors import PlanError
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.rans_constants import ABOVE, LANES, NO_CONTEXT, TOTAL
from lplrcli.pipeline.encode.chunking import chunk_entries
from lplrcli.pipeline.encode.coded_coefficients import count_codes
from lplrcli.pipeline.encode.coefficient_coder import PRIOR_TOKENS
from lplrcli.quantize import SteppedQuantizer
from lplrcli.quantize.stepped import NO_SHIFT
from lplrcli.runtime.parallel import ordered_map
from lplrcli.transform.component_layout import Layout

_REACH = 64
"""Substitutes that are tried on either side of a code that the stored tables do not know."""

_SUBSTITUTED = 0.01
"""Part of the squared error of a chunk that substitutes may add."""


def comes_back(factor: QuantizedFactor) -> bool:
    """Whether new codes in a chunk with stored ones must end in the state that they start from.

    The machine of a trellis goes on from one component of a lane to the next, whose stored codes
    stay what they are.
    """
    return factor.quantizer == "trellis" and factor.components > LANES


class RansGrowth:
    """Codes of the entropy coder: chosen by its rates, along the trellis if there is one.

    The frequency tables are those of the factor, unless it has one chunk only, which is coded
    again anyway, or they lack a code for which there is no near substitute. Then they are fitted
    to all codes, and all chunks coded again: that changes bytes, not values.

    Raises
    ------
    PlanError
        If the state of the trellis cannot be led, within the room that the last chunk has, to
        where the codes of the next component start from.
    """

    def __init__(self, name: str, factor: QuantizedFactor, entries: int, thrift: float) -> None:
        self.factor = factor
        self.entries = entries
        self._thrift = thrift
        self._model = EntropyModel.from_bytes(factor.coding_parameters, factor.components)
        self._coding = RansCoding(self._model, factor.grid)
        self._quantizer = SteppedQuantizer.of(factor)
        self._inverse = 1 / self._quantizer.units
        # Without shifts nothing but rounding was done: an error was to be kept everywhere.
        self._plain = self._quantizer.shifts == NO_SHIFT and not self._model.state_bits
        self.chunk_length = self._chunk_length(name)
        last = self._codes(len(factor.chunks) - 1)
        room = -factor.length % self.chunk_length
        self._before = last if room else last[:, :0]
        self._kept = factor.length // self.chunk_length
        first = room or self.chunk_length
        self.ends = [*range(first, entries, self.chunk_length), entries]
        self._prices = self._priced(last)
        self._unknown = threading.Event()

    def quantize(self, number: int, values: NDArray[Any]) -> NDArray[Any]:
        """Codes of the new entries of a chunk, int32; the first of them follow stored ones."""
        before = self._before if number == 0 else self._before[:, :0]
        codes = self._chosen(values, before)
        if len(self.factor.chunks) > 1 and not self._unknown.is_set():
            whole = np.concatenate([before, codes], axis=1)
            if self._known(values, codes, whole):
                codes = whole[:, before.shape[1] :]
            else:
                self._unknown.set()
        return codes

    def decoded(self, codes: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values of the codes."""
        out = np.empty(codes.shape, dtype)
        self._quantizer.decode(codes, slice(None), out)
        return out

    def finished(self, codes: Sequence[NDArray[Any]], threads: int) -> QuantizedFactor:
        """The factor with these codes after its own."""
        parts = [np.concatenate([self._before, codes[0]], axis=1), *codes[1:]]
        whole = replace(self.factor.lengthened(self.entries), chunk_length=self.chunk_length)
        if len(self.factor.chunks) > 1 and not self._unknown.is_set():
            added = list(ordered_map(self._coding.encode_chunk, parts, threads))
            return replace(whole, chunks=GrownChunks(self.factor.chunks, self._kept, added))
        model = self._fitted(parts, threads)
        coding = RansCoding(model, whole.grid)
        # One stored chunk at a time: its codes take several times the memory of its bytes.
        stored = (coding.encode_chunk(self._codes(i)) for i in range(self._kept))
        added = list(ordered_map(coding.encode_chunk, parts, threads))
        return replace(whole, coding_parameters=model.to_bytes(), chunks=[*stored, *added])

    def _chunk_length(self, name: str) -> int:
        """That of the factor, or, of a single chunk, what suits a longer factor."""
        factor, shortest = self.factor, self._shortest
        length, size = factor.length, factor.chunk_length
        if len(factor.chunks) == 1:
            if self.entries < shortest and length % 8 == 0:
                return length  # the new ones have a chunk of their own
            row_bits = -(-8 * len(factor.chunks[0]) // length)
            size = max(size, chunk_entries(length + self.entries, row_bits))
            while 0 < size - length < shortest:
                size += 8
        room = -length % size
        if 0 < min(room, self.entries) < shortest:
            few = self.entries < shortest
            raise PlanError(
                f"these rows are too few to follow in the last chunk of {name.replace('_', ' ')}: "
                "the trellis of its quantizer would not come back to where it has to",
                found=f"{self.entries} rows" if few else f"room for {room} rows",
                expected=f"at least {shortest}",
                advice=f"Append {shortest} rows or more at a time."
                if few
                else "Compress all rows again.",
            )
        return size

    @property
    def _shortest(self) -> int:
        """Fewest entries that may follow stored ones in a chunk.

        Any state of the machine is reached in as many steps as it has bits.
        """
        return self._model.state_bits if comes_back(self.factor) else 0

    def _codes(self, number: int) -> NDArray[Any]:
        """Codes of a stored chunk."""
        factor = self.factor
        rows = min(factor.chunk_length, factor.length - number * factor.chunk_length)
        return self._coding.decode_chunk(factor.chunks[number], rows)

    def _priced(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        """Price of every integer, by class, given the codes of the last stored chunk."""
        model = self._model
        if self._plain or not self._thrift:
            return np.zeros((len(model.table_map), 1), np.float32)
        layout = Layout("identity", self.factor.grid)
        counts = count_codes(codes, model.classes, model.unions, layout, NO_CONTEXT)[:, 0]
        shares = model.frequencies[model.table_map].mean(axis=1) / TOTAL
        price = self._thrift * (TRELLIS_PRICE if model.state_bits else SCALAR_PRICE)
        return prices(counts + PRIOR_TOKENS * shares[: len(counts)], price)

    def _chosen(self, values: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
        """Codes by rate and distortion, whatever the tables know."""
        from lplrcli.kernels.deadzone import deadzone_codes
        from lplrcli.kernels.trellis import states_after, trellis_codes

        model, inverse = self._model, self._inverse
        codes = np.empty(values.shape, np.int32)
        levels = np.repeat(model.classes, values.shape[1]).reshape(values.shape)
        if not model.state_bits:
            for i, part in enumerate(values):
                deadzone_codes(part, float(inverse[i]), self._prices, levels[i], codes[i])
            return codes
        choose = trellis_codes(model.state_bits)
        if before.shape[1] == 0:
            for lane in range(LANES):
                choose(values, lane, inverse, self._prices, levels, codes, 0, -1)
            return codes
        states = np.empty(len(values), np.int64)
        states_after(np.ascontiguousarray(before), model.taps, states)
        for i, state in enumerate(states.tolist()):
            one = slice(i, i + 1)
            end = state if i + LANES < len(values) else -1
            choose(
                *(values[one], 0, inverse[one], self._prices, levels[one], codes[one]),
                *(state, end),
            )
        return codes

    def _known(self, values: NDArray[Any], codes: NDArray[Any], whole: NDArray[Any]) -> bool:
        """Whether the stored tables serve for a chunk, `whole`, with substitutes where need be."""
        from lplrcli.kernels.substitution import substituted_codes

        model = self._model
        if model.context > ABOVE:
            return False
        added = substituted_codes(
            *(values, self._inverse, model.table_numbers, model.frequencies),
            *(model.unions, model.context, 0 if self._plain else _REACH, whole),
        )
        if added <= 0:
            return True
        error = self.decoded(codes, np.dtype(np.float64)) - values
        return bool(added <= _SUBSTITUTED * np.square(error).sum())

    def _fitted(self, parts: Sequence[NDArray[Any]], threads: int) -> EntropyModel:
        """Tables for all codes, stored and new."""
        model = self._model
        count = partial(
            count_codes,
            classes=model.classes,
            unions=model.unions,
            layout=Layout("identity", self.factor.grid),
        )
        stored = (self._codes(i) for i in range(self._kept))
        counts: Any = sum(ordered_map(count, chain(stored, parts), threads))
        return fit_model(counts, model.classes, model.state_bits, ABOVE)
