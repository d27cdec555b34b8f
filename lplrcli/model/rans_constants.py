"""Numbers of the coding ``rans`` that several layers share (SPEC.md, section "rans")."""

from __future__ import annotations

TOKENS = 231
"""A code is a token and, from magnitude `DIRECT` on, some extra bits."""

DIRECT = 16
"""Magnitudes below this have a token of their own."""

LARGEST = 2**29 - 8
"""Coefficients are cut to this magnitude, in units: what a trellis adds to it can be coded."""

CONTEXTS = 32
"""Of either kind but the first."""

NO_CONTEXT, ABOVE, AROUND, ACROSS, ALONG = 0, 1, 2, 3, 4
"""Kinds of context: none; sign and octave of a weighted sum of the two codes above; half octave
of a weighted sum of the magnitudes around an entry of a grid, to which those of the next coarser
scale may be added: of all axes at once, or of each axis."""

TOTAL = 4096
"""Sum of the frequencies of a table."""

TAPS = {
    0: (0, 0),
    3: (0o13 >> 1, 0o04 >> 1),
    4: (0o23 >> 1, 0o04 >> 1),
    5: (0o45 >> 1, 0o10 >> 1),
    6: (0o103 >> 1, 0o024 >> 1),
    7: (0o235 >> 1, 0o126 >> 1),
    8: (0o515 >> 1, 0o362 >> 1),
}
"""State bits of the trellis machine to its taps H0, H1: Ungerboeck 1982, table I. 0: no machine."""

LANES = 4
"""Interleaved states of the coder, and machines of the trellis: component i uses lane i mod 4."""


def lines_of(grid: tuple[int, ...]) -> tuple[int, int]:
    """Entries of a line, and lines of a plane, of a grid; one line if it has one axis."""
    return (grid[-1], grid[-2]) if len(grid) > 1 else (2**62, 1)
