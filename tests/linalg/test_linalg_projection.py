"""Least squares against a fixed factor, compared with LAPACK's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from lplrcli.linalg.projection import least_squares

ROWS, COLUMNS = 103, 17


def matrix(dtype=np.float64):
    return sp.random_array((ROWS, COLUMNS), density=0.3, rng=0, dtype=dtype)


DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@DTYPES
def test_least_squares_is_lstsq(dtype):
    a = matrix(dtype).toarray()
    left = np.random.default_rng(0).standard_normal((6, ROWS)).astype(dtype)
    expected = np.linalg.lstsq(left.T.astype(float), a.astype(float), rcond=None)[0]
    found = least_squares(left, left @ a)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, atol=1000 * np.finfo(dtype).eps)


def test_least_squares_takes_columns_of_very_different_size():
    a = matrix().toarray()
    left = np.random.default_rng(0).standard_normal((5, ROWS)) * np.logspace(0, -12, 5)[:, None]
    found = least_squares(left, left @ a)
    basis = np.linalg.qr(left.T / np.linalg.norm(left, axis=1))[0]
    np.testing.assert_allclose(left.T @ found, basis @ (basis.T @ a), atol=1e-10)


@pytest.mark.parametrize("kind", ["equal", "zero", "all zero", "more than rows"])
def test_least_squares_takes_dependent_columns(kind):
    a = matrix().toarray()
    left = np.random.default_rng(0).standard_normal((6, ROWS))
    if kind == "equal":
        left[3] = left[1]
    elif kind == "zero":
        left[3] = 0
    elif kind == "all zero":
        left[:] = 0
    else:
        a, left = a[:4], left[:, :4]
    found = least_squares(left, left @ a)
    best = left.T @ np.linalg.lstsq(left.T, a, rcond=None)[0]
    np.testing.assert_allclose(left.T @ found, best, atol=1e-9)
