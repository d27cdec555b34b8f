"""A file whose metadata hold every key, the keys themselves, and a change that must be refused."""

from __future__ import annotations

import dataclasses
import json

import pytest
from lplr_samples import Draft, factorization, kept, of_bases, read_all, with_basis, written

from lplrcli.errors import CorruptSectionError
from lplrcli.runtime.format_files import format_folder

SCHEMA = json.loads((format_folder() / "metadata.schema.json").read_text(encoding="utf-8"))

SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")

DEFINITIONS = SCHEMA["definitions"]

OPTIONS = {"names": ["a"], "created": "2024-01-01T00:00:00+01:00"}

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
    if path[:1] == ("kept",):
        return Draft(written(kept("sparse", step=0.5), **OPTIONS))
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


def put(path, value):
    *parents, last = path.split(".")
    return lambda d: parent(d, (*parents, last)).__setitem__(last, value)
