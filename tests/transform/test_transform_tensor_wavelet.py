"""The tensor product of wavelet transforms along lines, against those one axis at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lplrcli.transform import tensor_wavelet, wavelet


@pytest.mark.parametrize("grid", [(50,), (9, 40), (20, 8, 13)])
def test_the_tensor_product_is_that_of_transforms_along_lines(grid):
    factor = np.random.default_rng(0).standard_normal((2, math.prod(grid)))
    found = factor.reshape(2, *grid)
    for axis, extent in enumerate(grid, 1):
        lines = np.moveaxis(found, axis, -1)
        parts = wavelet.forward(lines.reshape(-1, extent), (extent,)).reshape(lines.shape)
        found = np.moveaxis(parts, -1, axis)
    np.testing.assert_allclose(
        tensor_wavelet.forward(factor, grid), found.reshape(2, -1), atol=1e-12
    )
