"""Metadata of one matrix: from a `Factorization`, to JSON, checked, and back (SPEC.md, META)."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any, NoReturn

from lplrcli.container.layout import CHUNK_TAGS, METADATA
from lplrcli.container.schema import check_schema
from lplrcli.container.tables import table_length
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.version import __version__

MAX_ENTRIES = 2**63 - 1
MAX_NAME = 4096
MEASURES = ("relative_frobenius_error", "max_abs_error", "source_norm", "bound")

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def describe(
    factorization: Factorization, *, name: str | None = None, created: str | None = None
) -> dict[str, Any]:
    """Return the metadata of a factorization, checked.

    Parameters
    ----------
    factorization : Factorization
        Its chunks are not touched.
    name : str, optional
        Name of the array within the file. Control characters become U+FFFD.
    created : str, optional
        Date and time, RFC 3339. Leave out where equal input is to give equal bytes.

    Raises
    ------
    CorruptSectionError
        The factorization is not one that a file can hold.
    """
    f = factorization
    array: dict[str, Any] = {"shape": list(f.shape), "dtype": f.dtype}
    if name is not None:
        array["name"] = _printable(name)
    source = {"format": "array"} | {k: v for k, v in f.source.items() if v is not None}
    if isinstance(source.get("name"), str):
        source["name"] = _printable(source["name"])
    document = {
        "array": array,
        "matrix": {"shape": list(f.shape), "unfold": 1},
        "plan": dataclasses.asdict(f.plan),
        "achieved": dataclasses.asdict(f.report),
        "factors": {
            side: _describe_factor(factor)
            for side in CHUNK_TAGS
            if (factor := getattr(f, side)) is not None
        },
        "source": source,
        "tool": f"lplr {__version__}",
    }
    if created is not None:
        document["created"] = created
    check_metadata(document)
    return document


def check_metadata(document: Any) -> None:
    """Check metadata against the schema, then by the arithmetic of SPEC.md.

    Raises
    ------
    CorruptSectionError
        Some key is wrong; the message names it.
    """
    check_schema(document)
    for key in MEASURES:
        value = document["achieved"][key]
        if value is not None and not math.isfinite(value):
            _refuse(f"achieved.{key}", value, "a finite number")
    _check_shapes(document)
    _check_factors(document)


def plan_of(document: dict[str, Any]) -> CompressionPlan:
    """Return what was asked and decided, from valid metadata."""
    plan = dict(document["plan"])
    target = Target(**plan.pop("target"))
    return CompressionPlan(target=target, **plan)


def report_of(document: dict[str, Any]) -> ErrorReport:
    """Return what was achieved, from valid metadata."""
    achieved = dict(document["achieved"])
    for key in MEASURES:
        if achieved[key] is not None:
            achieved[key] = float(achieved[key])  # JSON may write 0 for 0.0
    return ErrorReport(**achieved)


def _describe_factor(factor: QuantizedFactor) -> dict[str, Any]:
    return {
        "length": factor.length,
        "components": factor.components,
        "quantizer": factor.quantizer,
        "coding": factor.coding,
        "transform": factor.transform,
        "grid": list(factor.grid),
        "chunk_length": factor.chunk_length,
        "table_length": factor.components + len(factor.side),
    }


def _check_shapes(document: dict[str, Any]) -> None:
    rows, columns = document["matrix"]["shape"]
    if rows * columns > MAX_ENTRIES:
        _refuse("matrix.shape", f"{rows} x {columns}", "at most 2^63 - 1 entries")
    extents, unfold = document["array"]["shape"], document["matrix"]["unfold"]
    if unfold > len(extents):
        _refuse("matrix.unfold", unfold, f"at most {len(extents)}")
    unfolded = [math.prod(extents[:unfold]), math.prod(extents[unfold:])]
    if unfolded != [rows, columns]:
        _refuse("array.shape", extents, f"one that unfolds to {rows} x {columns}")


def _check_factors(document: dict[str, Any]) -> None:
    factors = document["factors"]
    rows, columns = document["matrix"]["shape"]
    if ("left" in factors) != ("right" in factors):
        _refuse("factors", " and ".join(factors), "left and right, both or neither")
    names = ["factors"] * ("left" in factors) + ["residual"] * ("residual" in factors)
    mode = "direct" if names == ["residual"] else "+".join(names)
    if document["plan"]["mode"] != mode:
        _refuse("plan.mode", document["plan"]["mode"], mode)
    lengths = {"left": rows, "right": columns, "residual": rows * columns}
    for name, record in factors.items():
        _match(f"{name}.length", record["length"], lengths[name])
        if math.prod(record["grid"]) != record["length"]:
            _refuse(f"factors.{name}.grid", record["grid"], f"product {record['length']}")
        if record["chunk_length"] % 8:  # older releases of fastjsonschema divide in floats
            _refuse(f"factors.{name}.chunk_length", record["chunk_length"], "a multiple of 8")
        expected = table_length(record["quantizer"], record["components"])
        _match(f"{name}.table_length", record["table_length"], expected)
    if "left" in factors:
        components = factors["left"]["components"]
        _match("right.components", factors["right"]["components"], components)
    if "residual" in factors:
        _match("residual.components", factors["residual"]["components"], 1)


def _match(key: str, found: int, expected: int) -> None:
    if found != expected:
        _refuse(f"factors.{key}", found, expected)


def _printable(text: str) -> str:
    # Names reach terminals, and a file name may hold anything: only harmless characters go in.
    return _UNPRINTABLE.sub("\ufffd", text)[:MAX_NAME]


def _refuse(key: str, found: object, expected: object) -> NoReturn:
    raise CorruptSectionError(
        f"wrong metadata: {key}", section=METADATA, found=found, expected=expected
    )
