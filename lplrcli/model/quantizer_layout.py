"""Layout of quantizers' parameters in a file (SPEC.md, Quantizers): for checks and decoders."""

from __future__ import annotations

import math
import struct

UNIFORM_HEAD = struct.Struct("<dd")
"""``low`` and ``step`` of quantizer ``uniform``."""

STEPPED_HEAD = struct.Struct("<d3b")
"""Step and the three shifts of quantizers ``deadzone`` and ``trellis``; scales follow."""

SCALE_BYTES = 2
"""Bytes of a component's scale, in all quantizers that have scales."""

SCALE_INDICES = range(-8176, 8192)
"""Indices of stepped quantizers' scales: those whose scale is a normal binary64 number."""

EIGHTHS = 8
"""Scales in an octave, evenly spaced."""


def scale_of(index: int) -> float:
    """Scale with an index: ``(8 + m)/8 * 2**e`` for the index ``8 e + m``, 0 ≤ m < 8.

    Examples
    --------
    >>> [scale_of(index) for index in (-8, 0, 1, 8)]
    [0.5, 1.0, 1.125, 2.0]
    """
    exponent, eighths = divmod(index, EIGHTHS)
    return math.ldexp(1 + eighths / EIGHTHS, exponent)
