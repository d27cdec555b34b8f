"""Features of later versions of the format, which a file of an earlier one must not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lplrcli.container.byte_layout import FIRST_MINOR, FIRST_VERSION, METADATA, VERSION
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import Factorization
from lplrcli.model.kept import KEPT_MODE

NEW_METHODS = ("rate-distortion",)
NEW_TARGETS = ("size", "relative_error", "max_abs_error", "mode", "transform", "center", "passes")
NEW_BASES = ("single-pass",)
NEW_FACTORS = ("mean_row", "mean_column")
NEW_QUANTIZERS = ("deadzone", "trellis")
NEW_CODINGS = ("rans",)
NEW_TRANSFORMS = ("dct", "cdf97", "cdf97-tensor", "klt")


def check_features(document: dict[str, Any], version: tuple[int, int]) -> None:
    """Check that metadata valid under the schema holds nothing newer than its file's version.

    Raises
    ------
    CorruptSectionError
        Something is newer; the message names the key.
    """
    newer = list(_newer_than_first(document)) if version == FIRST_VERSION else []
    if version <= FIRST_MINOR:
        newer += _newer_than_1_0(document)
    for key, found in newer:
        known = ".".join(map(str, version))
        raise CorruptSectionError(
            f"wrong metadata: {key}",
            section=METADATA,
            found=found,
            expected=f"what version {known} of the format knows",
        )


def version_needed(factorizations: Iterable[Factorization]) -> tuple[int, int]:
    """Return the least version of the format, from 1.0 on, that holds these matrices."""
    newer = any(factorization.kept is not None for factorization in factorizations)
    return VERSION if newer else FIRST_MINOR


def _newer_than_1_0(document: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the keys and values of `document` that came with version 1.1."""
    if "kept" in document:
        yield "kept", "an object"
    if document["plan"]["mode"] == KEPT_MODE:
        yield "plan.mode", KEPT_MODE
    if not document["factors"]:
        yield "factors", "none"


def _newer_than_first(document: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the keys and values of `document` that came with version 0.2."""
    plan = document["plan"]
    target = plan["target"]
    if target["method"] in NEW_METHODS:
        yield "plan.target.method", target["method"]
    for key in ("bits", "bits_right"):
        if target[key] is None:
            yield f"plan.target.{key}", "null"
    for key in NEW_TARGETS:
        if key in target:
            yield f"plan.target.{key}", target[key]
    if plan["basis"] in NEW_BASES:
        yield "plan.basis", plan["basis"]
    if "predictions" in plan:
        yield "plan.predictions", "an object"
    if "estimator" in document["achieved"]:
        yield "achieved.estimator", document["achieved"]["estimator"]
    for name, record in document["factors"].items():
        if name in NEW_FACTORS:
            yield f"factors.{name}", "an object"
        if record["quantizer"] in NEW_QUANTIZERS:
            yield f"factors.{name}.quantizer", record["quantizer"]
        if record["coding"] in NEW_CODINGS:
            yield f"factors.{name}.coding", record["coding"]
        if record["transform"] in NEW_TRANSFORMS:
            yield f"factors.{name}.transform", record["transform"]
