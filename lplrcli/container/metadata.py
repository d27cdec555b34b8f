"""Metadata of one matrix: from a `Factorization`, to JSON, checked, and back (SPEC.md, META)."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any

from lplrcli.container.byte_layout import CHUNK_TAGS, is_later
from lplrcli.container.kept_layout import check_kept
from lplrcli.container.metadata_checks import check_factors, check_shapes, refuse
from lplrcli.container.schema import check_schema, known_part
from lplrcli.container.versions import check_features, version_needed
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.kept import KeptEntries
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.version import __version__

MAX_NAME = 4096
ALWAYS_ASKED = ("method", "rank", "bits", "bits_right")
"""Keys of ``plan.target`` that are there even if null."""

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
        Anything that is to be kept with the matrix.

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
            part: _describe_factor(f.parts[part], table_lengths[part])
            for part in CHUNK_TAGS
            if part in f.parts
        },
        **({} if f.kept is None else {"kept": _describe_kept(f.kept)}),
        "source": source,
        "tool": f"lplr {__version__}",
    }
    if created is not None:
        document["created"] = created
    if user is not None:
        document["user"] = user
    return check_metadata(document, version_needed([f]))


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
                refuse(f"{path}.{key}", value, "a finite number")
    check_features(document, version)
    check_shapes(document)
    if "kept" in document:
        check_kept(document)
    check_factors(document)
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


def _describe_kept(kept: KeptEntries) -> dict[str, Any]:
    record: dict[str, Any] = {"form": kept.form, "chunk_rows": kept.chunk_rows}
    record["entries"] = kept.entries
    return record if kept.step is None else record | {"step": kept.step}


def _printable(text: str) -> str:
    # Names reach terminals, and a file name may hold anything: only harmless characters go in.
    return _UNPRINTABLE.sub("\ufffd", text)[:MAX_NAME]
