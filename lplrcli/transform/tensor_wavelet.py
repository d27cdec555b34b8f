"""Wavelet transform along one axis of the grid after the other: fields that differ by axis.

The tensor product of transforms along lines: a coefficient has a scale of its own along every
axis. What is far smoother in time than in space takes few of them, where those of `wavelet`,
whose scale is the same along all axes, are several times as many.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lplrcli.transform.wavelet import LEAST_EXTENT, MOST_LEVELS, Steps, joined_along, split_along


def forward(factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Coefficients of each row, shape (components, length)."""
    return split_along(_steps(grid), factor, grid)


def inverse(coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Rows whose coefficients these are."""
    return joined_along(_steps(grid), coefficients, grid)


def _steps(grid: tuple[int, ...]) -> Steps:
    for axis, extent in enumerate(grid):
        for level in range(MOST_LEVELS):
            if extent >= LEAST_EXTENT:
                yield (*grid[:axis], extent, *grid[axis + 1 :]), axis, level
                extent = -(-extent // 2)
