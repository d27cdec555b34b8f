"""Component tables (section ``COMP``) and the lengths that codings demand of chunks.

A quantizer or coding registered in SPEC.md has one line in a table here: what the container must
know of it to check a file before anything is decoded.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from lplrcli.container.layout import CHUNK_TAGS, TABLES, Section
from lplrcli.errors import CorruptSectionError

UNIFORM_SIDE = struct.Struct("<dd")
SCALE_SIZE = 2
INFINITE_SCALE = 0x7F80
"""Upper half of binary32 infinity; whatever is not below it is negative or not finite."""


def check_uniform(bits: bytes, side: bytes, factor: str) -> None:
    """Check the parameters ``low`` and ``step`` (binary64) of quantizer ``uniform``."""
    low, step = UNIFORM_SIDE.unpack(side)
    if not math.isfinite(low):
        _refuse(factor, "low", low, "a finite number")
    if not (math.isfinite(step) and step >= 0):
        _refuse(factor, "step", step, "a finite number, at least 0")
    if bits:
        if len(set(bits)) > 1:
            _refuse(factor, "bits", f"{min(bits)} to {max(bits)}", "the same in all components")
        if not math.isfinite(low + step * (2 ** bits[0] - 1)):
            _refuse(factor, "step", step, "a finite greatest value")


def check_normal(bits: bytes, side: bytes, factor: str) -> None:
    """Check the scales (upper halves of binary32) of quantizer ``normal``."""
    for i, scale in enumerate(struct.unpack(f"<{len(bits)}H", side)):
        if not 0 < scale < INFINITE_SCALE:
            what = f"{scale:#06x} in component {i}"
            _refuse(factor, "scale", what, "0x0001 to 0x7f7f, finite and greater than 0")


def packed_length(bits: bytes, rows: int) -> int:
    """Bytes of a chunk of `rows` entries per component in coding ``packed``."""
    # Few depths occur, so counting them beats a sum over thousands of components.
    return sum(bits.count(depth) * -(-depth * rows // 8) for depth in set(bits))


def check_packed(bits: bytes, section: Section, rows: int, chunk: bytes) -> None:
    """Check that the bits after the last code of every run are zero.

    Raises
    ------
    CorruptSectionError
        Some are not; the message names the component.
    """
    if rows % 8 == 0:
        return  # whole bytes at every depth: only a last chunk has padding
    end = 0
    for i, depth in enumerate(bits):
        end += -(-depth * rows // 8)
        used = depth * rows % 8
        if used and chunk[end - 1] >> used:
            raise CorruptSectionError(
                f"wrong run padding of component {i} in chunk {section.ordinal}",
                section=section.tag,
                offset=section.offset + end - 1,
                found=f"{chunk[end - 1] >> used:#x}",
                expected="zero bits",
            )


SIDE_LENGTHS: dict[str, Callable[[int], int]] = {
    "uniform": lambda components: UNIFORM_SIDE.size,
    "normal": lambda components: SCALE_SIZE * components,
}
SIDE_CHECKS = {"uniform": check_uniform, "normal": check_normal}
CODED_LENGTHS = {"packed": packed_length}
CHUNK_CHECKS = {"packed": check_packed}


def table_length(quantizer: str, components: int) -> int:
    """Bytes that a factor has in ``COMP``: one per component, then the side bytes."""
    return components + SIDE_LENGTHS[quantizer](components)


def check_tables(factor: str, quantizer: str, bits: bytes, side: bytes) -> None:
    """Check one factor's part of ``COMP``.

    Parameters
    ----------
    factor : str
        ``left``, ``right`` or ``residual``, for messages.
    quantizer : str
        Registered id.
    bits : bytes, one per component
        Bits per code.
    side : bytes
        Parameters of the quantizer.

    Raises
    ------
    CorruptSectionError
        A parameter is outside its range.
    """
    if bits and not (min(bits) >= 1 and max(bits) <= 16):
        _refuse(factor, "bits", f"{min(bits)} to {max(bits)}", "1 to 16")
    expected = SIDE_LENGTHS[quantizer](len(bits))
    if len(side) != expected:
        _refuse(factor, "side", f"{len(side)} bytes", f"{expected}")
    SIDE_CHECKS[quantizer](bits, side, factor)


def split_tables(
    payload: bytes, factors: dict[str, dict[str, Any]]
) -> dict[str, tuple[bytes, bytes]]:
    """Split the payload of ``COMP`` into ``(bits, side)`` of each factor, checked.

    Parameters
    ----------
    payload : bytes
        As long as the ``table_length`` of all factors together.
    factors : dict
        Member ``factors`` of valid metadata, in any order.
    """
    tables: dict[str, tuple[bytes, bytes]] = {}
    start = 0
    for name in CHUNK_TAGS:
        if name in factors:
            record = factors[name]
            middle = start + record["components"]
            end = start + record["table_length"]
            bits, side = payload[start:middle], payload[middle:end]
            check_tables(name, record["quantizer"], bits, side)
            tables[name] = bits, side
            start = end
    return tables


def chunk_count(record: dict[str, Any]) -> int:
    """Return how many chunks a factor has, given its metadata."""
    count: int = -(-record["length"] // record["chunk_length"]) if record["components"] else 0
    return count


def chunk_rows(length: int, chunk_length: int, ordinal: int) -> int:
    """Return how many entries per component lie in chunk `ordinal` of a factor."""
    return min(length - ordinal * chunk_length, chunk_length)


def _refuse(factor: str, field: str, found: object, expected: object) -> None:
    raise CorruptSectionError(
        f"wrong {field} of factor {factor}", section=TABLES, found=found, expected=expected
    )
