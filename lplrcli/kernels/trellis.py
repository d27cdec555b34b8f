"""Entropy-coded trellis quantization: the Viterbi algorithm over one run of coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel

WINDOW = 8192
"""Decisions are settled at least this often: bounds the memory of the trace, costs nothing that
could be measured."""

RATE_SPAN = 2048
"""Rates are tabulated for integers below this; beyond, they differ too little to matter."""


@kernel
def _nearest_in_subsets(
    value: np.float32,
    prices: NDArray[np.float32],
    cost: NDArray[np.float32],
    points: NDArray[np.int32],
) -> None:
    """Cheapest integer of each of the four subsets, ``j + 4 Z``, and its cost.

    Two candidates a subset: the one nearest to `value`, and the next towards zero, which a dear
    tail may make the better one.
    """
    span = prices.size // 2
    lowest = np.int32(np.floor(value)) - np.int32(1)
    towards = np.int32(-4) if value > np.float32(0) else np.int32(4)
    for q in range(4):
        n = lowest + np.int32(q)
        error = value - np.float32(n)
        best = error * error + prices[min(max(n, -span), span) + span]
        other = n + towards
        error = value - np.float32(other)
        rival = error * error + prices[min(max(other, -span), span) + span]
        j = n & 3
        cost[j] = rival if rival < best else best
        points[j] = other if rival < best else n


@kernel
def trellis_codes(
    values: NDArray[Any],
    inverse_unit: float,
    prices: NDArray[np.float32],
    taps: tuple[int, int, int],
    codes: NDArray[np.int32],
) -> None:
    """Integers ``q = 2 k + u`` that minimise squared error plus price, along the trellis.

    Viterbi's algorithm on the machine of SPEC.md, section "rans": from state s the lowest bit u
    says whether q is even (subsets D0, D2) or odd (D1, D3), and the parity of k which branch is
    taken. Ungerboeck's codes (1982, table I) as quantizers: Marcellin and Fischer 1990; with
    rates in the metric: Fischer and Wang 1992.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (m,)
        A run of coefficients: one component of one chunk.
    inverse_unit : float
        They are multiplied by this first: one over the distance of neighbouring integers.
    prices : ndarray of float32, shape (2 s + 1,)
        Price of the integers -s ... s, in squared units: Lagrangian multiplier times bits.
    taps : tuple of int
        v, H0, H1: number of state bits, and what is added to the shifted state for u and for k.
    codes : ndarray of int32, shape (m,)
        Receives q.
    """
    states = 1 << taps[0]
    half = states >> 1
    feedback = taps[1] & (half - 1)
    branch = taps[2]
    total = np.full(states, np.float32(1e30), np.float32)
    fresh = np.empty(states, np.float32)
    cost = np.empty(4, np.float32)
    window = min(WINDOW, values.size)
    points = np.empty((window, 4), np.int32)
    came = np.empty((window, states), np.uint8)
    start = 0
    first = 0
    while first < values.size:
        length = min(window, values.size - first)
        total[:] = np.float32(1e30)
        total[start] = np.float32(0)
        for t in range(length):
            value = np.float32(values[first + t] * inverse_unit)
            _nearest_in_subsets(value, prices, cost, points[t])
            row = came[t]
            for i in range(half):
                stay = total[2 * i] + cost[0]
                change = total[2 * (i ^ branch)] + cost[2]
                fresh[i] = change if change < stay else stay
                row[i] = change < stay
            for i in range(half):
                j = i ^ feedback
                stay = total[2 * j + 1] + cost[1]
                change = total[2 * (j ^ branch) + 1] + cost[3]
                fresh[half + i] = change if change < stay else stay
                row[half + i] = change < stay
            # Costs relative to one state stay small, so that float32 holds them.
            base = fresh[0] if t & 63 == 63 else np.float32(0)
            for i in range(states):
                total[i] = fresh[i] - base
        state = 0
        for i in range(states):
            if total[i] < total[state]:
                state = i
        start = state
        for t in range(length - 1, -1, -1):
            parity = int(came[t, state])
            union = 1 if state >= half else 0
            codes[first + t] = points[t, 2 * parity + union]
            before = state ^ (taps[1] if union else 0) ^ (branch if parity else 0)
            state = 2 * before + union
        first += length
