"""Both factors at one step: quantize U Σ, refit R against the result, quantize R."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.projection import least_squares
from lplrcli.linalg.range_finder import LeadingDirections
from lplrcli.linalg.tall import chosen, energy_of, gram_of, mean_squares, row_blocks
from lplrcli.model.compressed import KLT, QuantizedFactor
from lplrcli.pipeline.decode.factors import chunk_entries
from lplrcli.pipeline.encode.coefficients import (
    GREATEST,
    CodedCoefficients,
    CoefficientCoder,
    code_coefficients,
    sampled,
)
from lplrcli.pipeline.encode.klt_bases import quantized_bases
from lplrcli.planning.rate_model import VANISHING
from lplrcli.quantize import SteppedQuantizer
from lplrcli.quantize.scales import index_of, scale_of
from lplrcli.runtime.workspace import KeptArrays
from lplrcli.transform.component_layout import Layout

_FEWER = 32
"""A transformed chunk has so many times the entries of another: it takes far fewer bits."""

_ROUNDS = 3
"""How often components that became zero are left out and the others coded again."""


@dataclass(frozen=True)
class CodedFactors:
    """Both factors, quantized.

    Attributes
    ----------
    left, right : CodedCoefficients
        Lᵀ and R, components of the same number.
    left_values, right_values : ndarray, shapes (r, n) and (r, d)
        What they decode to, in the working precision.
    squared_error : float
        ``‖A − L R‖²``, from the basis of the range found.
    """

    left: CodedCoefficients
    right: CodedCoefficients
    left_values: NDArray[Any]
    right_values: NDArray[Any]
    squared_error: float

    @cached_property
    def values(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Lᵀ and R, decoded."""
        return self.left_values, self.right_values

    def encoded(self, threads: int) -> tuple[QuantizedFactor, QuantizedFactor]:
        """Both factors as a file holds them."""
        return (
            self.left.factor(threads, self.left_values.shape[1]),
            self.right.factor(threads, self.right_values.shape[1]),
        )


class FactorCoder:
    """Codes the factors of a matrix of which the leading directions are known.

    Parameters
    ----------
    directions : LeadingDirections
        U Σ, and the basis V with A V.
    total : float
        ``‖A‖²``.
    rank : int, optional
        Most components.
    layouts : tuple of Layout
        Of L and of Rᵀ.
    threads : int
        The result does not depend on it.
    """

    def __init__(
        self,
        directions: LeadingDirections,
        total: float,
        rank: int | None,
        layouts: tuple[Layout, Layout],
        threads: int,
    ) -> None:
        self.directions = directions
        self.layouts = layouts
        self.total = total
        self.rank = rank
        self.threads = threads
        self._energy = energy_of(directions.projected)

    def code(self, step: float, state_bits: int) -> CodedFactors:
        """Quantize both factors with one step.

        Parameters
        ----------
        step : float
            Of U Σ and of Σ Vᵀ alike: the singular vectors are orthonormal, so equal steps are
            equal slopes of the squared error.
        state_bits : int
            Of the trellis.
        """
        candidates = self._left(step)
        coded = self._coded_once(candidates, step, state_bits)
        for _ in range(_ROUNDS):
            used = coded.left_values.any(axis=1) & coded.right_values.any(axis=1)
            if used.all():
                break
            # Components of a lane are one path of the trellis: without some, all are chosen anew.
            candidates = chosen(candidates, used)
            coded = self._coded_once(candidates, step, state_bits)
        return coded

    def _coded_once(self, candidates: NDArray[Any], step: float, state_bits: int) -> CodedFactors:
        """L, and R fitted to it, of all candidates."""
        if len(candidates) == 0:
            rows, columns = candidates.shape[1], self.directions.row_basis.shape[0]
            nothing = np.zeros((0, columns), candidates.dtype)
            none, empty = CodedCoefficients.empty(rows), CodedCoefficients.empty(columns)
            return CodedFactors(none, empty, candidates, nothing, self.total)
        left = coded_components(candidates, step, None, state_bits, self.layouts[0], self.threads)
        decoded = left.decoded(candidates.dtype)
        lengths = np.sqrt(mean_squares(decoded) * decoded.shape[1])
        if not lengths.any():
            return self._coded_once(candidates[:0], step, state_bits)
        fitted = least_squares(decoded, self.directions.left_times(decoded))
        indices = index_of(1 / np.where(lengths > 0, lengths, lengths.max()))
        right = coded_components(fitted, step, indices, state_bits, self.layouts[1], self.threads)
        right_values = right.decoded(fitted.dtype)
        error = self._squared_error(decoded, right_values)
        return CodedFactors(left, right, decoded, right_values, error)

    def _left(self, step: float) -> NDArray[Any]:
        """Those directions of U Σ of which something will be left."""
        directions = self.directions
        lengths = directions.left.shape[1], directions.row_basis.shape[0]
        # All the energy of a transformed direction may be in one coefficient.
        spread = max(
            1 if layout.transformed else length
            for layout, length in zip(self.layouts, lengths, strict=True)
        )
        worth = int((directions.energies > (VANISHING * step) ** 2 * spread).sum())
        worth = min(worth, self.rank or worth)
        return np.ascontiguousarray(directions.left[:worth])

    def _squared_error(self, left: NDArray[Any], right: NDArray[Any]) -> float:
        """``‖A − L R‖²``: within the basis V, what L R has outside it, and what A has there.

        The last two are taken for orthogonal: outside V there is only R's quantization noise.
        """
        directions = self.directions
        within = right @ directions.row_basis
        error = 0.0
        for rows in row_blocks(left.shape[1]):
            difference = directions.projected[rows] - left[:, rows].T @ within
            error += float(np.square(difference, dtype=np.float64).sum())
        # The difference of both moments would be lost in rounding.
        outside = right.astype(np.float64) - within.astype(np.float64) @ directions.row_basis.T
        noise = float(np.sum(gram_of(left.T) * gram_of(outside.T)))
        beyond = directions.beyond
        return error + noise + (max(self.total - self._energy, 0.0) if beyond is None else beyond)


def coded_components(
    values: NDArray[Any],
    step: float,
    indices: NDArray[np.int64] | None,
    state_bits: int,
    layout: Layout,
    threads: int,
) -> CodedCoefficients:
    """Quantize components, shape (components, length), in chunks.

    Parameters
    ----------
    values : ndarray, shape (components, length)
        Lᵀ, R or a mean.
    step : float
        Larger where codes would exceed what the format holds.
    indices : ndarray of int64, shape (components,), or None
        Of the scales that the step is multiplied by; None for no scales.
    state_bits : int
        Of the trellis.
    layout : Layout
        Transform and grid.
    threads : int
        The result does not depend on it.
    """
    if indices is None:
        indices = np.zeros(len(values), np.int64)
    deviations = np.sqrt(mean_squares(values))
    basis = None
    if layout.transform == KLT:
        weighted = values / scale_of(indices)[:, None]
        layout, basis = quantized_bases(weighted, layout.grid, step, threads)
    chunks = _chunked(values, deviations, SteppedQuantizer(step, indices), layout)
    largest = np.max([np.abs(chunk).max(axis=1) for chunk in chunks], axis=0)
    finest = float((largest / scale_of(indices)).max()) / GREATEST
    quantizer = SteppedQuantizer(max(step, finest), indices)
    coder = CoefficientCoder(quantizer, deviations, state_bits, layout)
    coded = code_coefficients(chunks, sampled(chunks, layout), coder, threads)
    return replace(coded, basis=basis)


def _chunked(
    values: NDArray[Any],
    deviations: NDArray[np.float64],
    quantizer: SteppedQuantizer,
    layout: Layout,
) -> KeptArrays:
    """Coefficients of slices of about the bytes that a chunk should have."""
    bits = np.maximum(np.log2(np.maximum(deviations / quantizer.units, 1e-300)) + 1, 0.2)
    entries = chunk_entries(values.shape[1], int(bits.sum()) + 1)
    step = layout.chunk_length(_FEWER * entries if layout.transformed else entries)
    starts = range(0, values.shape[1] if len(values) else 0, step)
    slices = (np.ascontiguousarray(values[:, start : start + step]) for start in starts)
    return KeptArrays(layout.forward(part) for part in slices)
