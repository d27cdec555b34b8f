"""Numbers of the coding ``rans`` that several layers share (SPEC.md, section "rans")."""

from __future__ import annotations

TOKENS = 231
"""Number of tokens; a code is a token and, from magnitude `DIRECT` on, some extra bits."""

DIRECT = 16
"""Least magnitude whose token is shared; smaller ones have a token each."""

LARGEST = 2**29 - 8
"""Largest magnitude of a coefficient in units; larger ones are clipped. Codes of a trellis may
exceed it a little and can still be coded."""

CONTEXTS = 32
"""Number of contexts of every kind but `NO_CONTEXT`."""

NO_CONTEXT, ABOVE, AROUND, ACROSS, ALONG = 0, 1, 2, 3, 4
"""Kinds of context: none; sign and octave of a weighted sum of the two codes above; half octave of
a weighted sum of the magnitudes around an entry of a grid, either alone or with magnitudes of the
next coarser scale, which is coarser along all axes at once or along one axis."""

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
"""Taps H0, H1 of the trellis machine by its state bits (Ungerboeck 1982, table I); 0 for none."""

LANES = 4
"""Number of interleaved states of the coder, and of trellis machines: component i is in lane i mod
4."""


def lines_of(grid: tuple[int, ...]) -> tuple[int, int]:
    """Count the entries of a line of a grid, and the lines of a plane.

    A grid of one axis is a single line without an end.

    Examples
    --------
    >>> lines_of((10, 30, 40))
    (40, 30)
    """
    return (grid[-1], grid[-2]) if len(grid) > 1 else (2**62, 1)
