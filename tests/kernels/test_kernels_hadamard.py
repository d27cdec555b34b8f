"""The fast transform, against scipy.linalg.hadamard."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from lplrcli.kernels.hadamard import hadamard_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 2, 4, 32, 256])
def test_rows_are_multiplied_by_the_hadamard_matrix(width, dtype):
    rows = np.random.default_rng(width).standard_normal((3, width)).astype(dtype)
    expected = naive.hadamard_rows(rows)
    hadamard_rows(rows)
    np.testing.assert_allclose(rows, expected, atol=50 * width * np.finfo(dtype).eps)


def test_integers_are_transformed_exactly():
    rows = np.random.default_rng(1).integers(-1000, 1000, (4, 128)).astype(np.float64)
    expected = naive.hadamard_rows(rows)
    hadamard_rows(rows)
    np.testing.assert_array_equal(rows, expected)
