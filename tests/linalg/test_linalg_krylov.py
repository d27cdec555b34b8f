"""Krylov bases: the spaces that powers of the Gram matrix span, against NumPy in one piece."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
import scipy.sparse as sp

from lplrcli.io import open_array
from lplrcli.linalg.krylov import dense_operand, grown_basis, krylov_projection, power_iterate
from lplrcli.linalg.passes import Passes

ROWS, COLUMNS, WIDTH = 80, 50, 4
A = matrices.exponential(ROWS, COLUMNS, dtype=np.float64)
S = np.random.default_rng(0).standard_normal((COLUMNS, WIDTH))
FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_array])


def passes_over(a, form=np.asarray):
    found = Passes(open_array(form(a)))
    found.scan()
    return found


def powers(a, count):
    """Columns of ``AᵀA S``, ..., each normalised; they span the Krylov space."""
    blocks, block = [], S
    for _ in range(count):
        block = a.T @ (a @ block)
        block = np.linalg.qr(block)[0]
        blocks.append(block)
    return blocks


def assert_basis(basis, projected, a):
    """Columns are orthonormal, and their image is that of A."""
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
    np.testing.assert_allclose(projected, a @ basis, atol=1e-12 * np.linalg.norm(a))


def assert_within(vectors, basis):
    """Vectors lie in the span of an orthonormal basis."""
    np.testing.assert_allclose(basis @ (basis.T @ vectors), vectors, atol=1e-9)


@FORMS
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_projection_holds_every_power(form, count):
    found = passes_over(A, form)
    before = found.count
    basis, projected = krylov_projection(found, dense_operand(found, S), count)
    assert found.count == before + count + 1
    assert basis.shape == (COLUMNS, count * WIDTH)
    assert_basis(basis, projected, A)
    assert_within(np.concatenate(powers(A, count), axis=1), basis)


@FORMS
@pytest.mark.parametrize("count", [1, 3])
def test_a_basis_grows_by_every_power_and_keeps_what_it_had(form, count):
    found = passes_over(A, form)
    first = np.linalg.qr(np.random.default_rng(1).standard_normal((COLUMNS, 6)))[0]
    basis, projected = grown_basis(found, dense_operand(found, S), count, first, A @ first)
    np.testing.assert_array_equal(basis[:, :6], first)
    assert basis.shape == (COLUMNS, 6 + count * WIDTH)
    assert_basis(basis, projected, A)
    # Every block starts from what the last one added, so that only the first power is surely there.
    assert_within(powers(A, 1)[0], basis)


@pytest.mark.parametrize("rank", [2, 5])
def test_products_beyond_the_rank_of_the_matrix_do_no_harm(rank):
    a = A[:, :rank] @ A[:rank]
    found = passes_over(a)
    start = np.empty((COLUMNS, 0)), np.empty((ROWS, 0))
    basis, projected = grown_basis(found, dense_operand(found, S), 3, *start)
    assert_basis(basis, projected, a)
    assert_within(np.linalg.svd(a)[2][:rank].T, basis)


def test_a_basis_is_no_larger_than_the_matrix_allows():
    wide = A.T[:6]
    found = passes_over(wide)
    operand = dense_operand(found, np.random.default_rng(2).standard_normal((ROWS, WIDTH)))
    basis, projected = krylov_projection(found, operand, 5)
    assert (basis.shape, projected.shape) == ((ROWS, 6), (6, 6))
    assert_basis(basis, projected, wide)


@FORMS
@pytest.mark.parametrize("count", [1, 4])
def test_power_iteration_spans_the_last_power_alone(form, count):
    found = passes_over(A, form)
    basis = power_iterate(found, dense_operand(found, S), count).matrix
    assert basis.shape == (COLUMNS, WIDTH)
    np.testing.assert_allclose(basis.T @ basis, np.eye(WIDTH), atol=1e-12)
    assert_within(powers(A, count)[-1], basis)


def test_no_power_iteration_gives_the_operand_itself():
    found = passes_over(A)
    operand = dense_operand(found, S)
    assert power_iterate(found, operand, 0) is operand


def test_an_operand_has_the_working_precision():
    found = Passes(open_array(A.astype(np.float32)))
    operand = dense_operand(found, np.asfortranarray(S))
    assert operand.matrix.dtype == np.float32
    assert operand.matrix.flags.c_contiguous
    np.testing.assert_array_equal(operand.matrix, S.astype(np.float32))
