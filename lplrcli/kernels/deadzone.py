"""Scalar quantization with a dead zone, by rate and distortion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel


@kernel
def deadzone_codes(
    values: NDArray[Any],
    inverse_unit: float,
    prices: NDArray[np.float32],
    codes: NDArray[np.int32],
) -> None:
    """Cheapest of the nearest integer and its neighbour towards zero.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (m,)
        A run of coefficients.
    inverse_unit : float
        They are multiplied by this first: one over the step.
    prices : ndarray of float32, shape (2 s + 1,)
        Price of the integers -s ... s, in squared units; of length 1 for plain rounding.
    codes : ndarray of int32, shape (m,)
        Receives the integers; halves round to the even one.
    """
    span = prices.size // 2
    for t in range(values.size):
        value = values[t] * inverse_unit
        n = np.int64(np.rint(value))
        if span > 0 and n != 0:
            other = n - 1 if n > 0 else n + 1
            at = min(max(n, -span), span) + span
            there = min(max(other, -span), span) + span
            gain = (value - other) ** 2 + prices[there] - (value - n) ** 2 - prices[at]
            if gain < 0.0:
                n = other
        codes[t] = n


@kernel
def cell_offsets(
    values: NDArray[Any],
    inverse_unit: float,
    codes: NDArray[np.int32],
    counts: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> float:
    """Where values lie in their cells: what the centroids are, and the squared error without them.

    Parameters
    ----------
    values, inverse_unit
        As for `deadzone_codes`.
    codes : ndarray of int32, shape (m,)
        The integers chosen.
    counts : ndarray of int64, shape (3,)
        Receives how many have magnitude 1, 2, and more.
    sums : ndarray of float64, shape (3,)
        Receives the sums of their distances from the integer, away from zero.
    """
    counts[:] = 0
    sums[:] = 0.0
    total = 0.0
    for t in range(values.size):
        q = codes[t]
        error = values[t] * inverse_unit - q
        total += error * error
        if q != 0:
            cell = min(abs(q), 3) - 1
            counts[cell] += 1
            sums[cell] += error if q > 0 else -error
    return total
