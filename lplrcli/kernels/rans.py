"""Range asymmetric numeral systems, four interleaved lanes (SPEC.md, section "rans").

Duda 2013 (arXiv 1311.2540); interleaving: Giesen 2014 (arXiv 1402.3392).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.contexts import (
    bit_length,
    context_of,
    parents_in_line,
    quick_level_of,
    sums_above,
    weight_beside,
)
from lplrcli.kernels.jit import kernel
from lplrcli.model.rans_constants import ABOVE, AROUND, LANES

PRECISION = 12


@kernel
def _bucket(magnitude: int) -> int:
    if magnitude < 16:
        return magnitude
    length = bit_length(magnitude)
    return 16 + 4 * (length - 5) + ((magnitude >> (length - 3)) & 3)


@kernel
def token_of(k: int) -> int:
    """Token of a coded integer."""
    return 2 * _bucket(abs(k)) - (k < 0)


@kernel
def count_tokens(
    codes: NDArray[np.int32],
    classes: NDArray[np.uint8],
    unions: int,
    context: int,
    levels: NDArray[np.uint8],
    counts: NDArray[np.int64],
) -> int:
    """Add to the histograms of tokens; return the number of extra bits.

    Parameters
    ----------
    codes : ndarray of int32, shape (components, rows)
        One chunk.
    classes : ndarray of uint8, shape (components,)
        Class of each component.
    unions : int
        2 if the parity of a code is known from the trellis, else 1.
    context : int
        Kind of context.
    levels : ndarray of uint8, shape (components, rows)
        Contexts of the kind `AROUND` and those after it; of any shape for the other kinds.
    counts : ndarray of int64, shape (classes, contexts, unions, tokens)
        Added to.
    """
    extra = 0
    for i in range(codes.shape[0]):
        above = second = 0
        for t in range(codes.shape[1]):
            q = codes[i, t]
            union = q & 1 if unions == 2 else 0
            k = (q - union) >> 1 if unions == 2 else q
            place = 0
            if context == ABOVE:
                place = context_of(above, second)
            elif context >= AROUND:
                place = levels[i, t]
            counts[classes[i], place, union, token_of(k)] += 1
            if abs(k) >= 16:
                extra += bit_length(abs(k)) - 3
            second = above
            above = q
    return extra


@kernel
def encode_lanes(
    codes: NDArray[np.int32],
    table_numbers: NDArray[np.uint8],
    unions: int,
    context: int,
    levels: NDArray[np.uint8],
    frequencies: NDArray[np.uint32],
    starts: NDArray[np.uint32],
    words: NDArray[np.uint16],
    states: NDArray[np.uint32],
) -> int:
    """Encode a chunk from its last entry to its first; return where its words start.

    Parameters
    ----------
    codes : ndarray of int32, shape (components, rows)
        The chunk.
    table_numbers : ndarray of uint8, shape (components, contexts, unions)
        Table of each component, context and union.
    unions, context, levels
        As for `count_tokens`.
    frequencies, starts : ndarray of uint32, shape (tables, tokens)
        Frequency and cumulative frequency of each token.
    words : ndarray of uint16
        Filled from its end; three words for every entry suffice.
    states : ndarray of uint32, shape (4,)
        Receives the states a decoder starts from.
    """
    components, rows = codes.shape
    place = words.size
    for lane in range(LANES):
        states[lane] = np.uint32(1 << 16)
    for group in range((components - 1) // LANES, -1, -1):
        last = min(components, (group + 1) * LANES)
        for t in range(rows - 1, -1, -1):
            for i in range(last - 1, group * LANES - 1, -1):
                x = np.uint64(states[i & 3])
                q = codes[i, t]
                union = q & 1 if unions == 2 else 0
                k = (q - union) >> 1 if unions == 2 else q
                magnitude = abs(k)
                if magnitude >= 16:
                    bits = bit_length(magnitude) - 3
                    for shift in (16, 0):
                        width = min(bits - shift, 16)
                        if width > 0:
                            value = (magnitude >> shift) & ((1 << width) - 1)
                            if x >> np.uint64(32 - width):
                                place -= 1
                                words[place] = np.uint16(x & np.uint64(0xFFFF))
                                x >>= np.uint64(16)
                            x = (x << np.uint64(width)) | np.uint64(value)
                number = 0
                if context == ABOVE:
                    above = codes[i, t - 1] if t > 0 else 0
                    second = codes[i, t - 2] if t > 1 else 0
                    number = context_of(above, second)
                elif context >= AROUND:
                    number = levels[i, t]
                table = table_numbers[i, number, union]
                token = token_of(k)
                frequency = np.uint64(frequencies[table, token])
                if x >= frequency << np.uint64(32 - PRECISION):
                    place -= 1
                    words[place] = np.uint16(x & np.uint64(0xFFFF))
                    x >>= np.uint64(16)
                high = x // frequency
                rest = x - high * frequency
                x = (high << np.uint64(PRECISION)) + rest + np.uint64(starts[table, token])
                states[i & 3] = np.uint32(x)
    return place


@kernel
def decode_lanes(
    words: NDArray[np.uint16],
    states: NDArray[np.uint32],
    table_numbers: NDArray[np.uint8],
    taps: tuple[int, int, int],
    context: int,
    lines: tuple[int, int],
    symbols: NDArray[np.uint8],
    packed: NDArray[np.uint32],
    codes: NDArray[np.int32],
) -> bool:
    """Decode a chunk; False if it is damaged.

    Parameters
    ----------
    words : ndarray of uint16
        All words of the chunk.
    states : ndarray of uint32, shape (4,)
        Initial states; changed.
    table_numbers : ndarray of uint8, shape (components, contexts, unions)
        As for `encode_lanes`.
    taps : tuple of int
        v, H0, H1 of the trellis machine; v = 0 for none.
    context : int
        As for `count_tokens`.
    lines : tuple of int
        Entries of a line, and lines of a plane, of the grid of a chunk; for kind
        `AROUND` and those after it.
    symbols : ndarray of uint8, shape (tables, 4096)
        Token of each slot.
    packed : ndarray of uint32, shape (tables, tokens)
        ``frequency << 16 | cumulative frequency``.
    codes : ndarray of int32, shape (components, rows)
        Receives the codes.
    """
    components, rows = codes.shape
    place = 0
    machines = np.zeros(LANES, np.int64)
    unions = 2 if taps[0] > 0 else 1
    # Lines may be said to be far longer than a chunk.
    line_width = min(lines[0], rows)
    sums = np.empty((LANES, line_width), np.int32)
    for group in range((components + LANES - 1) // LANES):
        first = group * LANES
        last = min(components, first + LANES)
        x_line = line_width
        parents = False
        for t in range(rows):
            if context >= AROUND:
                x_line += 1
                if x_line >= line_width:
                    x_line = 0
                    parents = parents_in_line(context, t)
                    for i in range(first, last):
                        ahead = sums[i - first, : min(line_width, rows - t)]
                        sums_above(codes[i], t, line_width, lines[1], context, ahead)
            for i in range(first, last):
                lane = i & 3
                x = states[lane]
                machine = machines[lane]
                union = machine & 1
                number = 0
                if context == ABOVE:
                    above = codes[i, t - 1] if t > 0 else np.int32(0)
                    second = codes[i, t - 2] if t > 1 else np.int32(0)
                    number = context_of(above, second)
                elif context >= AROUND:
                    weight = np.int64(sums[lane, x_line])
                    weight += weight_beside(codes, i, t, x_line, context, parents)
                    number = quick_level_of(weight)
                table = table_numbers[i, number, union]
                slot = x & np.uint32(4095)
                token = np.int32(symbols[table, slot])
                entry = packed[table, token]
                x = (entry >> np.uint32(16)) * (x >> np.uint32(PRECISION)) + slot
                x -= entry & np.uint32(0xFFFF)
                if x < np.uint32(1 << 16):
                    if place >= words.size:
                        return False
                    x = (x << np.uint32(16)) | np.uint32(words[place])
                    place += 1
                magnitude = (token + 1) >> 1
                if magnitude >= 16:
                    bits = (magnitude - 16) // 4 + 2
                    value = np.int64(4 + ((magnitude - 16) & 3)) << bits
                    done = 0
                    while done < bits:
                        width = min(bits - done, 16)
                        value |= np.int64(x & np.uint32((1 << width) - 1)) << done
                        x >>= np.uint32(width)
                        done += width
                        if x < np.uint32(1 << 16):
                            if place >= words.size:
                                return False
                            x = (x << np.uint32(16)) | np.uint32(words[place])
                            place += 1
                    magnitude = value
                k = -magnitude if token & 1 else magnitude
                states[lane] = x
                if unions == 2:
                    codes[i, t] = 2 * k + union
                    machines[lane] = machine >> 1 ^ (taps[1] & -union) ^ (taps[2] & -(k & 1))
                else:
                    codes[i, t] = k
    for lane in range(LANES):
        if states[lane] != np.uint32(1 << 16):
            return False
    return place == words.size
