"""Contexts of codes: what those before an entry tell about it (SPEC.md, section "rans")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel
from lplrcli.model.rans_constants import ACROSS, ALONG, AROUND

_LENGTHS = np.array([i.bit_length() for i in range(256)], np.uint8)

_LARGE = 2**16
"""Magnitudes from here on all have the last level: sums of clipped ones fit 32 bits."""


@kernel
def bit_length(value: int) -> int:
    """Binary digits of an integer that is not negative."""
    length = 0
    while value > 255:
        length += 8
        value >>= 8
    return length + int(_LENGTHS[value])


@kernel
def context_of(above: int, second: int) -> int:
    """Context of the entry below `above` and `second`: sign and octave of a weighted sum."""
    weighted = 2 * above + second
    octave = min(bit_length(abs(weighted)), 15)
    return octave + 16 if weighted < 0 else octave


@kernel
def level_of(weight: int) -> int:
    """Half octave of a weighted sum of magnitudes, 0 for 0, at most 31."""
    length = bit_length(weight)
    return min(2 * length - 2 + ((weight >> (length - 2)) & 1), 31) if length > 1 else length


_LEVELS = np.array([level_of(weight) for weight in range(4096)], np.uint8)


@kernel
def quick_level_of(weight: int) -> int:
    """`level_of`, of small sums by a table."""
    return int(_LEVELS[weight]) if weight < 4096 else level_of(weight)


@kernel
def _add(sums: NDArray[np.int32], weight: int, codes: NDArray[np.int32]) -> None:
    """Add weighted magnitudes, as many as there are of the fewer."""
    factor = np.int32(weight)
    for x in range(min(sums.size, codes.size)):
        sums[x] += factor * min(abs(codes[x]), np.int32(_LARGE))


@kernel
def _add_halved(sums: NDArray[np.int32], codes: NDArray[np.int32]) -> None:
    """Add the magnitude at half the place to all but the first of a line."""
    for x in range(sums.size):
        sums[x] += min(abs(codes[(x + 1) >> 1]), np.int32(_LARGE))


@kernel
def sums_above(
    codes: NDArray[np.int32],
    start: int,
    width: int,
    height: int,
    context: int,
    sums: NDArray[np.int32],
) -> None:
    """What the lines before a line add to the weights of its entries.

    Parameters
    ----------
    codes : ndarray of int32, shape (rows,)
        A component of a chunk.
    start : int
        Entry that the line starts with.
    width, height : int
        Entries of a line, and lines of a plane.
    context : int
        Kind of context: `AROUND` or one of those after it.
    sums : ndarray of int32, shape (entries,)
        Filled, for `width` entries or those that are left.
    """
    sums[:] = 0
    end, plane = start + sums.size, width * height
    y, z = start // width % height, start // plane
    scale = 1 if context == AROUND else 2
    if y > 0:
        above = codes[start - width : start]
        _add(sums, 2 * scale, above)
        _add(sums[1:], scale, above)
        _add(sums, scale, above[1:])
        if y > 1:
            _add(sums, scale, codes[start - 2 * width : start - width])
    if z > 0:
        behind = codes[start - plane : start - plane + width]
        _add(sums, 2 * scale, behind)
        _add(sums[1:], scale, behind)
        _add(sums, scale, behind[1:])
        if y > 0:
            _add(sums, scale, codes[start - plane - width : end - plane - width])
        if y + 1 < height:
            _add(sums, scale, codes[start - plane + width : end - plane + width])
        if z > 1:
            _add(sums, scale, codes[start - 2 * plane : end - 2 * plane])
    if context == ALONG:
        if y > 0:
            first = start - (y - (y >> 1)) * width
            _add(sums, 1, codes[first : first + width])
        if z > 0:
            first = start - (z - (z >> 1)) * plane
            _add(sums, 1, codes[first : first + width])
    elif context == ACROSS and start > 0:
        first = (z >> 1) * plane + (y >> 1) * width
        parents = codes[first : first + (width + 1) // 2]
        sums[0] += min(abs(parents[0]), np.int32(_LARGE))
        _add_halved(sums[1:], parents)


@kernel
def parents_in_line(context: int, start: int) -> bool:
    """Whether the entry at half the place in the same line is one of those that count."""
    return context == ALONG or (context == ACROSS and start == 0)


@kernel
def weight_beside(
    codes: NDArray[np.int32], i: int, t: int, x: int, context: int, parents: bool
) -> int:
    """What the entries before entry t, in the same line, add to its weight.

    Parameters
    ----------
    codes : ndarray of int32, shape (components, rows)
        A chunk; entries from t on are not looked at.
    i, t : int
        Component and entry.
    x : int
        Place in the line.
    context : int
        Kind of context.
    parents : bool
        What `parents_in_line` says.
    """
    weight = 0
    if x > 0:
        weight += 2 * min(abs(np.int64(codes[i, t - 1])), _LARGE)
        if x > 1:
            weight += min(abs(np.int64(codes[i, t - 2])), _LARGE)
        if context != AROUND:
            weight *= 2
        if parents:
            weight += min(abs(np.int64(codes[i, t - x + (x >> 1)])), _LARGE)
    return weight


@kernel
def levels_around(
    codes: NDArray[np.int32], context: int, lines: tuple[int, int], out: NDArray[np.uint8]
) -> None:
    """Contexts of all entries of a chunk.

    Parameters
    ----------
    codes : ndarray of int32, shape (components, rows)
        Only magnitudes matter.
    context : int
        Kind of context: `AROUND` or one of those after it.
    lines : tuple of int
        Entries of a line, and lines of a plane, of the grid of the chunk.
    out : ndarray of uint8, shape (components, rows)
        Receives the contexts.
    """
    components, rows = codes.shape
    # Lines may be said to be far longer than a chunk.
    width, height = min(lines[0], rows), lines[1]
    sums = np.empty(width, np.int32)
    for i in range(components):
        for start in range(0, rows, width):
            line = codes[i, start : start + width]
            levels = out[i, start : start + width]
            weights = sums[: line.size]
            sums_above(codes[i], start, width, height, context, weights)
            # What `weight_beside` says of each entry, of all at once.
            scale = 1 if context == AROUND else 2
            _add(weights[1:], 2 * scale, line)
            _add(weights[2:], scale, line)
            if parents_in_line(context, start):
                _add_halved(weights[1:], line)
            for x in range(line.size):
                levels[x] = quick_level_of(weights[x])
