"""Products with sparse operands, against loops and scipy.sparse."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.kernels.sparse import (
    RUN,
    csr_gram,
    csr_inner_product,
    csr_times_dense,
    csr_transposed_times_dense,
    dense_times_sparse_sign,
)


@st.composite
def csr(draw):
    """A CSR matrix, rows and columns without entries included, and its dtype's tolerance."""
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    index = draw(st.sampled_from([np.int32, np.int64]))
    seed = draw(st.integers(0, 2**32 - 1))
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    matrix = sp.random_array((rows, columns), density=density, rng=seed, dtype=dtype).tocsr()
    matrix.indptr = matrix.indptr.astype(np.int64)
    matrix.indices = matrix.indices.astype(index)
    return matrix, dtype, np.random.default_rng(seed)


@given(csr(), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_times_dense_accumulates(case, width):
    a, dtype, generator = case
    x = generator.standard_normal((a.shape[1], width)).astype(dtype)
    out = np.ones((a.shape[0], width), dtype)
    csr_times_dense(a.indptr, a.indices, a.data, x, out)
    tolerance = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(out - 1, a @ x, atol=tolerance)
    twin = naive.csr_times_dense(a.indptr, a.indices, a.data, x)
    np.testing.assert_allclose(out - 1, twin, atol=tolerance)


@pytest.mark.parametrize("count", [RUN - 1, RUN, 2 * RUN + 1])
@pytest.mark.parametrize("wide", [np.float32, np.float64])
def test_times_dense_of_long_rows(count, wide):
    a = sp.csr_array(np.ones((2, count), np.float32))
    x = np.random.default_rng(0).standard_normal((count, 3)).astype(np.float32)
    out = np.zeros((2, 3), wide)
    csr_times_dense(a.indptr, a.indices, a.data, x, out)
    np.testing.assert_allclose(out, a @ x, atol=1e-3)
    np.testing.assert_array_equal(out[0], out[1])


@given(csr())
@settings(deadline=None, max_examples=60)
def test_gram_accumulates(case):
    a, _, _ = case
    out = np.ones((a.shape[1], a.shape[1]))
    csr_gram(a.indptr, a.indices, a.data, out)
    wide = a.astype(np.float64)
    np.testing.assert_allclose(out - 1, (wide.T @ wide).toarray(), atol=1e-13)
    twin = naive.csr_gram(a.indptr, a.indices, a.data, a.shape[1])
    np.testing.assert_allclose(out - 1, twin, atol=1e-13)


@given(csr(), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_transposed_times_dense_accumulates(case, width):
    a, dtype, generator = case
    y = generator.standard_normal((a.shape[0], width)).astype(dtype)
    out = np.ones((a.shape[1], width), dtype)
    csr_transposed_times_dense(a.indptr, a.indices, a.data, y, out)
    tolerance = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(out - 1, a.T @ y, atol=tolerance)
    twin = naive.csr_transposed_times_dense(a.indptr, a.indices, a.data, y, a.shape[1])
    np.testing.assert_allclose(out - 1, twin, atol=tolerance)


@given(csr(), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_inner_product_with_factors(case, rank):
    a, dtype, generator = case
    left = generator.standard_normal((a.shape[0], rank)).astype(dtype)
    right = generator.standard_normal((a.shape[1], rank)).astype(dtype)
    found = csr_inner_product(a.indptr, a.indices, a.data, left, right)
    twin = naive.csr_inner_product(a.indptr, a.indices, a.data, left, right)
    # Accumulated in float64, whatever the type of the entries.
    assert found == pytest.approx(twin, rel=1e-12, abs=1e-12)
    dense = a.toarray().astype(np.float64)
    assert found == pytest.approx(np.sum(dense * (left @ right.T)), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "columns", "width", "count"), [(5, 9, 6, 3), (1, 1, 1, 1)])
def test_times_sparse_sign_accumulates(rows, columns, width, count, dtype):
    generator = np.random.default_rng(columns)
    values = generator.standard_normal((rows, columns)).astype(dtype)
    places = generator.random((columns, width)).argsort(axis=1)[:, :count].astype(np.int32)
    signs = generator.choice([-0.5, 0.5], (columns, count)).astype(dtype)
    out = np.ones((rows, width), dtype)
    dense_times_sparse_sign(values, places, signs, out)
    expected = naive.dense_times_sparse_sign(values, places, signs, width)
    np.testing.assert_allclose(out - 1, expected, atol=100 * np.finfo(dtype).eps)
