"""Scalar quantization with a dead zone, by rate and distortion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel
from lplrcli.model.rans_constants import LARGEST


@kernel
def deadzone_codes(
    values: NDArray[Any],
    inverse_unit: float,
    prices: NDArray[np.float32],
    levels: NDArray[np.uint8],
    codes: NDArray[np.int32],
) -> None:
    """Cheapest of the nearest integer and its neighbour towards zero.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (m,)
        A run of coefficients.
    inverse_unit : float
        They are multiplied by this first: one over the step.
    prices : ndarray of float32, shape (levels, 2 s + 1)
        Price of the integers -s ... s, in squared units; of length 1 for plain rounding.
    levels : ndarray of uint8, shape (m,)
        Which prices a coefficient has.
    codes : ndarray of int32, shape (m,)
        Receives the integers; halves round to the even one.
    """
    span = prices.shape[1] // 2
    for t in range(values.size):
        value = min(max(values[t] * inverse_unit, -float(LARGEST)), float(LARGEST))
        n = np.int64(np.rint(value))
        if span > 0 and n != 0:
            other = n - 1 if n > 0 else n + 1
            at = min(max(n, -span), span) + span
            there = min(max(other, -span), span) + span
            gain = (value - other) ** 2 + prices[levels[t], there]
            gain -= (value - n) ** 2 + prices[levels[t], at]
            if gain < 0.0:
                n = other
        codes[t] = n


@kernel
def rough_codes(
    values: NDArray[Any], inverse_units: NDArray[np.float64], codes: NDArray[np.int32]
) -> None:
    """Integers that the search will come close to: rounded, a tenth closer to zero.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (components, rows)
        Coefficients of a chunk.
    inverse_units : ndarray of float64, shape (components,)
        One over the step of each component.
    codes : ndarray of int32, shape (components, rows)
        Receives the magnitudes.
    """
    for i in range(values.shape[0]):
        inverse = inverse_units[i]
        for t in range(values.shape[1]):
            codes[i, t] = np.int32(min(abs(values[i, t] * inverse) + 0.4, float(LARGEST)))


@kernel
def cell_offsets(
    values: NDArray[Any],
    inverse_units: NDArray[np.float64],
    codes: NDArray[np.int32],
    sums: NDArray[np.float64],
) -> None:
    """Where values lie in their cells: what the centroids are, and the squared error without them.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (components, rows)
        Coefficients of a chunk.
    inverse_units : ndarray of float64, shape (components,)
        One over the step of each component.
    codes : ndarray of int32, shape (components, rows)
        The integers chosen.
    sums : ndarray of float64, shape (7,)
        Added to, each component weighted by its squared step: how many codes have magnitude
        1, 2, and more; their distances from the integer, away from zero; the squared error.
    """
    # For zeros too, unused: a branch on the sign of a code is mispredicted half the time.
    count, outwards = np.empty(4), np.empty(4)
    for i in range(values.shape[0]):
        inverse = inverse_units[i]
        weight = 1.0 / (inverse * inverse)
        count[:] = 0
        outwards[:] = 0
        squares = 0.0
        for t in range(values.shape[1]):
            q = codes[i, t]
            error = values[i, t] * inverse - q
            squares += error * error
            cell = min(abs(q), 3)
            count[cell] += 1
            outwards[cell] += error if q > 0 else -error
        sums[6] += weight * squares
        for cell in range(3):
            sums[cell] += weight * count[cell + 1]
            sums[3 + cell] += weight * outwards[cell + 1]


@kernel
def stepped_values(
    codes: NDArray[np.int32],
    units: NDArray[np.float64],
    shifts: NDArray[np.int64],
    out: NDArray[Any],
) -> None:
    """``(256 q + sgn(q) shift) * unit / 256``, the product rounded once in binary64.

    Parameters
    ----------
    codes : ndarray of int32, shape (components, rows)
        Integers q.
    units : ndarray of float64, shape (components,)
        Steps of the components; far from the ends of binary64's range.
    shifts : ndarray of int64, shape (4,)
        In 256ths, for magnitudes 0, 1, 2 and more.
    out : ndarray of float32 or float64, shape (components, rows)
        Receives the values, rounded to its type.
    """
    for i in range(codes.shape[0]):
        unit = units[i]
        for t in range(codes.shape[1]):
            q = np.int64(codes[i, t])
            shift = shifts[min(abs(q), 3)]
            parts = 256 * q + (shift if q > 0 else -shift)
            out[i, t] = (parts * unit) * 0.00390625
