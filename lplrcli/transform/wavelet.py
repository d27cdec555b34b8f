"""Wavelet transform with one scale for all axes of the grid, for images and fields with edges.

It is the biorthogonal wavelet of Cohen, Daubechies and Feauveau 1992 with filters of 9 and 7 taps,
computed by lifting (Daubechies and Sweldens 1998) and mirrored at the ends. It is scaled to be
nearly orthonormal, so that errors of coefficients are nearly errors of entries. Low parts come
before high ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FACTORS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
"""Lifting factors, by which neighbours are multiplied and added to high and low entries in turn."""

GAINS = (
    (1.139764007655, 0.887277075636),
    (1.177138284475, 0.862872750427),
    (1.161528573502, 0.873664991227),
    (1.153084916511, 0.879332446420),
    (1.150516742616, 0.881038029576),
    (1.149835751164, 0.881488900442),
)
"""Gains of the low and the high part of each level: with them a single coefficient far from the
ends makes a field of norm 1, whatever its scale."""

LEAST_EXTENT, MOST_LEVELS = 8, 6
"""Least extent of an axis that is split, and most levels of splitting."""

Steps = Iterable[tuple[tuple[int, ...], int, int]]
"""Steps of a forward transform, in order: the extents of a box of low parts, the axis along which
it is split, and the level."""


def forward(factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Compute the coefficients of each row, shape (components, length)."""
    return split_along(_steps(grid), factor, grid)


def inverse(coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Compute the rows that have these coefficients, shape (components, length)."""
    return joined_along(_steps(grid), coefficients, grid)


def split_along(steps: Steps, factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Take the steps of a forward transform of each row."""
    from lplrcli.kernels.lifting import split_lines

    flat = np.array(factor, np.float64).ravel()
    for box, axis, level in steps:
        lines, stride = _lines(len(factor), grid, box, axis)
        split_lines(flat, lines, stride, box[axis], FACTORS, GAINS[level])
    return np.asarray(flat.reshape(factor.shape).astype(factor.dtype, copy=False))


def joined_along(steps: Steps, coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Undo `split_along`."""
    from lplrcli.kernels.lifting import join_lines

    flat = np.array(coefficients, np.float64).ravel()
    for box, axis, level in reversed(list(steps)):
        lines, stride = _lines(len(coefficients), grid, box, axis)
        join_lines(flat, lines, stride, box[axis], FACTORS, GAINS[level])
    return np.asarray(flat.reshape(coefficients.shape).astype(coefficients.dtype, copy=False))


def _lines(
    components: int, grid: tuple[int, ...], box: tuple[int, ...], axis: int
) -> tuple[NDArray[np.int64], int]:
    """Find where the lines of a box along an axis start, and the distance of their entries."""
    starts = np.arange(components, dtype=np.int64) * math.prod(grid)
    for other, extent in enumerate(box):
        if other != axis:
            places = np.arange(extent, dtype=np.int64) * math.prod(grid[other + 1 :])
            starts = np.add.outer(starts, places).ravel()
    return starts, math.prod(grid[axis + 1 :])


def _steps(grid: tuple[int, ...]) -> Steps:
    """Yield the steps: each level splits every axis of the part that is low along all of them."""
    extents = list(grid)
    for level in range(MOST_LEVELS):
        axes = [axis for axis, extent in enumerate(extents) if extent >= LEAST_EXTENT]
        for axis in axes:
            yield tuple(extents), axis, level
        for axis in axes:
            extents[axis] = -(-extents[axis] // 2)
