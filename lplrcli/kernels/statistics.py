"""Sums over the entries of a block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import summing_kernel


@summing_kernel
def sum_of_squares(values: NDArray[Any]) -> float:
    """Sum the squares of entries in float64.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (m,)
        The entries.
    """
    total = 0.0
    for i in range(values.size):
        value = np.float64(values[i])
        total += value * value
    return total


@summing_kernel
def squared_distance(first: NDArray[Any], second: NDArray[Any]) -> tuple[float, float]:
    """Find the sum of squared differences and the largest absolute difference, in float64.

    Parameters
    ----------
    first, second : ndarray of float32 or float64, shape (m,)
        Finite entries.
    """
    total = 0.0
    largest = 0.0
    for i in range(first.size):
        difference = abs(np.float64(first[i]) - np.float64(second[i]))
        total += difference * difference
        largest = difference if difference > largest else largest
    return total, largest
