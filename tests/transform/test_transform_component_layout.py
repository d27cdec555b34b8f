"""Chunks of transformed factors: whole layers, whole bytes, and enough of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.model.rans_constants import AROUND
from lplrcli.transform import TRANSFORMS
from lplrcli.transform.component_layout import Layout

GRIDS = st.lists(st.integers(1, 50), min_size=1, max_size=4).map(tuple)


@given(
    st.sampled_from(["dct", "cdf97", "cdf97-tensor"]),
    GRIDS,
    st.integers(1, 2000).map(lambda n: 8 * n),
    st.integers(1, 100),
)
@settings(deadline=None)
def test_transformed_chunks_are_whole_layers_and_as_many_as_asked(transform, grid, entries, layers):
    layer, length = math.prod(grid[1:]), math.prod(grid)
    found = Layout(transform, grid).chunk_length(entries, layers)
    assert found % 8 == 0
    if found < length:
        assert found % layer == 0
        assert found >= layers * layer
        assert found >= entries
    else:
        assert found == -(-length // 8) * 8


@given(GRIDS, st.integers(1, 2000).map(lambda n: 8 * n))
@settings(deadline=None)
def test_other_chunks_are_as_long_as_asked(grid, entries):
    assert Layout("identity", grid).chunk_length(entries) == entries


@pytest.mark.parametrize("transform", sorted(TRANSFORMS))
def test_contexts_lie_around_a_coefficient_if_it_is_transformed(transform):
    layout = Layout(transform, (4, 6))
    assert layout.transformed == (transform != "identity")
    assert (layout.context >= AROUND) == layout.transformed
    assert layout.layer == (6 if layout.transformed else 1)


@pytest.mark.parametrize("transform", sorted(TRANSFORMS))
@pytest.mark.parametrize("grid", [(24,), (12, 5), (8, 1, 3)])
def test_a_chunk_of_some_layers_comes_back(transform, grid):
    layout = Layout(transform, grid)
    chunk = np.random.default_rng(0).standard_normal((3, 4 * math.prod(grid[1:])))
    coefficients = layout.forward(chunk)
    assert coefficients.flags.c_contiguous
    np.testing.assert_allclose(layout.inverse(coefficients), chunk, atol=1e-12)
