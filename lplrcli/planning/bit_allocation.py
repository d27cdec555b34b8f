"""A bit depth for every component, within a size: reverse water-filling in whole bits."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BITS = 16

DISTORTION = np.array(
    [1.0, 0.36338, 0.117482, 0.0345478, 9.50101e-3, 2.50467e-3, 6.4424e-4, 1.63478e-4, 4.11851e-5,
     1.06038e-5, 2.6719e-6, 6.77794e-7, 1.72175e-7, 4.35211e-8, 1.09495e-8, 2.74665e-9, 6.87862e-10]
)  # fmt: skip
"""Mean squared error of the codebooks of 0 to 16 bits on a standard normal variable: Max 1960,
table I, up to 8 bits; the evenly divided compander above."""


@dataclass(frozen=True)
class BitAllocation:
    """Bits per entry of the components kept.

    Attributes
    ----------
    left, right : ndarray of uint8, shape (k,)
        For the columns of L and the rows of R; none is 0.
    """

    left: NDArray[np.uint8]
    right: NDArray[np.uint8]


def allocate_bits(
    energies: NDArray[np.float64],
    left_cost: NDArray[np.int64],
    right_cost: NDArray[np.int64],
    table_cost: int,
    budget: int,
) -> BitAllocation:
    """Depths that minimise the expected squared error within `budget` bits.

    A component of energy σ² coded with distortions c and c' of its two sides leaves an error of
    ``σ² (1 − (1 − c)(1 − c'))``, or σ² if it is dropped. Lagrangian choice per component
    (Shoham and Gersho 1988), then what is left of the budget goes, step by step, to where it
    removes most error per bit. Components are kept from the first on, so the rank chooses itself.

    Parameters
    ----------
    energies : ndarray of float64, shape (r,)
        Squared singular values, descending.
    left_cost, right_cost : ndarray of int64, shape (17,)
        Bits of one component's codes at each depth, 0 to 16.
    table_cost : int
        Further bits for each component kept.
    budget : int
        Bits for everything.
    """
    distortion, cost = _choices(left_cost, right_cost, table_cost)
    choice = _lagrangian_choice(energies, distortion, cost, budget)
    choice = _spend_rest(energies, distortion, cost, budget, choice)
    left, right = np.divmod(choice[choice > 0], MAX_BITS + 1)
    return BitAllocation(left.astype(np.uint8), right.astype(np.uint8))


def _choices(
    left_cost: NDArray[np.int64], right_cost: NDArray[np.int64], table_cost: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Relative error and bits of every pair of depths; index ``17 * left + right``."""
    distortion = 1 - np.outer(1 - DISTORTION, 1 - DISTORTION)
    cost = np.add.outer(left_cost, right_cost).astype(np.float64) + table_cost
    # One side alone is worth nothing: both are coded, or neither.
    cost[0, :] = cost[:, 0] = np.inf
    cost[0, 0] = 0.0
    return distortion.ravel(), cost.ravel()


def _lagrangian_choice(
    energies: NDArray[np.float64],
    distortion: NDArray[np.float64],
    cost: NDArray[np.float64],
    budget: int,
) -> NDArray[np.int64]:
    affordable = np.isfinite(cost)
    index: NDArray[np.int64] = np.flatnonzero(affordable)
    distortion, cost = distortion[affordable], cost[affordable]

    def choose(price: float) -> NDArray[np.int64]:
        best: NDArray[np.int64] = np.argmin(np.outer(energies, distortion) + price * cost, axis=1)
        return best

    # Bisect the logarithm of the price; at the highest everything is dropped.
    high = 2 * float(energies[0]) / max(float(cost[cost > 0].min()), 1.0) + sys.float_info.min
    low = high * 1e-30
    for _ in range(80):
        middle = float(np.sqrt(low * high))
        if cost[choose(middle)].sum() > budget:
            low = middle
        else:
            high = middle
    chosen: NDArray[np.int64] = index[choose(high)]
    return chosen


def _spend_rest(
    energies: NDArray[np.float64],
    distortion: NDArray[np.float64],
    cost: NDArray[np.float64],
    budget: int,
    choice: NDArray[np.int64],
) -> NDArray[np.int64]:
    rest = budget - cost[choice].sum()
    while True:
        extra = cost[None, :] - cost[choice][:, None]
        gain = energies[:, None] * (distortion[choice][:, None] - distortion[None, :])
        better = (extra > 0) & (extra <= rest) & (gain > 0)
        if not better.any():
            return choice
        worth = np.divide(gain, extra, out=np.zeros_like(gain), where=better)
        component, depth = np.unravel_index(int(worth.argmax()), worth.shape)
        rest -= extra[component, depth]
        choice[component] = depth


def uniform_bits(components: int, bits: int) -> NDArray[Any]:
    """Give every component one depth."""
    return np.full(components, bits, np.uint8)
