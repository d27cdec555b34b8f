"""The integers that a factor was turned into, and what a file holds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding import RansCoding
from lplrcli.coding.clustering import contexts_pay, entropy, fit_model
from lplrcli.coding.code_prices import (
    extra_bits,
)
from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.coding.rans import levels_of
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.rans_constants import CONTEXTS, NO_CONTEXT, TOKENS
from lplrcli.quantize import SteppedQuantizer
from lplrcli.runtime.parallel import ordered_map
from lplrcli.runtime.stages import counted
from lplrcli.runtime.workspace import KeptBytes, workspace
from lplrcli.transform.component_layout import Layout

_CONTEXT_TABLE_BITS = 40.0
"""What a context costs at least, when it is predicted whether contexts pay."""

_EVERY = 8
"""One chunk in so many says whether contexts pay, where there are more than twice as many."""


@dataclass(frozen=True)
class CodedCoefficients:
    """What one factor was turned into.

    Attributes
    ----------
    quantizer : SteppedQuantizer
        Step, scales and shifts.
    state_bits : int
        State bits of the trellis; 0 for a scalar quantizer.
    classes : ndarray of uint8, shape (components,)
        Components of one class share their tables.
    codes : sequence of ndarray of int32, each of shape (components, rows)
        The integers, by chunk.
    squared_error : float
        Squared error of the values decoded.
    layout : Layout
        Transform and grid.
    basis : CodedCoefficients or None
        What a transform needs that depends on the data.
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
            quantizer_parameters=self.quantizer.parameters,
            coding="rans",
            coding_parameters=model.to_bytes(),
            transform=self.layout.transform,
            grid=self.layout.grid,
            chunk_length=-(-chunk_length // 8) * 8,
            chunks=(
                KeptBytes(
                    counted(
                        ordered_map(self._coding(model).encode_chunk, self.codes, threads),
                        len(self.codes),
                    )
                )
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
