"""Lifting steps of a wavelet (Daubechies and Sweldens 1998) along any lines of an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel

_TOGETHER = 32
"""Lines transformed together: steps are vector instructions, and their data stay in the cache."""


@kernel
def _lift(
    parts: NDArray[np.float64], first: int, middle: int, count: int, factor: float, ends: int
) -> None:
    """Add to each row of one part the neighbours of it in the other, times a factor.

    `count` rows from `first` on, neighbours i - 1 + `ends` and i + `ends` of those from `middle`
    on; those beyond an end are mirrored.
    """
    others = parts.shape[0] - count
    for i in range(count):
        before, after = i - 1 + ends, i + ends
        before = before if before >= 0 else 0
        after = after if after < others else others - 1
        for line in range(parts.shape[1]):
            near = parts[middle + before, line] + parts[middle + after, line]
            parts[first + i, line] += factor * near


@kernel
def split_lines(
    flat: NDArray[np.float64],
    lines: NDArray[np.int64],
    stride: int,
    extent: int,
    factors: tuple[float, float, float, float],
    gains: tuple[float, float],
) -> None:
    """Replace lines by their low parts, and after these their high parts.

    Parameters
    ----------
    flat : ndarray of float64
        Changed in place.
    lines : ndarray of int64, shape (lines,)
        Index in `flat` at which each line starts.
    stride, extent : int
        Distance of the entries of a line, and how many there are, at least 2.
    factors : tuple of float
        Factors by which neighbours are added to high, low, high and low entries in turn.
    gains : tuple of float
        Factors by which the low part and the high part are multiplied at the end.
    """
    middle = (extent + 1) // 2
    for block in range(0, lines.size, _TOGETHER):
        some = lines[block : block + _TOGETHER]
        parts = np.empty((extent, some.size))
        for i in range(extent):
            row = i >> 1 if i & 1 == 0 else middle + (i >> 1)
            for line in range(some.size):
                parts[row, line] = flat[some[line] + i * stride]
        for step in range(0, 4, 2):
            _lift(parts, middle, 0, extent - middle, factors[step], 1)
            _lift(parts, 0, middle, middle, factors[step + 1], 0)
        for i in range(extent):
            gain = gains[0] if i < middle else gains[1]
            for line in range(some.size):
                flat[some[line] + i * stride] = parts[i, line] * gain


@kernel
def join_lines(
    flat: NDArray[np.float64],
    lines: NDArray[np.int64],
    stride: int,
    extent: int,
    factors: tuple[float, float, float, float],
    gains: tuple[float, float],
) -> None:
    """Undo `split_lines`."""
    middle = (extent + 1) // 2
    for block in range(0, lines.size, _TOGETHER):
        some = lines[block : block + _TOGETHER]
        parts = np.empty((extent, some.size))
        for i in range(extent):
            gain = gains[0] if i < middle else gains[1]
            for line in range(some.size):
                parts[i, line] = flat[some[line] + i * stride] / gain
        for step in range(2, -1, -2):
            _lift(parts, 0, middle, middle, -factors[step + 1], 0)
            _lift(parts, middle, 0, extent - middle, -factors[step], 1)
        for i in range(extent):
            row = i >> 1 if i & 1 == 0 else middle + (i >> 1)
            for line in range(some.size):
                flat[some[line] + i * stride] = parts[row, line]
