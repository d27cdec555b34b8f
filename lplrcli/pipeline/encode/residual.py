"""What the factors leave, or the matrix itself: coded in columns, in one run, or transformed."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.encode.chunking import rechunked
from lplrcli.pipeline.encode.coded_coefficients import CodedCoefficients
from lplrcli.pipeline.encode.coefficient_coder import CoefficientCoder
from lplrcli.pipeline.encode.coefficients import GREATEST, code_coefficients
from lplrcli.pipeline.encode.coefficients import sampled as sample_of
from lplrcli.pipeline.encode.residual_blocks import first_rows, in_row_order, pieces_of, residual_of
from lplrcli.quantize import SteppedQuantizer
from lplrcli.runtime.parallel import ordered_map
from lplrcli.runtime.workspace import KeptArrays
from lplrcli.transform.component_layout import Layout

_HELD = 2**25
"""Entries up to which a residual is computed once and kept; above, once for every coding."""

_CHUNK, _LARGE_CHUNK = 2**18, 2**20
"""Entries of a chunk, about: some 64 KiB coded, more where there are very many."""

_LEAST_ROWS = 256
"""Rows of a chunk, at least: contexts and trellis start anew in each of its columns."""

_FEW_ROWS = 20
"""Rows up to which a matrix that is wider has no columns worth coding one by one."""

_SAMPLE = 2**20
"""Entries looked at before anything is coded."""


_GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, are spread evenly however many there are."""

_FIELD_CHUNK = 2**24
"""Entries of a chunk of a field, about: a quarter of them would take a sixth more bits."""

_TRIED_ENTRIES = 2**19
"""Entries of those pieces that are enough, about."""


def in_one_run(shape: tuple[int, int]) -> bool:
    """Whether entries that are not transformed are one component, row after row.

    Columns of few rows would have more tables than codes, and no context.
    """
    return shape[0] <= _FEW_ROWS and shape[0] < shape[1]


def chunk_rows(shape: tuple[int, int]) -> int:
    """Rows in a chunk of the columns of a residual."""
    rows, columns = shape
    size = _CHUNK if rows * columns <= 256 * _CHUNK else _LARGE_CHUNK
    return min(-(-max(size // columns, _LEAST_ROWS) // 8) * 8, -(-rows // 8) * 8)


Coarser = tuple[float, int]
"""A share of columns, and by how many scales their step is larger."""

Factors = tuple[NDArray[Any], NDArray[Any]] | None
"""Lᵀ (r x n) and R (r x d) as they decode, or nothing."""


class ResidualCoder:
    """Codes ``A − L R`` in chunks: by columns, as one run of all rows, or transformed as one field.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    threads : int
        The result does not depend on it.
    transform : str
        Transform of the whole array over all its axes, in one component; ``identity`` for the
        columns, or the run that stands for them where there are few rows.
    """

    def __init__(self, passes: Passes, threads: int, transform: str = "identity") -> None:
        self.passes = passes
        self.threads = threads
        rows, columns = passes.shape
        unfolding = passes.source.unfolding
        if transform != "identity":
            grid = (*unfolding.row_grid, *unfolding.column_grid)
            self.layout = Layout(transform, without_units(grid))
            self.chunk_length = self.layout.chunk_length(_FIELD_CHUNK)
        elif in_one_run(passes.shape):
            self.layout = Layout(transform, (rows * columns,))
            self.chunk_length = _CHUNK if rows * columns <= 256 * _CHUNK else _LARGE_CHUNK
        else:
            self.layout = Layout(transform, (rows,))
            self.chunk_length = chunk_rows(passes.shape)
        self._held: tuple[Factors, KeptArrays] | None = None
        self._last: tuple[Factors, tuple[float, int], CodedCoefficients] | None = None
        self._largest: tuple[Factors, float] | None = None
        self._ratio: tuple[float, float] | None = None
        self._sample: tuple[Factors, list[NDArray[Any]]] | None = None

    def over(self, passes: Passes) -> ResidualCoder:
        """A coder with all that this one holds, over passes that differ by a rounding of means."""
        found = copy.copy(self)
        found.passes = passes
        return found

    @property
    def length(self) -> int:
        """Entries of a component."""
        return math.prod(self.layout.grid)

    @property
    def components(self) -> int:
        """The columns, or 1."""
        rows, columns = self.passes.shape
        return rows * columns // self.length

    def chunks(self, factors: Factors) -> Iterator[NDArray[Any]]:
        """Columns of the residual, chunk by chunk, shape (d, rows); in one run, (1, entries)."""
        if self._held is not None and self._held[0] is factors:
            yield from self._held[1]
            return
        if self.passes.shape[0] * self.passes.shape[1] > _HELD:
            yield from self._computed(factors)
            return
        self._held = factors, KeptArrays(self._computed(factors))
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
        self,
        step: float,
        state_bits: int,
        factors: Factors,
        plain: bool = False,
        coarser: Coarser = (0.0, 0),
    ) -> CodedCoefficients:
        """Quantize the residual.

        Parameters
        ----------
        step : float
            Step of all entries; larger where codes would exceed what the format holds, unless
            `plain`.
        state_bits : int
            State bits of the trellis; 0 for a scalar quantizer.
        factors : tuple of ndarray or None
            What is subtracted first.
        plain : bool
            Round to the nearest multiple of the step.
        coarser : tuple of float and int
            Share of the columns, spread all over, whose step is larger, and by how many scales.
        """
        coder = self._coder(step, state_bits, factors, plain, coarser)
        if self.layout.transformed:
            return self._field(coder, factors)
        return code_coefficients(self.chunks(factors), self.sample(factors), coder, self.threads)

    def code_sample(
        self, step: float, state_bits: int, factors: Factors, plain: bool = False
    ) -> tuple[float, float]:
        """Bits per entry and mean squared error of the sample coded with `step`, or of all a field.

        What makes a field small are its coarsest scales, which no sample has.
        """
        if self.layout.transformed:
            coded = self.code(step, state_bits, factors)
            return coded.token_bits() / self.length, coded.squared_error / self.length
        pieces = [piece for part in self.sample(factors) for piece in pieces_of(part)]
        sample = pieces[:: max(1, sum(piece.size for piece in pieces) // _TRIED_ENTRIES)]
        coder = self._coder(step, state_bits, factors, plain)
        coded = code_coefficients(sample, sample, coder, self.threads)
        entries = sum(piece.size for piece in sample)
        return coded.token_bits() / entries, coded.squared_error / entries

    def _field(self, coder: CoefficientCoder, factors: Factors) -> CodedCoefficients:
        """Code a field, and know its error: that of its coefficients is near it, but not equal."""
        asked = coder.quantizer.step, coder.state_bits
        if self._last is not None and self._last[0] is factors:
            before, coded = self._last[1:]
            # No trellis was used: none would be if it had other states.
            if before == asked or (before[0] == asked[0] and before[1] and not coded.state_bits):
                return coded
        chunks = KeptArrays(self.chunks(factors))
        coded = code_coefficients(chunks, sample_of(chunks, self.layout), coder, self.threads)
        if self._ratio is None or not 0.5 < asked[0] / self._ratio[0] < 2:
            errors = ordered_map(
                partial(_entry_error, coded),
                list(zip(chunks, coded.codes, strict=True)),
                self.threads,
            )
            self._ratio = asked[0], sum(errors) / max(coded.squared_error, 1e-300)
        coded = replace(coded, squared_error=coded.squared_error * self._ratio[1])
        self._last = factors, asked, coded
        return coded

    def _coder(
        self,
        step: float,
        state_bits: int,
        factors: Factors,
        plain: bool,
        coarser: Coarser = (0.0, 0),
    ) -> CoefficientCoder:
        components = self.components
        if not plain:
            step = max(step, self._finest(factors))
        places = np.modf(np.arange(components) * _GOLDEN)[0]
        quantizer = SteppedQuantizer(step, coarser[1] * (places < coarser[0]).astype(np.int64))
        # Those of a field are not looked at: its rates depend on the coefficients around.
        deviations = np.ones(1) if self.layout.transformed else self.deviations(factors)
        return CoefficientCoder(quantizer, deviations, state_bits, self.layout, plain)

    def _finest(self, factors: Factors) -> float:
        """Step below which codes would be cut, and the error grow again."""
        if self._largest is None or self._largest[0] is not factors:
            held = self.passes.shape[0] * self.passes.shape[1] <= _HELD
            parts = self.chunks(factors) if held else self.sample(factors)
            self._largest = factors, max(float(np.abs(part).max(initial=0.0)) for part in parts)
        return self._largest[1] / GREATEST

    def _taken(self, factors: Factors) -> list[NDArray[Any]]:
        rows, columns = self.passes.shape
        if rows * columns <= _HELD:
            return list(sample_of(KeptArrays(self.chunks(factors)), self.layout))
        height = max(64, _SAMPLE // 8 // columns)
        left, right = factors or (None, None)
        task = partial(first_rows, right=right, height=height, every=max(1, rows // 8))
        found = self.passes.map_scaled("sample", task, left)
        parts = [part for part in found if part is not None]
        if self.components == columns:
            return parts
        return [in_row_order(part)[:, : height * columns] for part in parts]

    def _computed(self, factors: Factors) -> Iterator[NDArray[Any]]:
        left, right = factors or (None, None)
        parts = self.passes.map_scaled("residual", partial(residual_of, right=right), left)
        if self.components != self.passes.shape[1]:
            parts = map(in_row_order, parts)
        for chunk in rechunked(parts, self.chunk_length):
            if self.layout.transformed:
                yield self.layout.forward(np.ascontiguousarray(chunk))
            else:
                yield np.ascontiguousarray(chunk)


def without_units(grid: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a grid that have more than one layer, or one axis."""
    return tuple(extent for extent in grid if extent > 1) or (1,)


def _entry_error(coded: CodedCoefficients, part: tuple[NDArray[Any], NDArray[Any]]) -> float:
    """Squared error of the entries of a chunk, given its coefficients and codes."""
    values, codes = part
    off = np.empty_like(values)
    coded.quantizer.decode(codes, slice(None), off)
    off -= values
    return float(np.square(coded.layout.inverse(off), dtype=np.float64).sum())
