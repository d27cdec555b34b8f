"""Each pass over A, dense and sparse and in many blocks, against NumPy on the whole."""

from __future__ import annotations

import numpy as np
import pytest
from block_samples import COLUMNS, DTYPES, KINDS, ROWS, matrix, passes

from lplrcli.io.sources.local_source import LocalSource
from lplrcli.linalg.operands import Dense


@KINDS
@DTYPES
def test_products_are_numpys(kind, dtype):
    a = matrix(dtype)
    dense = a.toarray().astype(np.float64)
    found = passes(kind, a)
    tolerance = 100 * np.finfo(dtype).eps
    x = np.random.default_rng(0).standard_normal((COLUMNS, 5)).astype(dtype)
    y = np.random.default_rng(1).standard_normal((4, ROWS)).astype(dtype)
    np.testing.assert_allclose(found.times(Dense(x)), dense @ x, atol=tolerance)
    np.testing.assert_allclose(
        found.normal_times(Dense(x)), dense.T @ (dense @ x), atol=ROWS * tolerance
    )
    np.testing.assert_allclose(found.left_times(y), y @ dense, atol=tolerance)
    np.testing.assert_allclose(found.gram(), dense.T @ dense, atol=tolerance)
    np.testing.assert_array_equal(found.dense(), dense)
    # The scan comes with the first product; one with the transpose, where that is at hand, is none.
    assert found.count == (4 if kind == "sparse" else 5)


@DTYPES
@pytest.mark.parametrize("exponent", [0, 60])
def test_sums_over_blocks_are_products_with_the_transpose(dtype, exponent, monkeypatch):
    a = matrix(dtype)
    a.data = np.ldexp(a.data, exponent)
    x = np.random.default_rng(0).standard_normal((COLUMNS, 5)).astype(dtype)
    y = np.random.default_rng(1).standard_normal((4, ROWS)).astype(dtype)
    found = passes("sparse", a)
    turned = found.normal_times(Dense(x)), found.left_times(y)
    assert (found.exponent != 0) == (exponent != 0)
    monkeypatch.setattr(LocalSource, "columns", lambda source: None)
    other = passes("sparse", a)
    assert other.exponent == 0
    summed = other.normal_times(Dense(x)), other.left_times(y)
    for one, two in zip(turned, summed, strict=True):
        np.testing.assert_allclose(one, two, atol=ROWS * 100 * np.finfo(dtype).eps)


def test_no_bit_of_a_sparse_product_depends_on_the_threads():
    a = matrix(np.float32)
    x = np.random.default_rng(0).standard_normal((COLUMNS, 5)).astype(np.float32)
    one, many = passes("sparse", a, threads=1), passes("sparse", a, threads=4)
    many.threads = 4
    np.testing.assert_array_equal(one.normal_times(Dense(x)), many.normal_times(Dense(x)))


@KINDS
def test_the_number_of_threads_changes_no_bit(kind):
    a = matrix(np.float32)
    x = np.random.default_rng(0).standard_normal((COLUMNS, 5)).astype(np.float32)
    results = [passes(kind, a, threads=t).normal_times(Dense(x)) for t in (1, 2, 5)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
