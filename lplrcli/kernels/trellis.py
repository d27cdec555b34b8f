"""Entropy-coded trellis quantization: the Viterbi algorithm over one lane of a chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel
from lplrcli.model.tokens import LANES, LARGEST

WINDOW = 8192
"""Decisions are settled at least this often: bounds the memory of the trace, costs nothing that
could be measured."""


@kernel
def _nearest_in_subsets(
    value: float,
    prices: NDArray[np.float32],
    middle: int,
    span: int,
    cost: NDArray[np.float32],
    points: NDArray[np.int32],
    place: int,
) -> None:
    """Cheapest integer of each of the four subsets, ``j + 4 Z``, and its cost.

    Two candidates a subset: the one nearest to `value`, and the next towards zero, which a dear
    tail may make the better one. The price of 0 is at `middle`; points go to `place` and on.
    """
    value = min(max(value, -float(LARGEST)), float(LARGEST))
    below = np.floor(value)
    # In float32 from here on; the fraction of a large value would be lost in it.
    above = np.float32(value - below) + np.float32(1)
    lowest = np.int32(below) - np.int32(1)
    towards = np.int32(-4) if value > 0 else np.int32(4)
    for q in range(4):
        n = lowest + np.int32(q)
        error = above - np.float32(q)
        best = error * error + prices[middle + min(max(n, -span), span)]
        other = n + towards
        error -= np.float32(towards)
        rival = error * error + prices[middle + min(max(other, -span), span)]
        j = n & 3
        cost[j] = rival if rival < best else best
        points[place + j] = other if rival < best else n


@kernel
def trellis_codes(
    values: NDArray[Any],
    lane: int,
    inverse_units: NDArray[np.float64],
    prices: NDArray[np.float32],
    classes: NDArray[np.uint8],
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
    values : ndarray of float32 or float64, shape (components, rows)
        Coefficients of a chunk.
    lane : int
        Every fourth component from this one on is quantized, as one path through the trellis.
    inverse_units : ndarray of float64, shape (components,)
        Components are multiplied by these first: one over the distance of neighbouring integers.
    prices : ndarray of float32, shape (classes, 2 s + 1)
        Price of the integers -s ... s, in squared units: Lagrangian multiplier times bits.
    classes : ndarray of uint8, shape (components,)
        Which prices a component has.
    taps : tuple of int
        v, H0, H1: number of state bits, and what is added to the shifted state for u and for k.
    codes : ndarray of int32, shape (components, rows)
        Receives q in the components of the lane.
    """
    states = 1 << taps[0]
    half = states >> 1
    feedback = taps[1] & (half - 1)
    branch = taps[2]
    rows = values.shape[1]
    whole = (max(values.shape[0] - lane, 0) + LANES - 1) // LANES * rows
    total = np.empty(states, np.float32)
    fresh = np.empty(states, np.float32)
    cost = np.empty(4, np.float32)
    window = min(WINDOW, whole)
    # Flat arrays and offsets: a slice for every coefficient would cost as much as its search.
    points = np.empty(4 * window, np.int32)
    came = np.empty(states * window, np.uint8)
    flat_prices = prices.ravel()
    span = prices.shape[1] // 2
    start = 0
    i, t = lane, 0
    for first in range(0, whole, WINDOW):
        length = min(window, whole - first)
        total[:] = np.float32(1e30)
        total[start] = np.float32(0)
        for w in range(length):
            if t == rows:
                i, t = i + LANES, 0
            value = values[i, t] * inverse_units[i]
            t += 1
            middle = np.int64(classes[i]) * prices.shape[1] + span
            _nearest_in_subsets(value, flat_prices, middle, span, cost, points, 4 * w)
            row = w * states
            for j in range(half):
                stay = total[2 * j] + cost[0]
                change = total[2 * (j ^ branch)] + cost[2]
                fresh[j] = change if change < stay else stay
                came[row + j] = change < stay
            for j in range(half):
                origin = j ^ feedback
                stay = total[2 * origin + 1] + cost[1]
                change = total[2 * (origin ^ branch) + 1] + cost[3]
                fresh[half + j] = change if change < stay else stay
                came[row + half + j] = change < stay
            # Costs relative to one state stay small, so that float32 holds them.
            base = fresh[0] if w & 63 == 63 else np.float32(0)
            for j in range(states):
                total[j] = fresh[j] - base
        state = 0
        for j in range(states):
            if total[j] < total[state]:
                state = j
        start = state
        back, place = i, t
        for w in range(length - 1, -1, -1):
            if place == 0:
                back, place = back - LANES, rows
            place -= 1
            parity = int(came[w * states + state])
            union = 1 if state >= half else 0
            codes[back, place] = points[4 * w + 2 * parity + union]
            before = state ^ (taps[1] if union else 0) ^ (branch if parity else 0)
            state = 2 * before + union
