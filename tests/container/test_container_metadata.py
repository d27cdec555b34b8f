"""Metadata: every key of the schema, the arithmetic between them, and bounds on the text."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import time

import pytest
import zstandard
from lplr_samples import Draft, factorization, of_bases, read_all, with_basis, written
from reference import decode, decoded

from lplrcli.container import metadata_budget
from lplrcli.container.metadata_text import MAX_COMPRESSED, MAX_INFLATED
from lplrcli.container.reader import open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.container.section_writer import SectionWriter
from lplrcli.container.writer import heads_of, write_matrix
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.plan import METHODS, MODES, SKETCHES, CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.runtime.format_files import format_folder

SCHEMA = json.loads((format_folder() / "metadata.schema.json").read_text(encoding="utf-8"))
SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")
DEFINITIONS = SCHEMA["definitions"]
OPTIONS = {"names": ["a"], "created": "2024-01-01T00:00:00+01:00"}
HUGE = 2**63
BASES = written(
    dataclasses.replace(with_basis(), right=of_bases((3, 3), vectors=3)),
    **OPTIONS,
)


def draft():
    sample = factorization(mode="factors+residual", means=("row", "column"))
    return Draft(written(sample, **OPTIONS))


def draft_for(path):
    """One that holds what a path names."""
    if path[1:2] in (("left_basis",), ("right_basis",)):
        return Draft(BASES)
    return draft()


def resolve(schema):
    while "$ref" in schema:
        schema = DEFINITIONS[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def keys(schema, path=()):
    schema = resolve(schema)
    for name, value in schema.get("properties", {}).items():
        yield (*path, name), name in schema.get("required", ())
        yield from keys(value, (*path, name))


KEYS = dict(keys(SCHEMA))
OBJECTS = {path[:-1] for path in KEYS}


def parent(document, path):
    for key in path[:-1]:
        document = document.setdefault(key, {})
    return document


def refused(change, words, path=()):
    spoilt = draft_for(path)
    spoilt.edit_json(change)
    with pytest.raises(CorruptSectionError, match=words) as caught:
        read_all(spoilt.build())
    assert caught.value.section == "META"
    assert str(caught.value).count("\n") <= 1


def path_schema(path):
    schema = SCHEMA
    for key in path:
        schema = resolve(resolve(schema)["properties"][key])
    return schema


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


def put(path, value):
    *parents, last = path.split(".")
    return lambda d: parent(d, (*parents, last)).__setitem__(last, value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("matrix.shape", [19, 11], "array.shape"),
        ("matrix.shape", [19, HUGE], "matrix.shape"),
        ("matrix.shape", [2**40, 2**40], "matrix.shape"),
        ("matrix.shape", [0, 10], "matrix.shape"),
        ("matrix.shape", [19], "matrix.shape"),
        ("matrix.unfold", 0, "array.shape"),
        ("matrix.unfold", 3, "matrix.unfold"),
        ("array.shape", [10, 19], "array.shape"),
        ("array.shape", [], "array.shape"),
        ("array.shape", [1] * 33, "array.shape"),
        ("array.dtype", "complex64", "array.dtype"),
        ("plan.mode", "factors", "plan.mode"),
        ("plan.mode", "direct", "plan.mode"),
        ("plan.exponent", 1101, "plan.exponent"),
        ("plan.seed", 2**64, "plan.seed"),
        ("plan.target.bits", 17, "plan.target.bits"),
        ("plan.target.method", "other", "plan.target.method"),
        ("plan.target.method", "rate-distortion", None),
        ("plan.target.bits", None, None),
        ("plan.target.bits_right", None, None),
        ("plan.target.size", 0, "plan.target.size"),
        ("plan.target.size", 1, None),
        ("plan.target.size", HUGE, "plan.target.size"),
        ("plan.target.size", None, "plan.target.size"),
        ("plan.target.relative_error", -0.1, "plan.target.relative_error"),
        ("plan.target.relative_error", 0, None),
        ("plan.target.max_abs_error", -0.1, "plan.target.max_abs_error"),
        ("plan.target.max_abs_error", 1e300, None),
        ("plan.target.mode", "direct", None),
        ("plan.target.mode", "other", "plan.target.mode"),
        ("plan.predictions", {}, None),
        ("plan.predictions", None, "plan.predictions"),
        ("plan.predictions.lossless", 8, None),
        ("plan.predictions.direct", -1, "plan.predictions.direct"),
        ("plan.predictions.other", 1, "plan.predictions.*other"),
        ("achieved.source_norm", 10**19, None),
        ("achieved.source_norm", -1e-9, "achieved.source_norm"),
        ("factors.left.length", 18, "factors.left.length"),
        ("factors.right.length", 11, "factors.right.length"),
        ("factors.residual.length", 191, "factors.residual.length"),
        ("factors.left.grid", [18], "factors.left.grid"),
        ("factors.left.grid", [2**32, 2**32, 19], "factors.left.grid"),
        ("factors.left.grid", [1, 19], None),
        ("factors.left.chunk_length", 4, "factors.left.chunk_length"),
        ("factors.left.chunk_length", 12, "factors.left.chunk_length"),
        ("factors.left.chunk_length", 2**62 + 1, "factors.left.chunk_length"),
        ("factors.left.chunk_length", 24, "LEFT.*number of chunks"),
        ("factors.left.components", 3, "factors.left.table_length"),
        ("factors.left.components", 2**31, "factors.left.components"),
        ("factors.left.table_length", 5, "factors.left.table_length"),
        ("factors.left.quantizer", "uniform", "factors.left.table_length"),
        ("factors.left.quantizer", "trellis", "factors.left.quantizer"),
        ("factors.left.quantizer", "other", "factors.left.quantizer"),
        ("factors.left.coding", "rans", "factors.left.quantizer"),
        ("factors.left.coding", "other", "factors.left.coding"),
        ("factors.left.transform", "dst", "factors.left.transform"),
        ("factors.left.transform", "dct", None),
        ("factors.left.transform", "cdf97", None),
        ("factors.mean_row.length", 19, "factors.mean_row.length"),
        ("factors.mean_column.length", 10, "factors.mean_column.length"),
        ("plan.target.center", "both", None),
        ("plan.target.center", "auto", "plan.target.center"),
        ("plan.target.passes", 1, None),
        ("plan.target.passes", None, "plan.target.passes"),
        ("plan.basis", "single-pass", None),
        ("achieved.estimator", "gaussian-rows", None),
        ("achieved.estimator", None, "achieved.estimator"),
        ("achieved.bytes_read", 1, "achieved.*bytes_read"),
        ("factors", {}, "factors"),
        ("source.sha256", "0" * 63, "source.sha256"),
        ("source.name", "x" * 4097, "source.name"),
        ("source.name", "\ud800", "source.name"),
        ("created", "yesterday", "created"),
        ("created", "2024-01-01T00:00:00Z\n", "created"),
    ],
)
def test_values_and_arithmetic(path, value, words):
    if words is None:
        free = draft()
        free.edit_json(put(path, value))
        read_all(free.build())
    elif "chunks" in words:
        spoilt = draft()
        spoilt.edit_json(put(path, value))
        with pytest.raises(CorruptSectionError, match=words):
            read_all(spoilt.build())
    else:
        refused(put(path, value), words)


def test_factors_belong_together():
    refused(lambda d: d["factors"].pop("left"), "factors.*both or neither")
    refused(lambda d: d["factors"].pop("right"), "factors.*both or neither")
    refused(lambda d: d["factors"].pop("residual"), "plan.mode")
    right = {"components": 1, "table_length": 3}
    refused(lambda d: d["factors"]["right"].update(right), "factors.right.components")
    for name in ("mean_row", "mean_column"):
        two = {"components": 2, "table_length": 6}
        refused(lambda d: d["factors"][name].update(two), f"factors.{name}.components")  # noqa: B023
    residual = {"components": 2, "table_length": 6}
    refused(lambda d: d["factors"]["residual"].update(residual), "factors.residual.components")


def test_arrays_of_more_axes_are_read_as_matrices():
    free = draft()
    free.edit_json(lambda d: d["array"].update(shape=[19, 2, 5]))
    read_all(free.build())
    free.edit_json(lambda d: (d["array"].update(shape=[1, 19, 2, 5]), d["matrix"].update(unfold=2)))
    read_all(free.build())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[" * 33 + b"]" * 33, "nested too deep"),
        (b"[" * MAX_INFLATED, "too many values|nested too deep"),
        (b'{"user":' + b"[" * 32, "nested too deep"),
        (b"[" + b"0," * (1 << 20) + b"0]", "too many values"),
        (b'"' + b'\\"' * (4 << 20), "not JSON"),
        (b'{"tool":"a","tool":"b"}', "duplicate key.*tool"),
        (b'{"user":{"x":1,"x":1}}', "duplicate key.*x"),
        (b'{"tool":NaN}', "NaN"),
        (b'{"tool":-Infinity}', "Infinity"),
        (b'{"tool":1e999}', "number out of range"),
        (b'{"tool":' + b"9" * 5000 + b"}", "integer too long"),
        (b'{"tool":"\xff"}', "not UTF-8"),
        ('{"tool":"a"}'.encode("utf-16"), "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"", "not JSON"),
        (b"{} x", "not JSON"),
        (b"[]", "object"),
        (b"null", "object"),
    ],
    ids=[
        "33 arrays deep",
        "16 million arrays deep",
        "an object and 32 arrays deep",
        "a million values",
        "escapes without an end",
        "a key twice",
        "a key of an inner object twice",
        "NaN",
        "minus infinity",
        "1e999",
        "5000 digits",
        "not UTF-8",
        "UTF-16",
        "a byte order mark",
        "nothing",
        "text after it",
        "an array",
        "null",
    ],
)
def test_text_is_bounded_and_strict(text, words):
    spoilt = draft()
    spoilt.set_json(text)
    raw = spoilt.build()
    start = time.perf_counter()
    with pytest.raises(CorruptSectionError, match=words):
        read_all(raw)
    assert time.perf_counter() - start < 10  # linear time, whatever the text


compress = zstandard.ZstdCompressor().compress
SKIPPABLE = bytes.fromhex("502a4d18 04000000 00000000")
UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress(b"{}")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (compress(bytes(MAX_INFLATED + 1)), "inflates too far"),
        (compress(bytes(1 << 30)), "inflates too far"),
        (bytes(MAX_COMPRESSED + 1), "length"),
        (UNSIZED, "content size"),
        (compress(b"{}") + b"\0", "zstd frame"),
        (compress(b"{}") * 2, "zstd frame"),
        (SKIPPABLE + compress(b"{}"), "zstd frame"),
        (compress(b"{}")[:-1], "zstd frame"),
        (compress(b"{}")[:4], "zstd frame"),
        (b"", "zstd frame"),
        (b"{}", "zstd frame"),
        (bytes.fromhex("28b52ffd807802000000110000") + b"{}", "window too large"),
        (bytes.fromhex("28b52ffd80f002000000110000") + b"{}", "zstd frame"),
        (bytes.fromhex("28b52ffd210702110000") + b"{}", "dictionary"),
    ],
    ids=[
        "one byte too much",
        "far too much",
        "a long frame",
        "no content size",
        "a byte after it",
        "two frames",
        "a skippable frame",
        "a byte missing",
        "magic alone",
        "nothing",
        "no frame",
        "a window too large",
        "a large window",
        "a dictionary",
    ],
)
def test_one_bounded_frame(payload, words):
    spoilt = draft()
    spoilt["META"].payload = payload
    with pytest.raises(CorruptSectionError, match=words):
        read_all(spoilt.build())


def test_metadata_of_all_matrices_together_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(metadata_budget, "MOST_TOGETHER", 1 << 20)
    monkeypatch.setattr(decode, "MOST_METADATA", 1 << 20)
    f = factorization((8, 8), (1,), "factors")
    heads = heads_of(f, user={"a": "x" * 250_000})
    sections = SectionWriter(io.BytesIO())
    for i in range(5):
        write_matrix(sections, i, f, heads)
    with pytest.raises(CorruptSectionError, match="all matrices"):
        sections.finish()
    spoilt = Draft(written(*[f] * 6))
    metas = [section for section in spoilt.sections if section.tag == b"META"]
    for section in metas[:4]:
        section.payload = heads["META"]
    # Of the fifth nothing is right but the size that it states: it is not inflated.
    metas[4].payload = heads["META"][:20] + bytes(200)
    raw = spoilt.build()
    with open_container(io.BytesIO(raw), "a.lplr") as container:
        for i in (0, 1, 2, 3, 0, 5):
            assert container.metadata(i)["array"]["shape"] == [8, 8]
        with pytest.raises(CorruptSectionError, match="all matrices") as caught:
            container.metadata(4)
        assert caught.value.offset == container.sections_of(4)["META"][0].offset
    salvage = salvage_container(io.BytesIO(raw[:-8]), "a.lplr")
    assert [salvage.factorization(i).shape for i in (0, 1, 2, 3, 0, 5)] == [(8, 8)] * 6
    with pytest.raises(CorruptSectionError, match="all matrices"):
        salvage.factorization(4)
    with pytest.raises(decode.LplrError, match="META, alone or with others: content over"):
        decoded(raw, tmp_path)


def test_a_large_file_may_have_more_metadata():
    assert decode.MOST_METADATA == metadata_budget.MOST_TOGETHER
    for file_bytes, most in ((1, 64 << 20), (8 << 20, 64 << 20), (10**9, 8 * 10**9)):
        metadata_budget.check_total(most, file_bytes)
        with pytest.raises(CorruptSectionError, match=str(most + 1)):
            metadata_budget.check_total(most + 1, file_bytes)


def test_the_schema_has_the_fields_of_the_model():
    def names(cls):
        return {f.name for f in dataclasses.fields(cls)}

    assert set(DEFINITIONS["plan"]["properties"]) == names(CompressionPlan)
    assert set(DEFINITIONS["target"]["properties"]) == names(Target)
    assert set(DEFINITIONS["achieved"]["properties"]) == names(ErrorReport) - {"bytes_read"}
    elsewhere = {"tables", "side", "chunks", "basis"}
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
    modes = DEFINITIONS["mode"]["enum"]
    assert registered("modes") == modes == list(MODES)
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
