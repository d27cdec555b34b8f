"""Fuzz the payload of ``META``: frame, JSON, schema and arithmetic, then what is made of it.

The first byte says the version of the file (two bits), and whether the rest is the payload itself
or the JSON of which one is made.
"""

from __future__ import annotations

import json
import math
from copy import deepcopy

import zstandard
from lplr_samples import Draft, factorization, kept, with_basis, written
from messages import check_refusal

from lplrcli.container.byte_layout import FIRST_VERSION, VERSION
from lplrcli.container.metadata import check_metadata, plan_of, report_of
from lplrcli.container.metadata_text import parse_text
from lplrcli.container.zstd_frames import metadata_dictionary
from lplrcli.errors import CorruptSectionError

VERSIONS = (FIRST_VERSION, VERSION, (VERSION[0], VERSION[1] + 1), (0, 2))
PLAIN = 4
"""Of the first byte: what follows is JSON."""

NUMBERS = (0, 1, -1, 2, 7, 8, 16, 31, 32, 33, 255, 2**20, 2**20 + 1, 2**31 - 1, 2**32, 2**62)
NUMBERS += (2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**19, -(10**18), 10**30, 0.0, -0.0, 0.5, 1e308)
VALUES = (*NUMBERS, None, True, False, "", "\x1b[2J", "\u202e", [], {}, [1], [0], {"": 0})


def documents():
    """Metadata of files of every kind."""
    cases = [
        factorization((9, 4), (2, 1)),
        factorization((9, 4), mode="direct"),
        factorization((9, 5), (1,) * 4, "factors+residual", "trellis", means=("row", "column")),
        factorization((3, 2), ()),
        with_basis(),
        kept("sparse", step=0.5),
    ]
    return [Draft(written(case)).json() for case in cases]


def seeds():
    compressor = zstandard.ZstdCompressor(dict_data=metadata_dictionary())
    for document in documents():
        text = json.dumps(document, separators=(",", ":")).encode()
        for version in (0, 1, 2):
            yield bytes([PLAIN + version]) + text
        yield b"\1" + compressor.compress(text)
        yield b"\0" + zstandard.ZstdCompressor().compress(text)
    yield bytes([PLAIN]) + b'{"user": {"a": [{}, {"b": "\\u0000\\ud800"}], "c": 1.5e3, "d": null}}'


def mutated(data, most, rng, mutate):
    if len(data) < 2 or not data[0] & PLAIN or rng.random() < 0.5:
        return mutate(data, most)
    try:
        document = json.loads(data[1:])
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict | list):
        return mutate(data, most)
    for _ in range(rng.choice((1, 1, 2, 3))):
        change_value(document, rng)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=rng.random() < 0.5)
    return data[:1] + text.encode("utf-8", "surrogatepass")


def change_value(document, rng):
    """Change, remove, add or double a value somewhere in a document."""
    places = list(places_of(document))
    if not places:
        return
    holder, key = rng.choice(places)
    kind = rng.randrange(6)
    if kind == 0:
        holder[key] = a_value(rng)
    elif kind == 1 and isinstance(holder[key], int):
        holder[key] += rng.choice((-1, 1, 8, -8))
    elif kind == 2:
        del holder[key]
    elif kind == 3 and isinstance(holder, list):
        holder.insert(key, a_value(rng))
    elif kind == 4 and isinstance(holder, dict):
        name = rng.choice(("user", "created", "name", "predictions", "size", key + "x"))
        holder[name] = a_value(rng)
    else:
        source, name = rng.choice(places)
        holder[key] = json.loads(json.dumps(source[name]))


def a_value(rng):
    """One of `VALUES`, which further changes to the document leave as they are."""
    return deepcopy(rng.choice(VALUES))


def places_of(value):
    """Every place of a document: what holds it, and key or index."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places_of(inner)


def one_input(data):
    if not data:
        return
    version, rest = VERSIONS[data[0] & 3], data[1:]
    if data[0] & PLAIN:
        rest = zstandard.ZstdCompressor(level=1).compress(rest)
    try:
        document = check_metadata(parse_text(rest, version), version)
    except CorruptSectionError as error:
        check_refusal(error)
        assert error.section == "META"
        return
    plan, report = plan_of(document), report_of(document)
    assert math.isfinite(report.relative_frobenius_error)
    assert -1100 <= plan.exponent <= 1100
    json.dumps(document, allow_nan=False)
