"""What the coding ``rans`` knows of its codes: classes, contexts and frequency tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.rans_constants import CONTEXTS, NO_CONTEXT, TAPS, TOKENS, TOTAL

WEIGHTS = np.array([0, 1, 2, 3, *((4 + (w & 3)) << ((w >> 2) - 1) for w in range(4, 48))], np.int64)
"""Meaning of the logarithmic weights 0 to 47: four an octave."""


@dataclass(frozen=True)
class EntropyModel:
    """Static model of the codes of one factor.

    Attributes
    ----------
    state_bits : int
        Of the trellis machine; 0 for scalar codes.
    context : int
        Kind of context: `NO_CONTEXT`, `ABOVE` or `AROUND` of `lplrcli.model.rans_constants`.
    classes : ndarray of uint8, shape (components,)
        Class of each component.
    table_map : ndarray of uint8, shape (classes, contexts, unions)
        Number of the table to use.
    weights : tuple of ndarray of uint8
        Logarithmic weight of each token, one array a table, the last weight positive.
    """

    state_bits: int
    context: int
    classes: NDArray[Any]
    table_map: NDArray[Any]
    weights: tuple[NDArray[Any], ...]

    @property
    def unions(self) -> int:
        """2 if the machine tells the parity of a code."""
        return 2 if self.state_bits else 1

    @property
    def taps(self) -> tuple[int, int, int]:
        """State bits, H0, H1."""
        return (self.state_bits, *TAPS[self.state_bits])

    @cached_property
    def frequencies(self) -> NDArray[np.uint32]:
        """Frequency of each token, sum 4096, shape (tables, 231)."""
        tables = np.zeros((len(self.weights), TOKENS), np.uint32)
        for table, weights in zip(tables, self.weights, strict=True):
            table[: len(weights)] = normalised(weights)
        return tables

    @cached_property
    def starts(self) -> NDArray[np.uint32]:
        """Sum of the frequencies before each token, shape (tables, 231)."""
        return np.cumsum(self.frequencies, axis=1, dtype=np.uint32) - self.frequencies

    @cached_property
    def table_numbers(self) -> NDArray[np.uint8]:
        """Table of each component, context and union."""
        return np.ascontiguousarray(self.table_map[self.classes])

    def to_bytes(self) -> bytes:
        """Lay out as SPEC.md, section "rans", says."""
        parts = [
            bytes([self.state_bits, self.context, len(self.table_map), len(self.weights)]),
            _differences(self.classes, 1),
            _differences(self.table_map.ravel(), 1),
        ]
        for weights in self.weights:
            parts += [bytes([len(weights)]), _differences(weights, 2)]
        return b"".join(parts)

    @classmethod
    def empty(cls) -> EntropyModel:
        """The model of no components at all."""
        none = np.zeros(0, np.uint8)
        return cls(0, NO_CONTEXT, none, none.reshape(0, 1, 1), ())

    @classmethod
    def from_bytes(cls, tables: bytes, components: int) -> EntropyModel:
        """Parse what `to_bytes` made; that of a file has been checked when it was opened."""
        state_bits, context, classes, count = tables[:4]
        contexts, unions = (CONTEXTS if context else 1), (2 if state_bits else 1)
        place = 4

        def take(length: int, lag: int) -> NDArray[np.uint8]:
            nonlocal place
            part = np.frombuffer(tables, np.uint8, length, place)
            place += length
            return _sums(part, lag)

        members = take(components, 1)
        table_map = take(classes * contexts * unions, 1).reshape(classes, contexts, unions)
        weights = []
        for _ in range(count):
            length = tables[place]
            place += 1
            weights.append(take(length, 2))
        return cls(state_bits, context, members, table_map, tuple(weights))


def normalised(weights: NDArray[Any]) -> NDArray[np.int64]:
    """Frequencies of sum 4096 from logarithmic weights, by integer arithmetic alone."""
    scaled = WEIGHTS[weights]
    frequencies = np.where(scaled > 0, np.maximum(1, TOTAL * scaled // scaled.sum()), 0)
    frequencies[frequencies.argmax()] += TOTAL - frequencies.sum()
    return np.asarray(frequencies)


def logarithmic_weights(counts: NDArray[Any]) -> NDArray[np.uint8]:
    """Weights whose frequencies come close to `counts`, of shape (tokens,), not all zero.

    Counts become the nearest weight in the logarithm, at a scale at which the rarest token of
    a table still has one.
    """
    used = int(np.flatnonzero(counts)[-1]) + 1
    share = counts[:used] * (TOTAL / counts.sum())
    middles = np.sqrt(WEIGHTS[1:-1] * WEIGHTS[2:])
    weights = np.where(share > 0, 1 + np.searchsorted(middles, share), 0).astype(np.uint8)
    # Rounding may leave the sum off; the normalisation settles it on the greatest token, which
    # it must not use up.
    while (normalised(weights)[weights > 0] < 1).any():
        weights[weights.argmax()] += 1
    return weights


def _differences(values: NDArray[Any], lag: int) -> bytes:
    wide = values.astype(np.int64)
    wide[lag:] -= values[:-lag].astype(np.int64)
    return (wide & 0xFF).astype(np.uint8).tobytes()


def _sums(differences: NDArray[np.uint8], lag: int) -> NDArray[np.uint8]:
    out = np.empty_like(differences)
    for first in range(lag):
        out[first::lag] = np.cumsum(differences[first::lag], dtype=np.uint64).astype(np.uint8)
    return out
