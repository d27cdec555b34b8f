"""The parameters of each quantizer, as they lie in ``COMP`` (SPEC.md, Quantizers).

A quantizer registered in SPEC.md has one line in `SIDE_LENGTHS` and in `SIDE_CHECKS`: what the
container must know of it to check a file before anything is decoded.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import NoReturn

from lplrcli.container.byte_layout import TABLES
from lplrcli.errors import CorruptSectionError

UNIFORM_SIDE = struct.Struct("<dd")
STEP = struct.Struct("<d")
SHIFTS = 3
SCALE_SIZE = 2
INFINITE_SCALE = 0x7F80
"""Upper half of binary32 infinity; whatever is not below it is negative or not finite."""

LARGEST_UNIT = 2.0**960
"""Units are at most this and at least its reciprocal: values are neither infinite nor subnormal."""

SCALES = range(-8176, 8192)
"""Indices of scales: those of which the scale is a normal binary64 number."""


def check_uniform(side: bytes, bits: bytes, components: int, factor: str) -> None:
    """Check the parameters ``low`` and ``step`` (binary64) of quantizer ``uniform``."""
    low, step = UNIFORM_SIDE.unpack(side)
    if not math.isfinite(low):
        refuse(factor, "low", low, "a finite number")
    if not (math.isfinite(step) and step >= 0):
        refuse(factor, "step", step, "a finite number, at least 0")
    if bits:
        if len(set(bits)) > 1:
            refuse(factor, "bits", f"{min(bits)} to {max(bits)}", "the same in all components")
        if not math.isfinite(low + step * (2 ** bits[0] - 1)):
            refuse(factor, "step", step, "a finite greatest value")


def check_normal(side: bytes, bits: bytes, components: int, factor: str) -> None:
    """Check the scales (upper halves of binary32) of quantizer ``normal``."""
    for i, scale in enumerate(struct.unpack(f"<{components}H", side)):
        if not 0 < scale < INFINITE_SCALE:
            what = f"{scale:#06x} in component {i}"
            refuse(factor, "scale", what, "0x0001 to 0x7f7f, finite and greater than 0")


def check_stepped(side: bytes, tables: bytes, components: int, factor: str) -> None:
    """Check the step and the scales of quantizers ``deadzone`` and ``trellis``.

    The shifts, between them, may be anything.
    """
    (step,) = STEP.unpack_from(side)
    if not (math.isfinite(step) and step > 0):
        refuse(factor, "step", step, "a finite number greater than 0")
    planes = side[STEP.size + SHIFTS :]
    low, high = planes[:components], planes[components:]
    # Few scales occur, however many components there are.
    for pair in set(zip(low, high, strict=True)):
        index = int.from_bytes(pair, "little", signed=True)
        if index not in SCALES:
            refuse(factor, "scale", index, f"{SCALES[0]} to {SCALES[-1]}")
        unit = step * scale_of(index)
        if not 1 / LARGEST_UNIT <= unit <= LARGEST_UNIT:
            refuse(factor, "scale", index, "one with a unit from 2^-960 to 2^960")


def scale_of(index: int) -> float:
    """Return the scale with this index: eight of them lie evenly in each octave."""
    exponent, eighths = divmod(index, 8)
    return math.ldexp(1 + eighths / 8, exponent)


SIDE_LENGTHS: dict[str, Callable[[int], int]] = {
    "uniform": lambda components: UNIFORM_SIDE.size,
    "normal": lambda components: SCALE_SIZE * components,
    "deadzone": lambda components: STEP.size + SHIFTS + SCALE_SIZE * components,
    "trellis": lambda components: STEP.size + SHIFTS + SCALE_SIZE * components,
}
SIDE_CHECKS = {
    "uniform": check_uniform,
    "normal": check_normal,
    "deadzone": check_stepped,
    "trellis": check_stepped,
}


def check_side(factor: str, quantizer: str, side: bytes, tables: bytes, components: int) -> None:
    """Check the parameters of one factor's quantizer.

    Parameters
    ----------
    factor : str
        ``left``, ``right`` or ``residual``, for messages.
    quantizer : str
        Registered id.
    side : bytes
        Its parameters.
    tables : bytes
        Parameters of the coding, checked.
    components : int
        Of the factor.

    Raises
    ------
    CorruptSectionError
        A parameter is outside its range.
    """
    expected = SIDE_LENGTHS[quantizer](components)
    if len(side) != expected:
        refuse(factor, "length of side", f"{len(side)} bytes", expected)
    SIDE_CHECKS[quantizer](side, tables, components, factor)


def refuse(factor: str, field: str, found: object, expected: object) -> NoReturn:
    """Raise the error for a wrong field of a factor's tables."""
    raise CorruptSectionError(
        f"wrong {field} of factor {factor}", section=TABLES, found=found, expected=expected
    )
