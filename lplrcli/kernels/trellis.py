"""Entropy-coded trellis quantization: the Viterbi algorithm over one lane of a chunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel
from lplrcli.model.rans_constants import LANES, LARGEST, TAPS

WINDOW = 8192
"""Decisions are settled at least this often: bounds the memory of the trace, costs nothing that
could be measured."""

_SETTLED = 64
"""Coefficients that the last window has at least where the path must end in a given state: a few
are enough to reach any state, more leave a choice."""


@kernel
def states_after(
    codes: NDArray[np.int32], taps: tuple[int, int, int], states: NDArray[np.int64]
) -> None:
    """States of the machines after the last code of every component.

    Parameters
    ----------
    codes : ndarray of int32, shape (components, rows)
        A chunk, or its first rows.
    taps : tuple of int
        v, H0, H1 of the machine.
    states : ndarray of int64, shape (components,)
        Receives the states: those that the next component of the lane starts from.
    """
    for lane in range(LANES):
        state = 0
        for i in range(lane, codes.shape[0], LANES):
            for t in range(codes.shape[1]):
                union = state & 1
                parity = (codes[i, t] - union) >> 1 & 1
                state = state >> 1 ^ (taps[1] & -union) ^ (taps[2] & -parity)
            states[i] = state


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
    error = np.float32(value - below) + np.float32(1)
    lowest = np.int64(below) - 1
    # No branch depends on the value: every second one would be mispredicted.
    further = np.int64(4) - np.int64(8) * np.int64(value > 0)
    further_error = np.float32(further)
    for q in range(4):
        n = lowest + q
        rival_error = error - further_error
        best = error * error + prices[middle + min(max(n, -span), span)]
        rival = rival_error * rival_error + prices[middle + min(max(n + further, -span), span)]
        cost[n & 3] = min(best, rival)
        points[place + (n & 3)] = n + further * np.int64(rival < best)
        error -= np.float32(1)


@cache
def trellis_codes(state_bits: int) -> Callable[..., None]:
    """The kernel for one trellis machine.

    Its taps are constants to the compiler: the loops over the states become vector instructions,
    three times as fast as one kernel for all machines.

    Parameters
    ----------
    state_bits : int
        Key of `lplrcli.model.rans_constants.TAPS`, not 0.
    """
    states = 1 << state_bits
    half = states >> 1
    first_tap, branch = TAPS[state_bits]
    feedback = first_tap & (half - 1)
    feedback_branch = feedback ^ branch

    @kernel
    def codes_of_lane(
        values: NDArray[Any],
        lane: int,
        inverse_units: NDArray[np.float64],
        prices: NDArray[np.float32],
        levels: NDArray[np.uint8],
        codes: NDArray[np.int32],
        start: int,
        end: int,
    ) -> None:
        """Integers ``q = 2 k + u`` that minimise squared error plus price, along the trellis.

        Viterbi's algorithm on the machine of SPEC.md, section "rans": from state s the lowest bit
        u says whether q is even (subsets D0, D2) or odd (D1, D3), and the parity of k which branch
        is taken. Ungerboeck's codes (1982, table I) as quantizers: Marcellin and Fischer 1990;
        with rates in the metric: Fischer and Wang 1992.

        Parameters
        ----------
        values : ndarray of float32 or float64, shape (components, rows)
            Coefficients of a chunk.
        lane : int
            Every fourth component from this one on is quantized, as one path through the trellis.
        inverse_units : ndarray of float64, shape (components,)
            Components are multiplied by these first: one over the distance of neighbouring
            integers.
        prices : ndarray of float32, shape (levels, 2 s + 1)
            Price of the integers -s ... s, in squared units: Lagrangian multiplier times bits.
        levels : ndarray of uint8, shape (components, rows)
            Which prices a coefficient has.
        codes : ndarray of int32, shape (components, rows)
            Receives q in the components of the lane.
        start : int
            State before the first coefficient; 0 at the start of a chunk.
        end : int
            State after the last one, which at least `state_bits` coefficients must lead to;
            -1 for any.
        """
        rows = values.shape[1]
        whole = (max(values.shape[0] - lane, 0) + LANES - 1) // LANES * rows
        # Costs of the states s = 2 j + u with u = 0 and u = 1, and the same in the order in which
        # they are compared: vector instructions cannot follow an exclusive or.
        even, even_branch = np.empty(half, np.float32), np.empty(half, np.float32)
        odd, odd_feedback = np.empty(half, np.float32), np.empty(half, np.float32)
        odd_branch = np.empty(half, np.float32)
        fresh = np.empty(states, np.float32)
        cost = np.empty(4, np.float32)
        window = min(WINDOW, whole)
        # Flat arrays and offsets: a slice for every coefficient would cost as much as its search.
        points = np.empty(4 * window, np.int32)
        came = np.empty(states * window, np.uint8)
        flat_prices = prices.ravel()
        span = prices.shape[1] // 2
        i, t = lane, 0
        done = 0
        while done < whole:
            length = min(window, whole - done)
            if end >= 0 and 0 < whole - done - length < _SETTLED:
                length -= _SETTLED
            done += length
            fresh[:] = np.float32(1e30)
            fresh[start] = np.float32(0)
            for w in range(length):
                base = fresh[0] if w & 63 == 63 else np.float32(0)
                # Costs relative to one state stay small, so that float32 holds them.
                for j in range(half):
                    even[j] = fresh[2 * j] - base
                    odd[j] = fresh[2 * j + 1] - base
                for j in range(half):
                    even_branch[j] = even[j ^ branch]
                for j in range(half):
                    odd_feedback[j] = odd[j ^ feedback]
                for j in range(half):
                    odd_branch[j] = odd[j ^ feedback_branch]
                if t == rows:
                    i, t = i + LANES, 0
                value = values[i, t] * inverse_units[i]
                middle = np.int64(levels[i, t]) * prices.shape[1] + span
                t += 1
                _nearest_in_subsets(value, flat_prices, middle, span, cost, points, 4 * w)
                row = w * states
                first_cost, second_cost = cost[0], cost[2]
                for j in range(half):
                    stay = even[j] + first_cost
                    change = even_branch[j] + second_cost
                    fresh[j] = min(stay, change)
                    came[row + j] = change < stay
                row += half
                first_cost, second_cost = cost[1], cost[3]
                for j in range(half):
                    stay = odd_feedback[j] + first_cost
                    change = odd_branch[j] + second_cost
                    fresh[half + j] = min(stay, change)
                    came[row + j] = change < stay
            state = 0
            for j in range(states):
                if fresh[j] < fresh[state]:
                    state = j
            if done == whole and end >= 0:
                state = end
            start = state
            back, place = i, t
            for w in range(length - 1, -1, -1):
                if place == 0:
                    back, place = back - LANES, rows
                place -= 1
                parity = int(came[w * states + state])
                union = 1 if state >= half else 0
                codes[back, place] = points[4 * w + 2 * parity + union]
                before = state ^ (first_tap & -union) ^ (branch & -parity)
                state = 2 * before + union

    compiled: Callable[..., None] = codes_of_lane
    return compiled
