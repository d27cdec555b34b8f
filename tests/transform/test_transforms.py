"""Transforms must be orthonormal: quantization error passes through them unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.transform import TRANSFORMS


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
@pytest.mark.parametrize("grid", [(1,), (24,), (4, 6)])
def test_forward_is_orthonormal_and_inverse_undoes_it(name, grid):
    transform = TRANSFORMS[name]
    length = int(np.prod(grid))
    factor = np.random.default_rng(0).standard_normal((3, length))
    coefficients = transform.forward(factor, grid)
    assert coefficients.shape == factor.shape
    np.testing.assert_allclose(coefficients @ coefficients.T, factor @ factor.T, atol=1e-12)
    np.testing.assert_allclose(transform.inverse(coefficients, grid), factor, atol=1e-12)
