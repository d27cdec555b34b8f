"""The cosine transform, against SciPy's and against its matrix."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.fft import dctn

from lplrcli.transform import dct


def matrix(length):
    """Rows are the cosines of type II, orthonormal."""
    k, t = np.ogrid[:length, :length]
    cosines = np.sqrt(2 / length) * np.cos(np.pi * k * (2 * t + 1) / (2 * length))
    cosines[0] /= np.sqrt(2)
    return cosines


@pytest.mark.parametrize("grid", [(1,), (30,), (5, 8), (4, 1, 7)])
def test_it_is_scipys(grid):
    factor = np.random.default_rng(0).standard_normal((3, math.prod(grid)))
    found = dct.forward(factor, grid)
    for row, coefficients in zip(factor, found, strict=True):
        expected = dctn(row.reshape(grid), norm="ortho")
        np.testing.assert_allclose(coefficients.reshape(grid), expected, atol=1e-12)


@pytest.mark.parametrize("grid", [(1,), (13,), (3, 8), (2, 3, 5)])
def test_it_is_its_matrix_along_every_axis(grid):
    factor = np.random.default_rng(1).standard_normal((2, math.prod(grid)))
    whole = np.ones((1, 1))
    for extent in grid:
        whole = np.kron(whole, matrix(extent))
    np.testing.assert_allclose(dct.forward(factor, grid), factor @ whole.T, atol=1e-12)
    np.testing.assert_allclose(dct.inverse(factor, grid), factor @ whole, atol=1e-12)


def test_a_constant_is_one_coefficient():
    found = dct.forward(np.ones((1, 48)), (6, 8))
    assert found[0, 0] == pytest.approx(np.sqrt(48))
    np.testing.assert_allclose(found[0, 1:], 0, atol=1e-12)
