"""Tall-skinny QR, against LAPACK's on the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.linalg.orthonormalization import orthonormal_basis


def assert_orthonormal(basis):
    identity = np.eye(basis.shape[1])
    np.testing.assert_allclose(basis.T @ basis, identity, atol=1e-12)


@given(st.integers(1, 9), st.integers(0, 400), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_same_column_spaces_as_lapack(columns, extra, seed):
    y = np.random.default_rng(seed).standard_normal((columns + extra, columns))
    basis = orthonormal_basis(y)
    assert basis.shape == y.shape
    assert_orthonormal(basis)
    # The first k columns span the first k of y: equal to LAPACK's up to signs.
    overlap = np.abs(np.linalg.qr(y)[0].T @ basis)
    condition = np.linalg.cond(y)
    np.testing.assert_allclose(overlap, np.eye(columns), atol=1e-13 * condition + 1e-12)


def test_no_bit_depends_on_the_number_of_threads():
    y = np.random.default_rng(0).standard_normal((1000, 7))
    np.testing.assert_array_equal(orthonormal_basis(y, 1), orthonormal_basis(y, 3))


@pytest.mark.parametrize("rows", [60, 1000])
def test_columns_graded_over_thirty_orders_all_survive(rows):
    # Cholesky QR loses what is below 1e-8 of the largest.
    y = np.linalg.qr(np.random.default_rng(0).standard_normal((rows, 12)))[0]
    graded = y * np.logspace(0, -30, 12)
    basis = orthonormal_basis(graded)
    assert_orthonormal(basis)
    np.testing.assert_allclose(np.abs(y.T @ basis), np.eye(12), atol=1e-11)


@pytest.mark.parametrize("rows", [5, 300])
@pytest.mark.parametrize("make", [np.zeros, np.ones])
def test_dependent_columns_still_give_an_orthonormal_basis(make, rows):
    y = make((rows, 4))
    basis = orthonormal_basis(y)
    assert_orthonormal(basis)
    np.testing.assert_allclose(basis @ (basis.T @ y), y, atol=1e-12)


def test_float32_is_orthonormalised_in_float64():
    y = np.random.default_rng(0).standard_normal((500, 6)).astype(np.float32)
    basis = orthonormal_basis(y)
    assert basis.dtype == np.float64
    assert_orthonormal(basis)


def test_the_input_is_left_alone():
    y = np.random.default_rng(0).standard_normal((500, 6))
    before = y.copy()
    orthonormal_basis(y)
    np.testing.assert_array_equal(y, before)
