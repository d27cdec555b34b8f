"""Energy by frequency: nothing is lost, and bands are half octaves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.transform.bands import band_energies

GRIDS = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)


@given(GRIDS, st.integers(1, 3), st.sampled_from([np.float32, np.float64]))
@settings(deadline=None, max_examples=60)
def test_counts_sum_to_the_length_and_energies_to_the_squares(grid, components, dtype):
    length = math.prod(grid)
    coefficients = np.random.default_rng(length).standard_normal((components, length)).astype(dtype)
    counts, energies = band_energies(coefficients, grid)
    assert energies.shape == (components, len(counts))
    assert (counts > 0).all()
    assert counts.sum() == length
    squares = np.square(coefficients.astype(np.float64)).sum(axis=1)
    np.testing.assert_allclose(energies.sum(axis=1), squares, rtol=1e-12)


@pytest.mark.parametrize("extent", [1, 2, 3, 7, 8, 9, 100, 1000])
def test_bands_are_half_octaves(extent):
    counts, _ = band_energies(np.zeros((1, extent)), (extent,))
    band = [math.floor(2 * math.log2(i + 1) + 1e-9) for i in range(extent)]
    _, expected = np.unique(band, return_counts=True)
    assert counts.tolist() == expected.tolist()


def test_bands_of_two_axes_are_products():
    coefficients = np.arange(12.0)[None]
    counts, energies = band_energies(coefficients, (3, 4))
    assert counts.tolist() == [1, 1, 1, 1] * 3
    np.testing.assert_array_equal(energies[0], coefficients[0] ** 2)
