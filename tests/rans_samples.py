"""Factors of coding ``rans``, and their tables built field by field."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import naive
import numpy as np

from lplrcli.model.compressed import QuantizedFactor

SLOPE = [40, *(39 - min(t // 6, 37) for t in range(1, 231))]
"""Weights of all tokens, falling from the small codes to the large ones."""


def differences(content, lag=1):
    """Bytes as differences mod 256 from those `lag` before, as SPEC.md stores them."""
    return bytes((b - (content[i - lag] if i >= lag else 0)) % 256 for i, b in enumerate(content))


@dataclass
class Tables:
    """Tables of coding ``rans``, every field of which can be set; None means the right value."""

    machine: int
    context: int
    class_of: list
    table_of: list
    weights: list = field(default_factory=lambda: [SLOPE])
    classes: int | None = None
    count: int | None = None
    listed: int | None = None

    def build(self):
        classes = max(self.class_of, default=-1) + 1 if self.classes is None else self.classes
        count = len(self.weights) if self.count is None else self.count
        lists = []
        for weights in self.weights:
            listed = len(weights) if self.listed is None else self.listed
            lists.append(bytes([listed]) + differences(weights, lag=2))
        head = bytes([self.machine, self.context, classes, count])
        return head + differences(self.class_of) + differences(self.table_of) + b"".join(lists)


def tables_for(components, machine=0, context=0, classes=1, weights=(SLOPE,), seed=0):
    rng = np.random.default_rng(seed)
    if not components:
        return Tables(machine, context, [], [], []).build()
    size = classes * (32 if context else 1) * (2 if machine else 1)
    class_of = [*range(classes), *rng.integers(0, classes, components)][:components]
    size = (max(class_of) + 1) * size // classes
    table_of = rng.integers(0, len(weights), size)
    return Tables(
        machine, context, list(map(int, class_of)), list(map(int, table_of)), list(weights)
    ).build()


def scales(indices):
    """Scales of the components in two planes, low bytes and then high bytes."""
    raw = [struct.pack("<h", index) for index in indices]
    return bytes(r[0] for r in raw) + bytes(r[1] for r in raw)


def side_for(components, step=0.25, indices=None, shifts=(-12, -5, 1)):
    indices = [(-1) ** i * 3 * i for i in range(components)] if indices is None else indices
    return struct.pack("<d3b", step, *shifts) + scales(indices)


def random_codes(tables, components, rows, most=1, seed=0, grid=(1,)):
    """Codes of one chunk: every one with the parity that the machine of `tables` demands."""
    rng = np.random.default_rng(seed)
    walk = naive.RansWalk(tables, components, grid)
    codes = np.zeros((components, rows), np.int64)
    for component, row in naive.rans_order(components, rows):
        bits = int(rng.integers(0, most + 1))
        k = int(rng.integers(-(2**bits) + 1, 2**bits))
        codes[component, row] = walk.code(component, k)
        walk.step(component, int(codes[component, row]))
    return codes


def rans_factor(
    length, components, quantizer="trellis", chunk_length=8, most=3, seed=0,
    grid=None, transform="identity", **options,
):  # fmt: skip
    """A factor of random codes of up to `most` bits; options are those of `tables_for`."""
    grid = grid or (length,)
    if quantizer == "trellis":
        options.setdefault("machine", 3)
    tables = tables_for(components, seed=seed, **options)
    chunks = []
    for start in range(0, length if components else 0, chunk_length):
        rows = min(chunk_length, length - start)
        codes = random_codes(tables, components, rows, most, seed + start, grid)
        chunks.append(naive.rans_encode_chunk(codes, tables, grid))
    return QuantizedFactor(
        length=length,
        components=components,
        quantizer=quantizer,
        quantizer_parameters=side_for(components),
        coding="rans",
        coding_parameters=tables,
        transform=transform,
        grid=grid,
        chunk_length=chunk_length,
        chunks=chunks,
    )
