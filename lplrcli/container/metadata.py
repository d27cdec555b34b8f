"""Metadata of one matrix: from a `Factorization`, to JSON, checked, and back (SPEC.md, META)."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from lplrcli.container.byte_layout import CHUNK_TAGS, METADATA, VERSION, is_later
from lplrcli.container.component_tables import GOES_WITH, table_length
from lplrcli.container.schema import check_schema, known_part
from lplrcli.container.versions import check_features
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import KLT, Factorization, QuantizedFactor, basis_stride, most_vectors
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.version import __version__

MAX_ENTRIES = 2**63 - 1
MAX_NAME = 4096
ALWAYS_ASKED = ("method", "rank", "bits", "bits_right")
"""Keys of ``plan.target`` that are there even if null."""

MEANS = {"mean_row", "mean_column"}
"""Factors of one component, with or without which a matrix may be in any mode."""

TARGETS = ("relative_error", "max_abs_error")
MEASURES = ("relative_frobenius_error", "max_abs_error", "source_norm", "bound")

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def describe(
    factorization: Factorization,
    table_lengths: dict[str, int],
    *,
    name: str | None = None,
    created: str | None = None,
    user: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the metadata of a factorization, checked.

    Parameters
    ----------
    factorization : Factorization
        Its chunks are not touched.
    table_lengths : dict
        For each factor present, by name, its bytes in ``COMP``.
    name : str, optional
        Name of the array within the file. Control characters become U+FFFD.
    created : str, optional
        Date and time, RFC 3339. Leave out where equal input is to give equal bytes.
    user : dict, optional
        Whatever somebody keeps with the matrix.

    Raises
    ------
    CorruptSectionError
        The factorization is not one that a file can hold.
    """
    f = factorization
    array: dict[str, Any] = {"shape": list(f.array_shape), "dtype": f.dtype}
    if name is not None:
        array["name"] = _printable(name)
    source = {"format": "array"} | {k: v for k, v in f.source.items() if v is not None}
    if isinstance(source.get("name"), str):
        source["name"] = _printable(source["name"])
    document = {
        "array": array,
        "matrix": {"shape": list(f.shape), "unfold": f.unfold},
        "plan": _describe_plan(f.plan),
        "achieved": _describe_report(f.report),
        "factors": {
            side: _describe_factor(f.parts[side], table_lengths[side])
            for side in CHUNK_TAGS
            if side in f.parts
        },
        "source": source,
        "tool": f"lplr {__version__}",
    }
    if created is not None:
        document["created"] = created
    if user is not None:
        document["user"] = user
    return check_metadata(document, VERSION)


def check_metadata(document: Any, version: tuple[int, int]) -> dict[str, Any]:
    """Check metadata against the schema, then by the arithmetic of SPEC.md.

    Parameters
    ----------
    document : object
        What the JSON says.
    version : tuple of int
        Version of the file: one of 0.1 must not hold what 0.2 brought, and one of a later minor
        may hold keys that are ignored.

    Returns
    -------
    dict
        The metadata, without such keys.

    Raises
    ------
    CorruptSectionError
        Some key is wrong; the message names it.
    """
    later = is_later(version)
    check_schema(document, later=later)
    if later:  # what the schema lets pass otherwise, it knows
        document = known_part(document)
    for path, record, keys in _measured(document):
        for key in keys:
            value = record[key]
            if value is not None and not math.isfinite(value):
                _refuse(f"{path}.{key}", value, "a finite number")
    check_features(document, version)
    _check_shapes(document)
    _check_factors(document)
    return dict(document)


def plan_of(document: dict[str, Any]) -> CompressionPlan:
    """Return what was asked and decided, from valid metadata."""
    plan = _real(document)["plan"]
    return CompressionPlan(**plan | {"target": Target(**plan["target"])})


def report_of(document: dict[str, Any]) -> ErrorReport:
    """Return what was achieved, from valid metadata."""
    return ErrorReport(**_real(document)["achieved"])


def _measured(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Path and record of the objects with measures, and which of their keys are those."""
    plan = document["plan"]
    yield "achieved", document["achieved"], list(MEASURES)
    yield "plan.target", plan["target"], [key for key in TARGETS if key in plan["target"]]
    if "predictions" in plan:
        yield "plan.predictions", plan["predictions"], list(plan["predictions"])


def _real(document: dict[str, Any]) -> dict[str, Any]:
    """Plan and achievements as copies in which measures are floats: JSON may write 0 for 0.0."""
    plan, achieved = dict(document["plan"]), dict(document["achieved"])
    plan |= {key: dict(plan[key]) for key in ("target", "predictions") if key in plan}
    found: dict[str, Any] = {"plan": plan, "achieved": achieved}
    for _, record, keys in _measured(found):
        for key in keys:
            record[key] = None if record[key] is None else float(record[key])
    return found


def _describe_plan(plan: CompressionPlan) -> dict[str, Any]:
    record = dataclasses.asdict(plan)
    target = record["target"]
    # Keys that not every method has are left out where they do not apply.
    record["target"] = {k: v for k, v in target.items() if v is not None or k in ALWAYS_ASKED}
    if plan.predictions is None:
        del record["predictions"]
    return record


def _describe_report(report: ErrorReport) -> dict[str, Any]:
    record = dataclasses.asdict(report)
    # Equal matrices are to give equal files, whatever they were read from.
    del record["bytes_read"]
    if report.estimator is None:
        del record["estimator"]
    return record


def _describe_factor(factor: QuantizedFactor, table_bytes: int) -> dict[str, Any]:
    return {
        "length": factor.length,
        "components": factor.components,
        "quantizer": factor.quantizer,
        "coding": factor.coding,
        "transform": factor.transform,
        "grid": list(factor.grid),
        "chunk_length": factor.chunk_length,
        "table_length": table_bytes,
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
    for side in ("left", "right"):
        _check_basis(side, factors)
    mode = "direct" if names == ["residual"] else "+".join(names)
    if document["plan"]["mode"] != mode:
        _refuse("plan.mode", document["plan"]["mode"], mode)
    lengths = {"left": rows, "right": columns, "mean_row": columns, "mean_column": rows}
    for side in ("left", "right"):
        if f"{side}_basis" in factors:
            grid = factors[side]["grid"]
            lengths[f"{side}_basis"] = len(grid) * basis_stride(grid)
    if "residual" in factors:
        lengths["residual"] = _residual_length(factors["residual"], rows, columns)
    for name, record in factors.items():
        if record["transform"] == KLT and name not in ("left", "right"):
            _refuse(f"factors.{name}.transform", KLT, "one that needs no basis")
        _match(f"{name}.length", record["length"], lengths[name])
        if math.prod(record["grid"]) != record["length"]:
            _refuse(f"factors.{name}.grid", record["grid"], f"product {record['length']}")
        layer = math.prod(record["grid"][1:])
        one = record["chunk_length"] >= record["length"]
        if record["transform"] != "identity" and not one and record["chunk_length"] % layer:
            expected = f"a multiple of {layer}, whole layers of the grid, as it is transformed"
            _refuse(f"factors.{name}.chunk_length", record["chunk_length"], expected)
        if record["transform"] == KLT and not one:
            expected = f"at least {record['length']}, as its bases span all layers"
            _refuse(f"factors.{name}.chunk_length", record["chunk_length"], expected)
        if record["chunk_length"] % 8:  # older releases of fastjsonschema divide in floats
            _refuse(f"factors.{name}.chunk_length", record["chunk_length"], "a multiple of 8")
        _check_coding(name, record, rows, columns)
    if "left" in factors:
        components = factors["left"]["components"]
        _match("right.components", factors["right"]["components"], components)
    for name in MEANS & factors.keys():
        _match(f"{name}.components", factors[name]["components"], 1)


def _check_basis(side: str, factors: dict[str, Any]) -> None:
    """Vectors of a transform of bases: there where it is, and of its grid."""
    name = f"{side}_basis"
    needed = side in factors and factors[side]["transform"] == KLT
    if needed != (name in factors):
        found = f"{name} missing" if needed else name
        _refuse("factors", found, f"{name} where the transform of {side} is {KLT}, only there")
    if not needed:
        return
    record, grid = factors[name], factors[side]["grid"]
    if record["transform"] == KLT or record["coding"] != "rans":
        found = f"{record['transform']}, {record['coding']}"
        _refuse(f"factors.{name}.transform", found, f"another than {KLT}, coded as rans")
    _match(f"{name}.chunk_length", record["chunk_length"], basis_stride(grid))
    if record["grid"] != [record["length"]]:
        _refuse(f"factors.{name}.grid", record["grid"], [record["length"]])
    most = most_vectors(grid, factors[side]["components"])
    if record["components"] > most:
        _refuse(f"factors.{name}.components", record["components"], f"at most {most}")


def _residual_length(record: dict[str, Any], rows: int, columns: int) -> int:
    """Length of the residual's components: all entries in row order, or those of a column."""
    components = record["components"]
    if components == 1:
        return rows * columns
    if components != columns or record["coding"] != "rans":
        expected = f"1 or {columns}" if record["coding"] == "rans" else 1
        _refuse("factors.residual.components", components, expected)
    return rows


def _check_coding(name: str, record: dict[str, Any], rows: int, columns: int) -> None:
    coding, quantizer, components = record["coding"], record["quantizer"], record["components"]
    if quantizer not in GOES_WITH[coding]:
        expected = f"{' or '.join(GOES_WITH[coding])}, as the coding is {coding}"
        _refuse(f"factors.{name}.quantizer", quantizer, expected)
    expected_length = table_length(coding, quantizer, components)
    if expected_length is not None:
        _match(f"{name}.table_length", record["table_length"], expected_length)
        return
    if record["table_length"] == 0:
        _refuse(f"factors.{name}.table_length", 0, "at least 1")
    # Codes may take no bytes at all, so that nothing else bounds what a file claims to hold.
    if name in ("left", "right") and components > min(rows, columns):
        _refuse(f"factors.{name}.components", components, f"at most {min(rows, columns)}")


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
