"""Contexts of entries, against those that SPEC.md describes, entry by entry."""

from __future__ import annotations

import math

import naive
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.kernels.contexts import context_of, level_of, levels_around
from lplrcli.model.rans_constants import (
    ACROSS,
    ALONG,
    AROUND,
    CONTEXTS,
    lines_of,
)

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
