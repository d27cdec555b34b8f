"""Fuzz the coding ``packed``: tables of ``COMP``, then a chunk of codes.

An input is a quantizer (1 byte), components (1), rows (1), and then the tables with the side and
the chunk. Tables and chunk are as long as the format demands where there are bytes enough.
"""

from __future__ import annotations

import numpy as np
from lplr_samples import factor
from messages import check_refusal

from lplrcli.coding import PackedCoding
from lplrcli.container.byte_layout import Section
from lplrcli.container.chunks import check_length, check_packed, packed_length
from lplrcli.container.component_tables import split_tables, table_length
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.quantize import QUANTIZERS

NAMES = ("uniform", "normal")
HEAD = 3


def seeds():
    for number, quantizer in enumerate(NAMES):
        for bits in ((), (1,), (2, 2), (3, 8, 16) if number else (3, 3, 3), (13,), (16,)):
            for rows in (8, 5):
                made = factor(rows, bits, quantizer)
                chunk = made.chunks[0] if bits else b""
                yield bytes([number, len(bits), rows]) + made.tables + made.side + chunk


def mutated(data, most, rng, mutate):
    """Change tables with side, or the chunk, and leave the other where it is; or all of it."""
    size = HEAD + (table_length("packed", NAMES[data[0] % 2], data[1]) if len(data) > 1 else 0)
    part = rng.randrange(3)
    if part == 0 or len(data) <= size:
        return mutate(data, most)
    if part == 1:
        return data[:size] + mutate(data[size:], most)
    content = mutate(data[HEAD:size] or b"\0", size)
    return data[:HEAD] + content.ljust(size - HEAD, b"\0")[: size - HEAD] + data[size:]


def one_input(data):
    if len(data) < HEAD:
        return
    quantizer, components, rows = NAMES[data[0] % 2], data[1], data[2] + 1
    size = table_length("packed", quantizer, components)
    content, rest = data[HEAD : HEAD + size], data[HEAD + size :]
    record = {
        "components": components,
        "quantizer": quantizer,
        "coding": "packed",
        "table_length": size,
    }
    try:
        if len(content) < size:  # the metadata says how many there are
            return
        tables, side = split_tables(content, {"left": record})["left"]
        payload = rest[: packed_length(tables, rows)]
        section = Section("LEFT", 0, 0, 0, 64, len(payload))
        check_length("packed", tables, section, rows)
        check_packed(tables, section, rows, payload)
    except CorruptSectionError as error:
        check_refusal(error)
        return
    made = QuantizedFactor(
        *(rows, components, quantizer, side, "packed", tables),
        *("identity", (rows,), -(-rows // 8) * 8, [payload]),
    )
    coding = PackedCoding.of(made)
    codes = coding.decode_chunk(payload, rows)
    assert coding.encode_chunk([part.astype(np.uint16) for part in codes]) == payload
    values = np.empty((components, rows))
    QUANTIZERS[quantizer].of(made).decode(codes, slice(None), values)
    assert not np.isnan(values).any()
