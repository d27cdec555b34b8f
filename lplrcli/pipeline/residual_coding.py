"""What the factors leave, or the matrix itself, coded entry by entry in columns."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import dense_rows, stored_entries
from lplrcli.linalg.passes import Passes
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.coefficients import CodedCoefficients, CoefficientCoder, code_coefficients
from lplrcli.pipeline.coefficients import sampled as sample_of
from lplrcli.pipeline.factors import rechunked
from lplrcli.quantize import SteppedQuantizer

_HELD = 2**25
"""Entries up to which a residual is computed once and kept; above, once for every coding."""

_CHUNK, _LARGE_CHUNK = 2**18, 2**20
"""Entries of a chunk, about: some 64 KiB coded, more where there are very many."""

_LEAST_ROWS = 256
"""Of a chunk: contexts and trellis start anew in each of its columns."""

_SAMPLE = 2**20
"""Entries looked at before anything is coded."""

_PIECES, _PIECE_ROWS = 4, 64
"""Pieces of each part of the sample, and their rows, on which a step is tried."""

_TRIED = 2**19
"""Entries of those pieces that are enough, about."""

Factors = tuple[NDArray[Any], NDArray[Any]] | None
"""Lᵀ (r x n) and R (r x d) as they decode, or nothing."""


class ResidualCoder:
    """Codes ``A − L R`` column by column, in chunks of whole rows.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    threads : int
        The result does not depend on it.
    """

    def __init__(self, passes: Passes, threads: int) -> None:
        self.passes = passes
        self.threads = threads
        rows, columns = passes.shape
        size = _CHUNK if rows * columns <= 256 * _CHUNK else _LARGE_CHUNK
        self.rows = min(-(-max(size // columns, _LEAST_ROWS) // 8) * 8, -(-rows // 8) * 8)
        self._held: tuple[Factors, list[NDArray[Any]]] | None = None
        self._sample: tuple[Factors, list[NDArray[Any]]] | None = None

    def chunks(self, factors: Factors) -> Iterator[NDArray[Any]]:
        """Columns of the residual, chunk by chunk, shape (d, rows)."""
        if self._held is not None and self._held[0] is factors:
            yield from self._held[1]
            return
        if self.passes.shape[0] * self.passes.shape[1] > _HELD:
            yield from self._computed(factors)
            return
        self._held = factors, list(self._computed(factors))
        yield from self._held[1]

    def sample(self, factors: Factors) -> list[NDArray[Any]]:
        """Parts of the residual, from places all over the matrix."""
        if self._sample is None or self._sample[0] is not factors:
            self._sample = factors, self._taken(factors)
        return self._sample[1]

    def deviations(self, factors: Factors) -> NDArray[np.float64]:
        """Root mean square of every column of the residual, from the sample."""
        sample = self.sample(factors)
        squares = sum(np.square(part, dtype=np.float64).sum(axis=1) for part in sample)
        found = np.sqrt(squares / sum(part.shape[1] for part in sample))
        return np.asarray(found)

    def code(
        self, step: float, state_bits: int, factors: Factors, plain: bool = False
    ) -> CodedCoefficients:
        """Quantize the residual.

        Parameters
        ----------
        step : float
            Of all entries.
        state_bits : int
            Of the trellis; 0 for a scalar quantizer.
        factors : tuple of ndarray or None
            What is subtracted first.
        plain : bool
            Round to the nearest multiple of the step.
        """
        coder = self._coder(step, state_bits, factors, plain)
        return code_coefficients(self.chunks(factors), self.sample(factors), coder, self.threads)

    def code_sample(
        self, step: float, state_bits: int, factors: Factors, plain: bool = False
    ) -> tuple[float, float]:
        """Bits per entry and mean squared error of the sample, coded with `step`."""
        pieces = [piece for part in self.sample(factors) for piece in _pieces(part)]
        sample = pieces[:: max(1, sum(piece.size for piece in pieces) // _TRIED)]
        coder = self._coder(step, state_bits, factors, plain)
        coded = code_coefficients(sample, sample, coder, self.threads)
        entries = sum(piece.size for piece in sample)
        return coded.token_bits() / entries, coded.squared_error / entries

    def _coder(
        self, step: float, state_bits: int, factors: Factors, plain: bool
    ) -> CoefficientCoder:
        columns = self.passes.shape[1]
        quantizer = SteppedQuantizer(step, np.zeros(columns, np.int64))
        return CoefficientCoder(quantizer, self.deviations(factors), state_bits, plain)

    def _taken(self, factors: Factors) -> list[NDArray[Any]]:
        rows, columns = self.passes.shape
        if rows * columns <= _HELD:
            return list(sample_of(self.chunks(factors)))
        height = max(64, _SAMPLE // 8 // columns)
        task = partial(_sampled, factors=factors, height=height, every=max(1, rows // 8))
        found = self.passes.map_scaled("sample", task)
        return [part for part in found if part is not None]

    def _computed(self, factors: Factors) -> Iterator[NDArray[Any]]:
        parts = self.passes.map_scaled("residual", partial(_residual, factors=factors))
        for chunk in rechunked(parts, self.rows):
            yield np.ascontiguousarray(chunk)


def _residual(block: RowBlock, factors: Factors) -> NDArray[Any]:
    """Columns of the residual of a block of rows, shape (d, rows)."""
    values = dense_rows(block.values, stored_entries(block.values).dtype)
    if factors is None:
        return np.ascontiguousarray(values.T)
    left, right = factors
    part = left[:, block.start : block.start + len(values)]
    return np.ascontiguousarray(values.T - right.T @ part)


def _pieces(part: NDArray[Any]) -> list[NDArray[Any]]:
    """Some runs of rows from all over a part of the sample, or all of it."""
    columns, rows = part.shape
    count = min(max(_PIECES, 2**18 // (_PIECE_ROWS * columns)), rows // _PIECE_ROWS)
    if count == 0 or count * _PIECE_ROWS * 2 > rows:
        return [part]
    starts = np.linspace(0, rows - _PIECE_ROWS, count).astype(int)
    return [np.ascontiguousarray(part[:, start : start + _PIECE_ROWS]) for start in starts]


def _sampled(block: RowBlock, factors: Factors, height: int, every: int) -> NDArray[Any] | None:
    """The first rows of the blocks in which a multiple of `every` lies."""
    rows = block.values.shape[0]
    if -block.start % every >= rows:
        return None
    return np.ascontiguousarray(_residual(block, factors)[:, :height])
