"""Every transform: the inverse undoes it, and errors pass through it nearly unchanged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lplrcli.transform import TRANSFORMS, slab_of

GRIDS = [(1,), (24,), (4, 6), (1, 9), (17, 1), (1, 1, 1), (9, 16, 5), (3, 2, 4, 5)]
"""With extents of one and odd ones."""


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
@pytest.mark.parametrize("grid", GRIDS)
def test_the_inverse_undoes_it(name, grid):
    transform = TRANSFORMS[name]
    factor = np.random.default_rng(0).standard_normal((3, math.prod(grid)))
    before = factor.copy()
    coefficients = transform.forward(factor, grid)
    assert coefficients.shape == factor.shape
    np.testing.assert_allclose(transform.inverse(coefficients, grid), factor, atol=1e-12)
    np.testing.assert_array_equal(factor, before)


@pytest.mark.parametrize("name", ["identity", "dct"])
@pytest.mark.parametrize("grid", GRIDS)
def test_orthonormal_ones_keep_every_inner_product(name, grid):
    factor = np.random.default_rng(0).standard_normal((3, math.prod(grid)))
    coefficients = TRANSFORMS[name].forward(factor, grid)
    np.testing.assert_allclose(coefficients @ coefficients.T, factor @ factor.T, atol=1e-12)


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_stays(name, dtype):
    factor = np.random.default_rng(0).standard_normal((2, 48)).astype(dtype)
    coefficients = TRANSFORMS[name].forward(factor, (6, 8))
    assert coefficients.dtype == dtype
    assert TRANSFORMS[name].inverse(coefficients, (6, 8)).dtype == dtype


def test_a_slab_is_some_layers_of_the_first_axis():
    assert slab_of((7, 3, 2), 12) == (2, 3, 2)
    assert slab_of((40,), 8) == (8,)
