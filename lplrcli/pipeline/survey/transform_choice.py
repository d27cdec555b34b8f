"""Which transform each factor gets: what is predicted to cost least at the step it leads to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding.clustering import entropy
from lplrcli.model.compressed import KLT
from lplrcli.pipeline.encode.coefficients import GREATEST, count_codes
from lplrcli.pipeline.encode.klt_bases import coefficients_of, exact_bases, may_be_transformed
from lplrcli.planning.prices import extra_bits
from lplrcli.planning.rate_model import LAGRANGIAN, VANISHING, Bands, Spectrum
from lplrcli.transform import slab_of
from lplrcli.transform.bands import band_energies
from lplrcli.transform.component_layout import Layout

AUTOMATIC = ("dct", "cdf97", KLT)
"""Transforms that are tried where nobody names one: what is smooth, what has edges, any fields."""

_WORTH = 0.985
"""A factor is transformed if that brings the cost of both factors down to this much."""

_LOOKED_AT = 2**24
"""Entries of a side, about, by which its transform is chosen: layers from its start."""

_ROUNDS = 2

_SECTION = 8 * 96.0
"""Bits of the header of a section, its entry in the index, and padding: a basis has some."""

_TABLES = 8 * 70.0
"""Bits of the tables and of the metadata of a basis."""


def candidates(transform: str | None) -> tuple[str, ...]:
    """Transforms to try for what was asked: a name, ``none``, or None for any."""
    if transform is None:
        return AUTOMATIC
    return () if transform == "none" else (transform,)


def chosen_layouts(
    spectrum: Spectrum,
    sides: Sequence[NDArray[Any]],
    grids: Sequence[tuple[int, ...]],
    transforms: Sequence[str],
    step_of: Callable[[Spectrum], float],
) -> tuple[tuple[Layout, Layout], tuple[Bands | None, Bands | None]]:
    """Layouts of both factors, and how their energies are spread under them.

    Parameters
    ----------
    spectrum : Spectrum
        Of the directions, without bands.
    sides : sequence of ndarray, shapes (r, n) and (r, d)
        U Σ and V Σ, transposed.
    grids : sequence of tuple of int
        What n and d are flattenings of.
    transforms : sequence of str
        Names of transforms to try.
    step_of : callable
        Step that a spectrum leads to at the target. The finer it is, the more a transform saves.
    """
    plain = [Layout("identity", grid) for grid in grids]
    sides = [_looked_at(side, grid) for side, grid in zip(sides, grids, strict=True)]
    tried = [
        [(found, _bands(found, side)) for found in _layouts(transforms, side, grid)]
        for side, grid in zip(sides, grids, strict=True)
    ]
    # What bands seem to save by chance is no reason for a transform.
    mixed = [np.random.default_rng(0).permutation(side, axis=1) for side in sides]
    chance = [_bands(layout, side) for layout, side in zip(plain, mixed, strict=True)]
    best: list[tuple[Layout, Bands | None]] = [(layout, None) for layout in plain]
    step = step_of(spectrum)
    for _ in range(_ROUNDS if transforms else 0):
        for i, options in enumerate(tried):
            other = best[1 - i][1]
            bands = [chance[i], *(option for _, option in options)]
            pairs = [(one, other) if i == 0 else (other, one) for one in bands]
            costs = [replace(spectrum, bands=pair).cost(step) for pair in pairs]
            costs[0] *= _WORTH
            best[i] = [(plain[i], None), *options][int(np.argmin(costs))]
        step = step_of(replace(spectrum, bands=(best[0][1], best[1][1])))
    for i, options in enumerate(tried):
        if best[i][0].transformed and len(options) > 1:
            # Bands do not know how much the coefficients around one tell about it: coding does.
            useful = spectrum.energies > (VANISHING * step) ** 2
            best[i] = min(options, key=lambda option: _cost(option[0], sides[i][useful], step))
    return (best[0][0], best[1][0]), (best[0][1], best[1][1])


def _layouts(transforms: Sequence[str], side: NDArray[Any], grid: tuple[int, ...]) -> list[Layout]:
    found = [Layout(transform, grid) for transform in transforms if transform != KLT]
    if KLT in transforms and may_be_transformed(grid):
        found.append(exact_bases(side, grid))
    return found


def _cost(layout: Layout, side: NDArray[Any], step: float) -> float:
    """Bits and error, in bits, of a side whose coefficients are rounded to the step."""
    bits = 0.0
    if layout.transform == KLT:
        basis, chunks = coefficients_of(layout, side)
        bits = _TABLES + sum(_SECTION + _rounding_cost(basis, chunk, step) for chunk in chunks)
    return bits + _rounding_cost(layout, layout.forward(side), step)


def _rounding_cost(layout: Layout, coefficients: NDArray[Any], step: float) -> float:
    from lplrcli.kernels.deadzone import rough_codes

    step = max(step, float(np.abs(coefficients).max()) / GREATEST)
    magnitudes = np.empty(coefficients.shape, np.int32)
    rough_codes(coefficients, np.full(len(coefficients), 1 / step), magnitudes)
    counts = count_codes(magnitudes, np.zeros(len(coefficients), np.uint8), 1, layout)
    bits = entropy(counts) + float((counts * extra_bits()).sum()) + np.count_nonzero(magnitudes)
    error = np.square(np.abs(coefficients) - step * magnitudes, dtype=np.float64).sum()
    return bits + float(error) / (LAGRANGIAN * step**2)


def _looked_at(side: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """As many layers of a side as are enough to choose by, or all."""
    if may_be_transformed(grid):
        return side  # the bases span all layers
    layer = math.prod(grid[1:])
    layers = max(1, _LOOKED_AT // max(1, len(side) * layer))
    return side[:, : layers * layer] if layers < grid[0] else side


def _bands(layout: Layout, side: NDArray[Any]) -> Bands:
    counts, energies = band_energies(layout.forward(side), slab_of(layout.grid, side.shape[1]))
    counts *= math.prod(layout.grid) / side.shape[1]
    return Bands(counts, energies / np.maximum(energies.sum(axis=1, keepdims=True), 1e-300))
