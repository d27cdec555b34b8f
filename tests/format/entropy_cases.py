"""Fields of coding ``rans`` and of its quantizers, each broken alone, by heading of SPEC.md."""

from __future__ import annotations

import dataclasses

from lplr_samples import factorization
from rans_samples import SLOPE, Tables, rans_factor, side_for

COMPONENTS = 3
UNIFORM = [4, 4, 4, 4]
SOUND = Tables(3, 1, [0, 1, 1], [0, 1] * 64, [UNIFORM, SLOPE])
NONE = Tables(3, 1, [], [], [])
CROWDED = [47] * 119 + [1] * 111 + [47]
"""Of equal frequencies that are small, none can give what so many others take at least."""

SIDE = side_for(COMPONENTS, indices=[0, -9, 5])


def sample(quantizer="trellis"):
    """Factors of three components in entropy code, the left one with the tables `SOUND`."""
    return factorization((11, 9), (1,) * COMPONENTS, "factors+residual", quantizer)


def empty():
    """Factors without components."""
    return factorization((11, 9), (), "factors", "trellis")


def content(side=SIDE, tables=SOUND, **fields):
    """What the left factor of a sample holds in ``COMP``, some fields replaced."""
    return dataclasses.replace(tables, **fields).build() + side


def put(raw):
    return lambda draft: draft.edit_table(lambda _: raw)


def table(**fields):
    return put(content(**fields))


def weights(*listed, **fields):
    return table(weights=[UNIFORM, list(listed)], **fields)


def scale(index, step=0.25):
    return put(content(side_for(COMPONENTS, step, [0, index, 5])))


def cut(size):
    return put(content()[:size])


def chunk(change, tag="LEFT"):
    def edit(draft):
        draft[tag].payload = change(draft[tag].payload)

    return edit


BASE = {"trellis": sample(), "deadzone": sample("deadzone"), "empty": empty()}

# (heading, field) -> changes, each with words of the message and the sample it is made to
CASES = {
    ("Tables", ""): [
        (cut(0), "length of tables", "trellis"),
        (cut(3), "length of tables", "trellis"),
        (cut(6), "length of tables", "trellis"),
        (cut(134), "length of tables", "trellis"),
        (cut(len(SOUND.build()) - 1), "length of tables", "trellis"),
        (cut(len(SOUND.build())), "length of quantizer parameters", "trellis"),
        (put(content() + b"\0"), "length of quantizer parameters", "trellis"),
    ],
    ("Tables", "machine"): [
        (table(machine=0, table_of=[0] * 64), "machine", "trellis"),
        (table(machine=1), "machine", "trellis"),
        (table(machine=2), "machine", "trellis"),
        (table(machine=9), "machine", "trellis"),
        (table(machine=255), "machine", "trellis"),
        (table(machine=3), "machine", "deadzone"),
    ],
    ("Tables", "context"): [
        (table(context=5), "context", "trellis"),
        (table(context=32), "context", "trellis"),
    ],
    ("Tables", "classes"): [
        (table(classes=0, table_of=[]), "classes", "trellis"),
        (put(content(side_for(0), NONE, classes=1, table_of=[0])), "classes", "empty"),
    ],
    ("Tables", "frequency tables"): [
        (table(count=0, weights=[]), "tables", "trellis"),
        (put(content(side_for(0), NONE, weights=[SLOPE])), "tables", "empty"),
    ],
    ("Tables", "class"): [
        (table(class_of=[0, 2, 1], classes=2), "class", "trellis"),
        (table(class_of=[255, 0, 1], classes=2), "class", "trellis"),
    ],
    ("Tables", "context map"): [
        (table(table_of=[0] * 127 + [2]), "context map", "trellis"),
        (table(table_of=[0, 255] * 64), "context map", "trellis"),
    ],
    ("Frequency tables", "count"): [
        (weights(), "tokens in table 1", "trellis"),
        (table(weights=[[1] * 232, SLOPE]), "tokens in table 0", "trellis"),
    ],
    ("Frequency tables", "weight"): [
        (weights(4, 48, 4), "weight in table 1", "trellis"),
        (weights(255, 1), "weight in table 1", "trellis"),
        (weights(4, 4, 0), "last weight in table 1", "trellis"),
        (weights(0), "last weight in table 1", "trellis"),
    ],
    ("Frequency tables", "frequency"): [
        (weights(*CROWDED), "frequency in table 1", "trellis"),
    ],
    ("Chunks of `rans`", "states"): [
        (chunk(lambda raw: b"\xff\xff\0\0" + raw[4:]), "LEFT.*state of lane 0", "trellis"),
        (chunk(lambda raw: raw[:12] + bytes(4) + raw[16:]), "LEFT.*state of lane 3", "trellis"),
        (chunk(lambda raw: bytes(16), "RESD"), "RESD.*state of lane 0", "deadzone"),
    ],
    ("Chunks of `rans`", "words"): [
        (chunk(lambda raw: raw + b"\0"), "LEFT.*length of chunk 0", "trellis"),
        (chunk(lambda raw: raw[:14]), "LEFT.*length of chunk 0", "trellis"),
        (chunk(lambda raw: b"", "RESD"), "RESD.*length of chunk 0", "trellis"),
    ],
    ("Units and shifts", "step"): [
        (scale(0, 0.0), "step", "trellis"),
        (scale(0, -1.0), "step", "trellis"),
        (scale(0, float("inf")), "step", "trellis"),
        (scale(0, float("nan")), "step", "trellis"),
    ],
    ("Units and shifts", "scales"): [
        (scale(-8177), "scale", "trellis"),
        (scale(8192), "scale", "trellis"),
        (scale(-32768), "scale", "trellis"),
        (scale(8191, 2.0), "scale.*unit", "trellis"),
        (scale(-8176, 2.0**-60), "scale.*unit", "trellis"),
        (scale(8 * 960, 1 + 2.0**-52), "scale.*unit", "trellis"),
        (scale(-8 * 960, 1 - 2.0**-53), "scale.*unit", "trellis"),
    ],
}  # fmt: skip

DECODED = {("Chunks of `rans`", "end of the chunk"), ("Units and shifts", "shifts")}
"""Fields that only decoding a chunk can find wrong, and one that cannot be wrong."""


def sound():
    """A sample whose left factor has tables of every kind of field."""
    left = rans_factor(11, COMPONENTS, "trellis", context=1, classes=2, weights=(SLOPE, [30] * 231))
    return dataclasses.replace(BASE["trellis"], left=left)
