"""The schema of metadata: every key by its kind, and the same names as model and specification."""

from __future__ import annotations

import dataclasses
import re

import pytest
from lplr_samples import read_all
from metadata_drafts import (
    DEFINITIONS,
    KEYS,
    OBJECTS,
    SPEC,
    draft,
    parent,
    path_schema,
    refused,
)

from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.kept import DENSE, KEPT_MODE, SPARSE, KeptEntries
from lplrcli.model.plan import METHODS, MODES, SKETCHES, CompressionPlan, Target
from lplrcli.model.report import ErrorReport


def wrong_kinds():
    for path in KEYS:
        kind = path_schema(path).get("type")
        for wrong in ([], "\x07", -5000, 1.5, True):
            right = {"number": 1.5, "boolean": True}.get(kind[0] if type(kind) is list else kind)
            if wrong is not right and wrong != right:
                yield pytest.param(path, wrong, id=f"{'.'.join(path)}-{wrong!r}")


@pytest.mark.parametrize(("path", "wrong"), list(wrong_kinds()))
def test_a_key_of_the_wrong_kind_is_refused_by_name(path, wrong):
    name = re.escape(".".join(path))
    refused(lambda d: parent(d, path).__setitem__(path[-1], wrong), name, path)


@pytest.mark.parametrize("path", [p for p, needed in KEYS.items() if needed], ids=".".join)
def test_a_missing_key_is_refused_by_name(path):
    refused(lambda d: parent(d, path).pop(path[-1]), path[-1], path)


@pytest.mark.parametrize("path", sorted(OBJECTS), ids=".".join)
def test_an_unknown_key_is_refused_by_name(path):
    refused(lambda d: parent(d, (*path, "")).__setitem__("novelty", 1), "novelty", path)


def test_user_takes_anything():
    free = draft()
    free.edit_json(lambda d: d.update(user={"a": [1, 2.5, None, {"b": "\x07"}]}))
    read_all(free.build())


def test_the_schema_has_the_fields_of_the_model():
    def names(cls):
        return {f.name for f in dataclasses.fields(cls)}

    assert set(DEFINITIONS["plan"]["properties"]) == names(CompressionPlan)
    assert set(DEFINITIONS["target"]["properties"]) == names(Target)
    assert set(DEFINITIONS["achieved"]["properties"]) == names(ErrorReport) - {"bytes_read"}
    kept = names(KeptEntries) - {"counts", "chunks"}
    assert set(DEFINITIONS["kept"]["properties"]) == kept
    elsewhere = {"coding_parameters", "quantizer_parameters", "chunks", "basis"}
    assert set(DEFINITIONS["factor"]["properties"]) == (
        names(QuantizedFactor) - elsewhere | {"table_length"}
    )


def test_the_schema_has_the_registries_of_the_specification():
    def registered(row):
        return re.findall(r"`([^`]+)`", re.search(rf"(?m)^\| {row} \|(.*)\|$", SPEC)[1])

    factor, plan = DEFINITIONS["factor"]["properties"], DEFINITIONS["plan"]["properties"]
    assert registered("quantizers") == factor["quantizer"]["enum"]
    assert registered("codings") == factor["coding"]["enum"]
    assert registered("transforms") == factor["transform"]["enum"]
    assert registered("dtypes") == DEFINITIONS["array"]["properties"]["dtype"]["enum"]
    methods = DEFINITIONS["target"]["properties"]["method"]["enum"]
    assert set(registered("methods")) == set(methods) and methods == list(METHODS)
    assert registered("bases") == plan["basis"]["enum"]
    assert DEFINITIONS["mode"]["enum"] == list(MODES)
    assert registered("modes") == plan["mode"]["enum"] == [*MODES, KEPT_MODE]
    forms = DEFINITIONS["kept"]["properties"]["form"]["enum"]
    assert registered("forms of kept entries") == forms == [DENSE, SPARSE]
    assert list(DEFINITIONS["predictions"]["properties"]) == [*MODES, "lossless"]
    assert [*registered("sketches"), None] == plan["sketch"]["enum"] == [*SKETCHES, None]


@pytest.mark.parametrize(
    "path", [p for p in KEYS if len(p) < 3 and p[0] != "factors"], ids=".".join
)
def test_every_key_is_in_the_specification(path):
    section = SPEC[SPEC.index("\n## `META`") : SPEC.index("\n## `COMP`")]
    assert f"**{path[0]}.**" in section
    assert len(path) == 1 or f"`{path[1]}`" in section


@pytest.mark.parametrize("key", DEFINITIONS["factor"]["properties"])
def test_every_key_of_a_factor_is_in_the_specification(key):
    assert re.search(rf"(?m)^`{key}`|^`.*`{key}`.*:", SPEC)


def test_an_unknown_key_cannot_make_the_message_long():
    refused(lambda d: d.update({"x" * 10000: 1}), r"^.{0,300}$")
