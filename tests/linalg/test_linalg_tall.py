"""Products of tall arrays piece by piece, against NumPy and scipy.sparse on the whole."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from lplrcli.linalg import tall
from lplrcli.linalg.tall import gram_of, rows_times, transposed_image, transposed_product
from lplrcli.model.source import CsrRows

ROWS = pytest.mark.parametrize("rows", [1, 49, 50, 333])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(tall, "_CONVERTED_ROWS", 10)
    monkeypatch.setattr(tall, "_PIECE_ROWS", 50)


def array(rows, columns, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(dtype)


def sparse(rows, columns, dtype):
    return sp.random_array((rows, columns), density=0.2, rng=0, dtype=dtype).tocsr()


def csr_rows(a):
    return CsrRows(a.shape, a.indptr.astype(np.int64), a.indices, a.data)


@ROWS
@DTYPES
def test_gram(rows, dtype, small_pieces):
    y = array(rows, 3, dtype)
    wide = y.astype(np.float64)
    np.testing.assert_allclose(gram_of(y), wide.T @ wide, rtol=1e-12, atol=1e-10)


@ROWS
@DTYPES
def test_transposed_image(rows, dtype, small_pieces):
    x, y = array(4, 6, dtype), array(rows, 6, dtype, 1)
    found = transposed_image(x, y)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, x @ y.T, atol=100 * np.finfo(dtype).eps)


@ROWS
@DTYPES
def test_transposed_product(rows, dtype, small_pieces):
    x, y = array(rows, 4, dtype), array(rows, 6, dtype, 1)
    tolerance = rows * 10 * np.finfo(dtype).eps
    np.testing.assert_allclose(transposed_product(x, y), x.T @ y, atol=tolerance)


@ROWS
@DTYPES
@pytest.mark.parametrize("exponent", [0, -3])
def test_sparse_rows(rows, dtype, exponent):
    a, y = sparse(rows, 40, dtype), array(40, 5, dtype)
    found = rows_times(csr_rows(a), y, exponent)
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(found, 2.0**exponent * (a @ y), atol=tolerance)


def test_sparse_rows_of_integers_and_none_at_all():
    a = sp.csr_array(np.diag(np.arange(7, dtype=np.int16)))
    np.testing.assert_array_equal(
        rows_times(csr_rows(a), np.eye(7, dtype=np.float32)), np.diag(np.arange(7.0))
    )
    none = sp.csr_array((5, 7), dtype=np.float32)
    assert not rows_times(csr_rows(none), np.ones((7, 2), np.float32)).any()


def test_long_sparse_rows_are_summed_in_float64():
    count = 2**20
    ones = sp.csr_array(np.full((1, count), 0.1, np.float32))
    found = rows_times(csr_rows(ones), np.ones((count, 1), np.float32))
    assert found[0, 0] == pytest.approx(count * float(np.float32(0.1)), rel=1e-5)


@pytest.mark.parametrize("threads", [2, 5])
def test_no_bit_depends_on_the_number_of_threads(threads, small_pieces):
    x, y, a = array(333, 4, np.float32), array(333, 6, np.float32, 1), sparse(200, 333, np.float32)
    for product in (
        lambda n: gram_of(y, n),
        lambda n: transposed_image(x[:3, :4] @ np.ones((4, 6), np.float32), y, n),
        lambda n: transposed_product(x, y, n),
        lambda n: rows_times(csr_rows(a), y, 0, n),
    ):
        np.testing.assert_array_equal(product(1), product(threads))
