"""Component tables (section ``COMP``): packed for the writer, split and checked for the reader.

A coding registered in SPEC.md has one line in each table here.
"""

from __future__ import annotations

from typing import Any

from lplrcli.container.byte_layout import CHUNK_TAGS, TABLES
from lplrcli.container.entropy_tables import check_rans_tables, longest_tables
from lplrcli.container.quantizer_parameters import SIDE_LENGTHS, check_side, refuse
from lplrcli.container.zstd_frames import deflate, inflate
from lplrcli.model.compressed import QuantizedFactor

GOES_WITH = {"packed": ("uniform", "normal"), "rans": ("deadzone", "trellis")}
"""The quantizers that each coding goes with."""

MAX_TABLES = 16 << 20
"""Bytes of a factor's tables of coding ``rans``, inflated."""


def table_length(coding: str, quantizer: str, components: int) -> int | None:
    """Bytes that a factor has in ``COMP``, or None where its coding compresses them."""
    return components + SIDE_LENGTHS[quantizer](components) if coding == "packed" else None


def pack_table(name: str, factor: QuantizedFactor) -> bytes:
    """Return the part of factor `name` in ``COMP``; equal factors give equal bytes.

    Raises
    ------
    CorruptSectionError
        A parameter is outside its range, so a reader would refuse it.
    """
    content = factor.tables + factor.side
    if factor.quantizer not in GOES_WITH.get(factor.coding, ()):
        refuse(name, "coding", f"{factor.coding} of {factor.quantizer}", f"one of {GOES_WITH}")
    tables, _ = _split(name, content, factor.coding, factor.quantizer, factor.components)
    if tables != factor.tables:
        refuse(name, "length of tables", f"{len(factor.tables)} bytes", len(tables))
    return content if factor.coding == "packed" else deflate(content)


def split_tables(
    payload: bytes, factors: dict[str, dict[str, Any]]
) -> dict[str, tuple[bytes, bytes]]:
    """Split the payload of ``COMP`` into ``(tables, side)`` of each factor, checked.

    Parameters
    ----------
    payload : bytes
        As long as the ``table_length`` of all factors together.
    factors : dict
        Member ``factors`` of valid metadata, in any order.

    Returns
    -------
    dict
        For each factor the parameters of its coding and those of its quantizer, inflated.

    Raises
    ------
    CorruptSectionError
        A parameter is outside its range.
    """
    found: dict[str, tuple[bytes, bytes]] = {}
    start = 0
    for name in CHUNK_TAGS:
        if name in factors:
            record = factors[name]
            content = payload[start : start + record["table_length"]]
            start += record["table_length"]
            if record["coding"] == "rans":
                what, components = f"tables of factor {name}", record["components"]
                whole = longest_tables(components) + SIDE_LENGTHS[record["quantizer"]](components)
                most = min(MAX_TABLES, whole)
                content = inflate(content, most=most, name=what, section=TABLES)
            found[name] = _split(
                name, content, record["coding"], record["quantizer"], record["components"]
            )
    return found


def _split(
    name: str, content: bytes, coding: str, quantizer: str, components: int
) -> tuple[bytes, bytes]:
    if len(content) > MAX_TABLES and coding == "rans":
        refuse(name, "length of tables", f"{len(content)} bytes", f"at most {MAX_TABLES}")
    if coding == "rans":
        middle = check_rans_tables(content, components, quantizer, name)
    else:
        middle = components
        bits = content[:middle]
        if bits and not (min(bits) >= 1 and max(bits) <= 16):
            refuse(name, "bits", f"{min(bits)} to {max(bits)}", "1 to 16")
    tables, side = content[:middle], content[middle:]
    check_side(name, quantizer, side, tables, components)
    return tables, side
