"""Wavelet transform over the axes of the grid, all alike: images and fields with edges.

The biorthogonal wavelet of Cohen, Daubechies and Feauveau 1992 with filters of 9 and 7 taps, by
lifting (Daubechies and Sweldens 1998), mirrored at the ends; scaled to be nearly orthonormal, so
that errors of coefficients are nearly errors of entries. Low parts come before high ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FACTORS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
"""Of the neighbours that are added to high and low entries in turn."""

GAINS = (
    (1.139764007655, 0.887277075636),
    (1.177138284475, 0.862872750427),
    (1.161528573502, 0.873664991227),
    (1.153084916511, 0.879332446420),
    (1.150516742616, 0.881038029576),
    (1.149835751164, 0.881488900442),
)
"""Of the low and the high part of each level: what single coefficients make, far from the ends,
then has the norm 1 whatever its scale."""

LEAST_EXTENT, MOST_LEVELS = 8, 6


Steps = Iterable[tuple[tuple[int, ...], int, int]]
"""Extents of boxes of low parts, the axis that is split in each and at what level, in the order of
the forward transform."""


def forward(factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Coefficients of each row, shape (components, length)."""
    return split_along(_steps(grid), factor, grid)


def inverse(coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Rows whose coefficients these are."""
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
    """Where the lines of a box along an axis start, and the distance of their entries."""
    starts = np.arange(components, dtype=np.int64) * math.prod(grid)
    for other, extent in enumerate(box):
        if other != axis:
            places = np.arange(extent, dtype=np.int64) * math.prod(grid[other + 1 :])
            starts = np.add.outer(starts, places).ravel()
    return starts, math.prod(grid[axis + 1 :])


def _steps(grid: tuple[int, ...]) -> Steps:
    """All axes together: the next level splits what is low along every one of them."""
    extents = list(grid)
    for level in range(MOST_LEVELS):
        axes = [axis for axis, extent in enumerate(extents) if extent >= LEAST_EXTENT]
        for axis in axes:
            yield tuple(extents), axis, level
        for axis in axes:
            extents[axis] = -(-extents[axis] // 2)
