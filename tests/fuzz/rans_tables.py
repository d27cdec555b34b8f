"""Fuzz the coding ``rans``: tables and side as they are once inflated, then a chunk of codes.

An input is a quantizer (1 byte), components (1), rows (1), extents of two inner axes of the grid
(2), the length of the chunk in words (1), the chunk, and then the tables with the side.
"""

from __future__ import annotations

import math

import numpy as np
from messages import check_refusal
from rans_samples import SLOPE, rans_factor

from lplrcli.coding import RansCoding
from lplrcli.container.byte_layout import Section
from lplrcli.container.chunks import check_length, check_rans
from lplrcli.container.entropy_tables import check_rans_tables
from lplrcli.container.quantizer_parameters import check_side
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.quantize import QUANTIZERS

NAMES = ("deadzone", "trellis")
HEAD = 6
SHORT = SLOPE[:15]
"""Weights of the tokens of codes of up to 3 bits: of all tokens, few inputs have them."""


def seeds():
    cases = [("deadzone", {"context": context}) for context in range(5)]
    cases += [("trellis", {"context": context, "machine": 3 + context}) for context in range(5)]
    cases += [("deadzone", {"most": 28}), ("trellis", {"machine": 8, "most": 20, "classes": 2})]
    for quantizer, options in cases:
        for components, grid in ((1, (8,)), (5, (2, 2, 3)), (2, (8, 5)), (0, (8,))):
            rows = math.prod(grid)
            weights = (SLOPE,) if options.get("most", 0) > 3 else (SHORT, SHORT)
            options = {"weights": weights} | options | ({"classes": 1} if components < 2 else {})
            made = rans_factor(rows, components, quantizer, 64, grid=grid, **options)
            chunk = made.chunks[0] if components else bytes(16)
            inner = (1, 1, *grid[1:])[-2:]
            head = [NAMES.index(quantizer), components, rows - 1, *inner, len(chunk) // 2 - 8]
            yield bytes(head) + chunk + made.tables + made.side


def mutated(data, most, rng, mutate):
    """Change one part and leave the others where they are, or all of it."""
    if len(data) < HEAD or rng.random() < 0.1:
        return mutate(data, most)
    end = HEAD + 16 + 2 * data[HEAD - 1]
    head, chunk, content = data[:HEAD], data[HEAD:end], data[end:]
    part = rng.randrange(5)
    if part == 0:
        head = mutate(head, HEAD).ljust(HEAD, b"\0")
    elif part < 3 and chunk:
        chunk = mutate(chunk, 16 + 2 * 255)
        chunk = chunk[: len(chunk) // 2 * 2].ljust(16, b"\0")
    else:
        content = mutate(content or b"\0", most)
    return head[: HEAD - 1] + bytes([(len(chunk) - 16) // 2 & 255]) + chunk + content


def one_input(data):
    if len(data) < HEAD:
        return
    number, components, last, height, width, words = data[:HEAD]
    quantizer, rows = NAMES[number % 2], last + 1
    payload = data[HEAD : HEAD + 16 + 2 * words]
    content = data[HEAD + len(payload) :]
    section = Section("LEFT", 0, 0, 0, 64, len(payload))
    try:
        middle = check_rans_tables(content, components, quantizer, "left")
        tables, side = content[:middle], content[middle:]
        check_side("left", quantizer, side, tables, components)
        check_length("rans", tables, section, rows)
        check_rans(tables, section, rows, payload)
        made = QuantizedFactor(
            *(rows, components, quantizer, side, "rans", tables),
            *("identity", (rows, max(height, 1), max(width, 1)), 256, [payload]),
        )
        coding = RansCoding.of(made)
        codes = coding.decode_chunk(payload, rows)
    except CorruptSectionError as error:
        check_refusal(error)
        return
    if components:
        assert coding.encode_chunk(codes) == payload
    assert np.abs(codes).max(initial=0) < 2**30
    values = np.empty((components, rows))
    QUANTIZERS[quantizer].of(made).decode(codes, slice(None), values)
    assert np.isfinite(values).all()
