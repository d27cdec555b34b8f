"""Wavelet transform with a scale per axis, for arrays that are smoother along some axes.

It is the tensor product of transforms along lines: a coefficient has its own scale along every
axis. A field that is far smoother in time than in space takes few coefficients; with `wavelet`,
where one scale holds for all axes, it takes several times as many.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lplrcli.transform.wavelet import LEAST_EXTENT, MOST_LEVELS, Steps, joined_along, split_along


def forward(factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Compute the coefficients of each row, shape (components, length)."""
    return split_along(_steps(grid), factor, grid)


def inverse(coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Compute the rows that have these coefficients, shape (components, length)."""
    return joined_along(_steps(grid), coefficients, grid)


def _steps(grid: tuple[int, ...]) -> Steps:
    for axis, extent in enumerate(grid):
        for level in range(MOST_LEVELS):
            if extent >= LEAST_EXTENT:
                yield (*grid[:axis], extent, *grid[axis + 1 :]), axis, level
                extent = -(-extent // 2)
