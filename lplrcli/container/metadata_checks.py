"""Arithmetic that the metadata of a matrix must satisfy (SPEC.md, META): shapes and factors."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from lplrcli.container.byte_layout import METADATA
from lplrcli.container.component_tables import GOES_WITH, table_length
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import KLT, basis_stride, most_vectors
from lplrcli.model.kept import KEPT_MODE

MAX_ENTRIES = 2**63 - 1

MEANS = {"mean_row", "mean_column"}
"""Factors of one component, with or without which a matrix may be in any mode."""


def check_shapes(document: dict[str, Any]) -> None:
    """Check that the array unfolds to the matrix, and that this is not too large.

    Raises
    ------
    CorruptSectionError
        A shape contradicts another; the message names its key.
    """
    rows, columns = document["matrix"]["shape"]
    if rows * columns > MAX_ENTRIES:
        refuse("matrix.shape", f"{rows} x {columns}", "at most 2^63 - 1 entries")
    extents, unfold = document["array"]["shape"], document["matrix"]["unfold"]
    if unfold > len(extents):
        refuse("matrix.unfold", unfold, f"at most {len(extents)}")
    unfolded = [math.prod(extents[:unfold]), math.prod(extents[unfold:])]
    if unfolded != [rows, columns]:
        refuse("array.shape", extents, f"one that unfolds to {rows} x {columns}")


def check_factors(document: dict[str, Any]) -> None:
    """Check that factors, mode and shape of the matrix go together.

    Raises
    ------
    CorruptSectionError
        A key contradicts another; the message names it.
    """
    factors = document["factors"]
    rows, columns = document["matrix"]["shape"]
    if ("left" in factors) != ("right" in factors):
        refuse("factors", " and ".join(factors), "left and right, both or neither")
    names = ["factors"] * ("left" in factors) + ["residual"] * ("residual" in factors)
    for side in ("left", "right"):
        _check_basis(side, factors)
    if "kept" in document:
        names = [KEPT_MODE]
    if not names:
        refuse("factors", "none", "left and right, or residual")
    mode = "direct" if names == ["residual"] else "+".join(names)
    if document["plan"]["mode"] != mode:
        refuse("plan.mode", document["plan"]["mode"], mode)
    lengths = {"left": rows, "right": columns, "mean_row": columns, "mean_column": rows}
    for side in ("left", "right"):
        if f"{side}_basis" in factors:
            grid = factors[side]["grid"]
            lengths[f"{side}_basis"] = len(grid) * basis_stride(grid)
    if "residual" in factors:
        lengths["residual"] = _residual_length(factors["residual"], rows, columns)
    for name, record in factors.items():
        if record["transform"] == KLT and name not in ("left", "right"):
            refuse(f"factors.{name}.transform", KLT, "one that needs no basis")
        _match(f"{name}.length", record["length"], lengths[name])
        if math.prod(record["grid"]) != record["length"]:
            refuse(f"factors.{name}.grid", record["grid"], f"product {record['length']}")
        layer = math.prod(record["grid"][1:])
        one = record["chunk_length"] >= record["length"]
        if record["transform"] != "identity" and not one and record["chunk_length"] % layer:
            expected = f"a multiple of {layer}, whole layers of the grid, as it is transformed"
            refuse(f"factors.{name}.chunk_length", record["chunk_length"], expected)
        if record["transform"] == KLT and not one:
            expected = f"at least {record['length']}, as its bases span all layers"
            refuse(f"factors.{name}.chunk_length", record["chunk_length"], expected)
        if record["chunk_length"] % 8:  # older releases of fastjsonschema divide in floats
            refuse(f"factors.{name}.chunk_length", record["chunk_length"], "a multiple of 8")
        _check_coding(name, record, rows, columns)
    if "left" in factors:
        components = factors["left"]["components"]
        _match("right.components", factors["right"]["components"], components)
    for name in MEANS & factors.keys():
        _match(f"{name}.components", factors[name]["components"], 1)


def _check_basis(side: str, factors: dict[str, Any]) -> None:
    """Check that the vectors of a transform of bases are there where it is, and fit its grid."""
    name = f"{side}_basis"
    needed = side in factors and factors[side]["transform"] == KLT
    if needed != (name in factors):
        found = f"{name} missing" if needed else name
        refuse("factors", found, f"{name} where the transform of {side} is {KLT}, only there")
    if not needed:
        return
    record, grid = factors[name], factors[side]["grid"]
    if record["transform"] == KLT or record["coding"] != "rans":
        found = f"{record['transform']}, {record['coding']}"
        refuse(f"factors.{name}.transform", found, f"another than {KLT}, coded as rans")
    _match(f"{name}.chunk_length", record["chunk_length"], basis_stride(grid))
    if record["grid"] != [record["length"]]:
        refuse(f"factors.{name}.grid", record["grid"], [record["length"]])
    most = most_vectors(grid, factors[side]["components"])
    if record["components"] > most:
        refuse(f"factors.{name}.components", record["components"], f"at most {most}")


def _residual_length(record: dict[str, Any], rows: int, columns: int) -> int:
    """Length of the residual's components: all entries in row order, or those of a column."""
    components = record["components"]
    if components == 1:
        return rows * columns
    if components != columns or record["coding"] != "rans":
        expected = f"1 or {columns}" if record["coding"] == "rans" else 1
        refuse("factors.residual.components", components, expected)
    return rows


def _check_coding(name: str, record: dict[str, Any], rows: int, columns: int) -> None:
    coding, quantizer, components = record["coding"], record["quantizer"], record["components"]
    if quantizer not in GOES_WITH[coding]:
        expected = f"{' or '.join(GOES_WITH[coding])}, as the coding is {coding}"
        refuse(f"factors.{name}.quantizer", quantizer, expected)
    expected_length = table_length(coding, quantizer, components)
    if expected_length is not None:
        _match(f"{name}.table_length", record["table_length"], expected_length)
        return
    if record["table_length"] == 0:
        refuse(f"factors.{name}.table_length", 0, "at least 1")
    # Codes may take no bytes at all, so that nothing else bounds what a file claims to hold.
    if name in ("left", "right") and components > min(rows, columns):
        refuse(f"factors.{name}.components", components, f"at most {min(rows, columns)}")


def _match(key: str, found: int, expected: int) -> None:
    if found != expected:
        refuse(f"factors.{key}", found, expected)


def refuse(key: str, found: object, expected: object) -> NoReturn:
    """Raise the error for a wrong key of the metadata."""
    raise CorruptSectionError(
        f"wrong metadata: {key}", section=METADATA, found=found, expected=expected
    )
