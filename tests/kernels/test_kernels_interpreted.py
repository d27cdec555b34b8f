"""Kernels as the Python they are written in do what their compiled form does.

A compiled kernel cannot be traced, so that this is also what coverage sees of kernels; under
``NUMBA_DISABLE_JIT=1`` both forms are the interpreted one.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.kernels import (
    contexts,
    deadzone,
    hadamard,
    lifting,
    packing,
    quantization,
    rans,
    sparse,
    statistics,
    substitution,
    trellis,
)
from lplrcli.model.rans_constants import (
    ABOVE,
    ACROSS,
    ALONG,
    AROUND,
    LANES,
    NO_CONTEXT,
    TAPS,
    TOKENS,
)
from lplrcli.planning.prices import TRELLIS_PRICE, normal_counts, prices
from lplrcli.quantize.codebooks import normal_codebook

RATES = prices(np.array([normal_counts(level, 2) for level in (-2.0, 1.0)]), TRELLIS_PRICE)
RNG = np.random.default_rng(5)
VALUES = RNG.standard_normal((6, 11)) * 3
LEVELS = RNG.integers(0, 2, VALUES.shape).astype(np.uint8)
CODES = np.rint(VALUES * np.geomspace(1, 1000, 11)).astype(np.int32)
"""Magnitudes of all kinds: those with a token of their own, and with extra bits up to 12."""

SMALL = np.clip(CODES, -9, 9)
INVERSE = np.linspace(0.5, 2, len(VALUES))
SPARSE = (np.array([0, 2, 2, 5]), np.array([1, 3, 0, 1, 2]), RNG.standard_normal(5))


@pytest.fixture
def interpreted(monkeypatch):
    """Replace every compiled kernel of every loaded module by its Python."""

    def replace():
        modules = [module for name, module in sys.modules.items() if name.startswith("lplrcli")]
        for module in modules:
            for name, thing in list(vars(module).items()):
                if hasattr(thing, "py_func"):
                    monkeypatch.setattr(module, name, thing.py_func)
        monkeypatch.setattr(trellis, "kernel", lambda function: function)
        trellis.trellis_codes.cache_clear()

    yield replace
    trellis.trellis_codes.cache_clear()


def model(context, unions, weights=40):
    """Entropy model under which every token can be coded."""
    count = 32 if context else 1
    tables = np.arange(2 * count * unions, dtype=np.uint8).reshape(2, count, unions) % 2
    listed = np.full(TOKENS, weights, np.uint8)
    listed[::3] -= 9
    steep = np.maximum(40 - np.arange(TOKENS) // 6, 2).astype(np.uint8)
    classes = np.array([0, 1, 0, 0, 1, 1], np.uint8)
    return EntropyModel(3 if unions == 2 else 0, context, classes, tables, (listed, steep))


def levels_of(codes, context, lines=(4, 2)):
    levels = np.empty(codes.shape, np.uint8)
    contexts.levels_around(codes, context, lines, levels)
    return levels


def walked(codes):
    """The codes, with the parities that the machine of 8 states gives."""
    out = np.zeros_like(codes)
    for lane in range(LANES):
        machine = 0
        for i in range(lane, len(codes), LANES):
            for t in range(codes.shape[1]):
                k, union = int(codes[i, t]), machine & 1
                out[i, t] = 2 * k + union
                machine = machine >> 1 ^ (TAPS[3][0] & -union) ^ (TAPS[3][1] & -(k & 1))
    return out


def coded(context, unions):
    """A chunk to its bytes, and back: the words, the states, and the codes decoded."""
    codes = walked(CODES) if unions == 2 else CODES
    known = model(context, unions)
    levels = levels_of(codes, context) if context >= AROUND else np.empty((0, 0), np.uint8)
    words, states = np.zeros(3 * codes.size, np.uint16), np.empty(LANES, np.uint32)
    counts = np.zeros((2, 32, unions, TOKENS), np.int64)
    extra = rans.count_tokens(codes, known.classes, unions, context, levels, counts)
    numbers, frequencies = known.table_numbers, known.frequencies
    place = rans.encode_lanes(
        *(codes, numbers, unions, context, levels, frequencies, known.starts, words, states)
    )
    symbols = np.array([np.repeat(np.arange(TOKENS, dtype=np.uint8), f) for f in frequencies])
    packed = frequencies << np.uint32(16) | known.starts
    fates = []
    for damaged in (words[place:], words[place:-4], np.append(words[place:], np.uint16(1))):
        back = np.zeros_like(codes)
        lines = (4, 2) if context >= AROUND else (2**62, 1)
        arguments = (damaged, states.copy(), numbers, known.taps, context, lines, symbols, packed)
        fates.append((rans.decode_lanes(*arguments, back), back))
    assert fates[0][0]
    np.testing.assert_array_equal(fates[0][1], codes)
    assert not fates[1][0]
    assert not fates[2][0]
    return [words, states, counts, extra, place, *(back for whole, back in fates if whole)]


def quantized(start, end):
    codes = np.zeros(VALUES.shape, np.int32)
    for lane in range(LANES):
        search = trellis.trellis_codes(3)
        search(VALUES, lane, INVERSE, RATES, LEVELS, codes, start, end)
    states = np.zeros(len(codes), np.int64)
    trellis.states_after(codes, (3, *TAPS[3]), states)
    return [codes, states]


def long_path():
    """One lane of more coefficients than a window has."""
    values = np.tile(VALUES, (1, 1 + (trellis.WINDOW + 40) // VALUES.size))[:1]
    values = np.tile(values, (1, 1 + (trellis.WINDOW + 40) // values.size))
    values = values[:, : trellis.WINDOW + 40]
    codes = np.zeros(values.shape, np.int32)
    levels = np.zeros(values.shape, np.uint8)
    trellis.trellis_codes(3)(values, 0, INVERSE[:1], RATES, levels, codes, 0, 5)
    return [codes]


def rounded():
    found = []
    for table in (RATES, np.zeros((1, 1), np.float32)):
        codes = np.zeros(11, np.int32)
        for i, row in enumerate(VALUES):
            deadzone.deadzone_codes(row, INVERSE[i], table, LEVELS[i] % len(table), codes)
            found.append(codes.copy())
    rough, sums = np.zeros(VALUES.shape, np.int32), np.zeros(7)
    deadzone.rough_codes(VALUES, INVERSE, rough)
    deadzone.cell_offsets(VALUES, INVERSE, SMALL, sums)
    out = np.empty(VALUES.shape)
    deadzone.stepped_values(CODES, INVERSE, np.array([0, -12, -5, 1]), out)
    return [*found, rough, sums, out]


def substituted(context, unions, reach):
    frequencies = np.ones((2, TOKENS), np.uint32)
    frequencies[:, [5, 6, 11]] = 0
    codes = SMALL.copy()
    numbers = model(context, unions).table_numbers
    values = VALUES[:, 2:]
    arguments = (values, INVERSE, numbers, frequencies, unions, context, reach, codes)
    return [substitution.substituted_codes(*arguments), codes]


def looked_up():
    book = normal_codebook(4)
    arguments = (book.thresholds, book.starts, book.reach)
    codes, even = np.empty(66, np.uint16), np.empty(66, np.uint16)
    flat = VALUES.ravel()
    quantization.nearest_codes(flat, 1.5, *arguments, codes)
    quantization.uniform_codes(flat, -4.0, 0.5, 15, even)
    one = even.copy()
    quantization.uniform_codes(flat, 1.0, 0.0, 0, one)
    error = quantization.quantization_error(flat, 1.5, *arguments, book.levels.astype(float))
    packed = np.empty(-(-66 * 5 // 8), np.uint8)
    packing.pack_codes(even, 5, packed)
    return [codes, even, one, error, packed]


def multiplied():
    indptr, indices, data = SPARSE
    x, y = RNG_FREE[:4], RNG_FREE[4:7]
    down, across, gram = np.zeros((3, 2)), np.zeros((4, 2)), np.zeros((4, 4))
    sparse.csr_times_dense(indptr, indices, data, x, down)
    sparse.csr_transposed_times_dense(indptr, indices, data, y, across)
    sparse.csr_gram(indptr, indices, data, gram)
    inner = sparse.csr_inner_product(indptr, indices, data, y, x)
    sketched = np.zeros((6, 3))
    columns = np.array([[0, 2], [1, 0], [2, 1]] * 4, np.int32)[:11]
    signs = np.array([[1.0, -1.0]] * 11)
    sparse.dense_times_sparse_sign(VALUES, columns, signs, sketched)
    return [down, across, gram, inner, sketched]


RNG_FREE = np.arange(14.0).reshape(7, 2) / 7


def transformed():
    flat = VALUES.ravel().copy()
    factors, gains = (-1.5, -0.05, 0.88, 0.44), (1.15, 0.87)
    lines = np.arange(6) * 11
    lifting.split_lines(flat, lines, 1, 11, factors, gains)
    apart = flat.copy()
    lifting.join_lines(flat, lines, 1, 11, factors, gains)
    np.testing.assert_allclose(flat, VALUES.ravel(), atol=1e-12)
    rows = VALUES[:, :8].copy()
    hadamard.hadamard_rows(rows)
    distance = statistics.squared_distance(VALUES[0], VALUES[1])
    return [apart, rows, *distance, statistics.sum_of_squares(VALUES[0])]


def surrounded():
    grids = [levels_of(CODES, context, lines) for context in (AROUND, ACROSS, ALONG)
             for lines in ((4, 2), (2, 2), (3, 1), (2**62, 1))]  # fmt: skip
    return [*grids, levels_of(CODES * 1000, ALONG)]


CASES = {
    "rans": lambda: coded(NO_CONTEXT, 1),
    "rans, trellis, above": lambda: coded(ABOVE, 2),
    "rans, above": lambda: coded(ABOVE, 1),
    "rans, around": lambda: coded(AROUND, 1),
    "rans, across": lambda: coded(ACROSS, 2),
    "rans, along": lambda: coded(ALONG, 1),
    "trellis": lambda: quantized(0, -1),
    "trellis to a state": lambda: quantized(0, 3),
    "trellis, two windows": long_path,
    "deadzone": rounded,
    "substitution": lambda: substituted(ABOVE, 1, 5),
    "substitution, trellis": lambda: substituted(NO_CONTEXT, 2, 5),
    "substitution, none": lambda: substituted(NO_CONTEXT, 1, 0),
    "codebooks": looked_up,
    "sparse": multiplied,
    "transforms": transformed,
    "contexts": surrounded,
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_compiled_and_interpreted_kernels_agree(case, interpreted):
    compiled = case()
    interpreted()
    for found, expected in zip(case(), compiled, strict=True):
        if np.asarray(expected).dtype.kind == "f":
            # Sums are added up in another order when compiled.
            np.testing.assert_allclose(found, expected, rtol=1e-12)
        else:
            np.testing.assert_array_equal(found, expected)
