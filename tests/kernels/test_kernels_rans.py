"""The entropy coder, byte for byte against its slow twin; damage is found, never read."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rans_samples import SLOPE, random_codes, tables_for

from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.coding.rans import RansCoding, levels_of
from lplrcli.errors import CorruptSectionError
from lplrcli.kernels.contexts import context_of, level_of, levels_around
from lplrcli.kernels.rans import count_tokens, token_of
from lplrcli.model.rans_constants import (
    ABOVE,
    ACROSS,
    ALONG,
    AROUND,
    CONTEXTS,
    NO_CONTEXT,
    TOKENS,
    lines_of,
)

PEAKED = [47, 3, 3, *([1] * 228)]
"""One token takes nearly all of the slots, every other a single one."""


def coding(tables, components, grid=(1,)):
    return RansCoding(EntropyModel.from_bytes(tables, components), grid)


GRIDS = (
    st.lists(st.integers(1, 6), min_size=1, max_size=4)
    .map(tuple)
    .filter(lambda grid: math.prod(grid) <= 60)
)


@st.composite
def slabs(draw):
    """A grid, and the entries of a chunk of it: whole layers of the first axis."""
    grid = draw(GRIDS)
    layer = math.prod(grid[1:])
    layers = draw(st.integers(1, grid[0]))
    return grid, layers * layer


@st.composite
def chunks(draw):
    """Codes of any size for any machine, classes and contexts, and their tables."""
    components = draw(st.integers(1, 9))
    grid, rows = draw(slabs())
    seed = draw(st.integers(0, 2**32 - 1))
    tables = tables_for(
        components,
        machine=draw(st.sampled_from([0, 3, 4, 5, 6, 7, 8])),
        context=draw(st.sampled_from([NO_CONTEXT, ABOVE, AROUND, ACROSS, ALONG])),
        classes=draw(st.integers(1, 3)),
        weights=draw(st.sampled_from([[SLOPE], [SLOPE, PEAKED], [PEAKED]])),
        seed=seed,
    )
    codes = random_codes(tables, components, rows, draw(st.integers(0, 28)), seed, grid)
    return codes, tables, grid


@given(chunks())
@settings(deadline=None)
def test_bytes_are_those_of_the_slow_twin_and_codes_come_back(case):
    codes, tables, grid = case
    found = coding(tables, len(codes), grid)
    payload = found.encode_chunk(codes.astype(np.int32))
    assert payload == naive.rans_encode_chunk(codes, tables, grid)
    np.testing.assert_array_equal(found.decode_chunk(payload, codes.shape[1]), codes)


@pytest.mark.parametrize("machine", [0, 8])
@pytest.mark.parametrize("k", [2**29 - 1, -(2**29) + 1, 2**16, -(2**16), 15, 16, -16, 0])
def test_the_largest_codes_come_back(machine, k):
    tables = tables_for(3, machine=machine)
    codes = np.array([[2 * k if machine else k]] * 3, np.int32)
    found = coding(tables, 3)
    payload = found.encode_chunk(codes)
    assert payload == naive.rans_encode_chunk(codes, tables)
    np.testing.assert_array_equal(found.decode_chunk(payload, 1), codes)


def test_a_symbol_that_always_comes_takes_no_bits():
    tables = tables_for(2, weights=[[1]])
    codes = np.zeros((2, 5000), np.int32)
    payload = coding(tables, 2).encode_chunk(codes)
    assert payload == 4 * (2**16).to_bytes(4, "little")
    np.testing.assert_array_equal(coding(tables, 2).decode_chunk(payload, 5000), codes)


def verdict(decode, error):
    """Codes, or None where the chunk is refused."""
    try:
        return np.asarray(decode()).tolist()
    except error:
        return None


@given(chunks(), st.data())
@settings(deadline=None)
def test_damage_gets_the_verdict_of_the_slow_twin(case, data):
    # States below 2**16 and odd lengths are refused when the file is read, before decoding.
    codes, tables, grid = case
    payload = bytearray(naive.rans_encode_chunk(codes, tables, grid))
    change = data.draw(st.sampled_from(["flip", "cut", "grow", "zero", "noise"]))
    if change == "flip":
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    elif change == "cut":
        del payload[16 + 2 * data.draw(st.integers(0, (len(payload) - 16) // 2)) :]
    elif change == "grow":
        payload += data.draw(st.binary(min_size=1, max_size=4)) * 2
    elif change == "zero":
        payload[16:] = bytes(len(payload) - 16)
    else:
        payload[:] = data.draw(st.binary(min_size=len(payload), max_size=len(payload)))
    for lane in range(4):  # of a sound size
        payload[4 * lane + 2] |= 1
    rows = codes.shape[1]
    chunk = bytes(payload)
    count = len(codes)
    expected = verdict(
        lambda: naive.rans_decode_chunk(chunk, tables, count, rows, grid), ValueError
    )
    found = verdict(
        lambda: coding(tables, count, grid).decode_chunk(chunk, rows), CorruptSectionError
    )
    assert found == expected


@pytest.mark.parametrize("cut", [2, 4, 100])
def test_a_chunk_cut_short_is_refused(cut):
    tables = tables_for(5, machine=3, context=1)
    codes = random_codes(tables, 5, 400, 6)
    payload = naive.rans_encode_chunk(codes, tables)
    with pytest.raises(CorruptSectionError, match="does not decode to its end"):
        coding(tables, 5).decode_chunk(payload[:-cut], 400)
    with pytest.raises(CorruptSectionError, match="does not decode to its end"):
        coding(tables, 5).decode_chunk(payload + bytes(cut), 400)
    with pytest.raises(CorruptSectionError, match="does not decode to its end"):
        coding(tables, 5).decode_chunk(payload, 401)


@given(st.integers(-(2**29) + 1, 2**29 - 1))
@settings(deadline=None)
def test_tokens_are_those_of_the_specification(k):
    assert token_of(k) == naive.rans_token(k)[0]


def test_every_token_is_some_integers():
    found = {token_of(s * (m << e)) for e in range(27) for m in range(8) for s in (-1, 1)}
    assert found | {token_of(s * m) for m in range(32) for s in (-1, 1)} == set(range(TOKENS))


@given(st.integers(-(2**30) + 1, 2**30 - 1), st.integers(-(2**30) + 1, 2**30 - 1))
@settings(deadline=None)
def test_contexts_are_sign_and_octave(above, second):
    weighted = 2 * above + second
    expected = min(abs(weighted).bit_length(), 15) + (16 if weighted < 0 else 0)
    assert context_of(above, second) == expected
    assert 0 <= context_of(above, second) < CONTEXTS


@given(st.integers(0, 2**33))
@settings(deadline=None)
def test_levels_are_half_octaves(weight):
    assert level_of(weight) == naive.rans_level(weight)


def test_levels_ascend_and_reach_from_nothing_to_the_last_context():
    weights = [0, 1, *(m << e for e in range(17) for m in (2, 3))]
    assert [level_of(weight) for weight in weights] == [*range(CONTEXTS), *[CONTEXTS - 1] * 4]


@given(
    slabs(),
    st.sampled_from([AROUND, ACROSS, ALONG]),
    st.integers(1, 3),
    st.integers(0, 30),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_levels_around_are_those_of_the_entries_before(slab, context, components, bits, seed):
    grid, rows = slab
    codes = np.random.default_rng(seed).integers(-(2**bits) + 1, 2**bits, (components, rows))
    found = np.full(codes.shape, 99, np.uint8)
    levels_around(codes.astype(np.int32), context, lines_of(grid), found)
    expected = [
        [naive.rans_level_around(list(row[:t]), grid, context) for t in range(rows)]
        for row in codes
    ]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("machine", [0, 3])
@pytest.mark.parametrize(
    ("context", "grid"),
    [
        (NO_CONTEXT, (30,)),
        (ABOVE, (30,)),
        (AROUND, (30,)),
        (AROUND, (5, 6)),
        (AROUND, (5, 2, 3)),
        (ACROSS, (5, 6)),
        (ALONG, (5, 2, 3)),
    ],
)
def test_counts_are_of_the_tokens_that_are_coded(machine, context, grid):
    tables = tables_for(6, machine=machine, context=context, classes=3)
    codes = random_codes(tables, 6, 30, 7, grid=grid)
    walk = naive.RansWalk(tables, 6, grid)
    unions = 2 if machine else 1
    contexts = CONTEXTS if context else 1
    expected = np.zeros((3, contexts, unions, TOKENS), np.int64)
    extra = 0
    for component, row in naive.rans_order(6, 30):
        code = int(codes[component, row])
        token, count, _ = naive.rans_token(walk.integer(component, code))
        place = walk.place(component)
        expected[walk.classes[component], place, walk.union(component), token] += 1
        extra += count
        walk.step(component, code)
    counts = np.zeros_like(expected)
    classes = np.array(walk.classes, np.uint8)
    codes = codes.astype(np.int32)
    levels = levels_of(codes, context, lines_of(grid))
    found = count_tokens(codes, classes, unions, context, levels, counts)
    assert found == extra
    np.testing.assert_array_equal(counts, expected)
