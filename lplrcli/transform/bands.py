"""Distribution of the energy of transformed components over bands of frequencies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def band_energies(
    coefficients: NDArray[Any], grid: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum squares over bands of half an octave along every axis.

    Parameters
    ----------
    coefficients : ndarray, shape (components, length)
        Coefficients of a transform whose low frequencies come first.
    grid : tuple of int
        Extents of the grid; their product is `length`.

    Returns
    -------
    counts : ndarray of float64, shape (bands,)
        Number of coefficients in each band.
    energies : ndarray of float64, shape (components, bands)
        Sums of squares.
    """
    energies = np.square(coefficients, dtype=np.float64).reshape(-1, *grid)
    counts = np.ones(1)
    for axis, extent in enumerate(grid):
        starts = _starts(extent)
        energies = np.add.reduceat(energies, starts, axis=axis + 1)
        counts = np.multiply.outer(counts, np.diff([*starts, extent]))
    return counts.ravel(), energies.reshape(len(coefficients), -1)


def _starts(extent: int) -> list[int]:
    """Find the first index i of every band, within which floor(2 log2(i + 1)) is constant."""
    bands = 2 * math.floor(math.log2(extent)) + 2
    edges = (math.ceil(2 ** (band / 2)) - 1 for band in range(bands))
    return sorted({edge for edge in edges if edge < extent})
