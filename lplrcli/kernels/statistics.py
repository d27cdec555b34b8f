"""Sums over the entries of a block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def sum_of_squares(values: NDArray[Any]) -> float:
    """Sum of squares, accumulated in float64.

    Reassociation lets the compiler keep partial sums in vector registers; NaN and infinity
    still propagate.

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


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def squared_distance(first: NDArray[Any], second: NDArray[Any]) -> tuple[float, float]:
    """Sum of squared differences and largest absolute difference, in float64.

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


@njit(cache=True, nogil=True)
def accumulate(total: NDArray[np.float64], part: NDArray[Any]) -> None:
    """``total += part``; NumPy takes four times as long where the types differ.

    Parameters
    ----------
    total : ndarray of float64, shape (m, k)
        Accumulated into.
    part : ndarray of float32 or float64, shape (m, k)
        Added.
    """
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += part[i, j]
