"""Sketching operators: their moments, their structure, and that blocks stand alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import hadamard

from lplrcli.linalg.sketching import sketching_operator
from lplrcli.model.plan import SKETCHES
from lplrcli.model.source import CsrRows

F64 = np.dtype(np.float64)


def csr_rows(matrix):
    matrix = sp.csr_array(matrix)
    return CsrRows(matrix.shape, matrix.indptr.astype(np.int64), matrix.indices, matrix.data)


def explicit(name, rows, columns, seed=0, dtype=F64):
    """The operator as a matrix."""
    operator = sketching_operator(name, rows, columns, seed, dtype)
    assert operator.columns == columns
    return operator.multiply(np.eye(rows, dtype=dtype))


@pytest.mark.parametrize("name", SKETCHES)
def test_second_moment_is_the_identity(name):
    # A mean over 4000 draws; entries of S Sᵀ have a standard deviation below 0.8 at l = 4.
    total = sum((s := explicit(name, 6, 4, seed)) @ s.T for seed in range(4000))
    np.testing.assert_allclose(total / 4000, np.eye(6), atol=5 * 0.8 / np.sqrt(4000))


@pytest.mark.parametrize("name", SKETCHES)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (5, 5), (100, 7), (257, 40)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_multiplying_is_the_product_with_the_matrix(name, rows, columns, dtype):
    operator = sketching_operator(name, rows, columns, 3, np.dtype(dtype))
    values = np.random.default_rng(0).standard_normal((11, rows)).astype(dtype)
    matrix = explicit(name, rows, columns, 3)
    found = operator.multiply(values)
    assert found.dtype == dtype
    tolerance = 20 * rows * np.finfo(dtype).eps
    np.testing.assert_allclose(found, values @ matrix, atol=tolerance)


@pytest.mark.parametrize("name", SKETCHES)
@pytest.mark.parametrize("rows", [1, 30, 200])
def test_sparse_rows_give_what_dense_rows_give(name, rows):
    operator = sketching_operator(name, rows, min(rows, 9), 1, F64)
    values = sp.random_array((13, rows), density=0.2, rng=0).toarray()
    np.testing.assert_allclose(
        operator.multiply(csr_rows(values)), operator.multiply(values), atol=1e-13
    )


@pytest.mark.parametrize("name", SKETCHES)
def test_the_seed_decides(name):
    first, again, other = (explicit(name, 50, 8, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("name", SKETCHES)
@pytest.mark.parametrize("seed", [2**53, 2**63 - 2, 2**63, 2**64 - 2])
def test_neighbouring_large_seeds_differ(name, seed):
    # They must not pass through float64 on their way into the key.
    first, second = explicit(name, 20, 4, seed), explicit(name, 20, 4, seed + 1)
    assert np.abs(first - second).max() > 0.1


def test_columns_of_the_srht_depend_on_every_bit_of_the_seed():
    first, second = (
        sketching_operator("srht", 500, 100, 2**53 + i, F64).drawn.kept for i in (0, 1)
    )
    assert np.any(first != second)


@pytest.mark.parametrize("name", ["gaussian", "sparse-sign"])
@pytest.mark.parametrize("part", [100, 4096, 5000])
def test_the_first_rows_do_not_depend_on_those_after(name, part):
    # Blocks of 4096 rows have keys of their own, so a worker can make its own block.
    def matrix(rows):
        return sketching_operator(name, rows, 8, 7, F64).drawn

    if name == "gaussian":
        np.testing.assert_array_equal(matrix(9000).matrix[:part], matrix(part).matrix)
    else:
        np.testing.assert_array_equal(matrix(9000).places[:part], matrix(part).places)
        np.testing.assert_array_equal(matrix(9000).signs[:part], matrix(part).signs)


def test_signs_of_the_first_rows_do_not_depend_on_those_after():
    whole, part = (sketching_operator("srht", rows, 8, 7, F64).drawn.signs for rows in (9000, 5000))
    np.testing.assert_array_equal(whole[:5000], part)
    assert np.any(whole[:4096] != whole[4096:8192])


def test_blocks_of_rows_differ():
    matrix = sketching_operator("gaussian", 8192, 4, 0, F64).drawn.matrix
    assert abs(np.corrcoef(matrix[:4096].ravel(), matrix[4096:].ravel())[0, 1]) < 0.05


def test_gaussian_entries_have_variance_one_over_l():
    matrix = sketching_operator("gaussian", 5000, 16, 0, F64).drawn.matrix
    assert matrix.var() == pytest.approx(1 / 16, rel=0.03)
    assert abs(matrix.mean()) < 5e-3


@pytest.mark.parametrize(("columns", "nonzeros"), [(40, 8), (8, 8), (5, 5), (1, 1)])
def test_sparse_sign_has_few_nonzeros_of_one_size(columns, nonzeros):
    matrix = explicit("sparse-sign", 300, columns)
    assert np.all(np.count_nonzero(matrix, axis=1) == nonzeros)
    sizes = np.abs(matrix[matrix != 0])
    np.testing.assert_allclose(sizes, 1 / np.sqrt(nonzeros), rtol=1e-15)


def test_sparse_sign_uses_every_column_alike():
    counts = np.count_nonzero(explicit("sparse-sign", 5000, 40), axis=0)
    # 1000 expected; standard deviation 28.
    assert np.all(np.abs(counts - 1000) < 150)


@pytest.mark.parametrize(("rows", "columns"), [(8, 3), (13, 13), (100, 20)])
def test_srht_is_signs_times_columns_of_a_hadamard_matrix(rows, columns):
    operator = sketching_operator("srht", rows, columns, 2, F64).drawn
    width = 1 << (rows - 1).bit_length()
    assert len(set(operator.kept.tolist())) == columns
    assert set(np.abs(operator.signs)) == {1.0}
    full = operator.signs[:, None] * hadamard(width)[:rows, operator.kept] / np.sqrt(columns)
    np.testing.assert_allclose(explicit("srht", rows, columns, 2), full, atol=1e-15)


@pytest.mark.parametrize("name", SKETCHES)
def test_a_sketch_travels_as_a_few_numbers_and_is_drawn_again(name):
    operator = sketching_operator(name, 3000, 20, 11, F64)
    values = np.random.default_rng(0).standard_normal((5, 3000))
    expected = operator.multiply(values)
    pickled = pickle.dumps(operator)
    assert len(pickled) < 300
    assert np.array_equal(pickle.loads(pickled).multiply(values), expected)
