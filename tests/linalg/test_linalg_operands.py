"""Products of a block of rows, dense or sparse, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from lplrcli.linalg.operands import (
    Dense,
    dense_rows,
    gram_of_rows,
    position_of_nonfinite,
    scaled,
    stored_entries,
    transposed_times,
)
from lplrcli.model.source import CsrRows

ROWS, COLUMNS = 23, 9


def block(kind, dtype=np.float64):
    """A block of rows, and the same as a dense array; some rows have no entry."""
    a = sp.random_array((ROWS, COLUMNS), density=0.3, rng=0, dtype=np.float64).tocsr()
    a.data = a.data.astype(dtype)
    values = CsrRows(a.shape, a.indptr.astype(np.int64), a.indices.astype(np.int32), a.data)
    dense = a.toarray()
    return (dense if kind == "dense" else values), dense


KINDS = pytest.mark.parametrize("kind", ["dense", "sparse"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@KINDS
@DTYPES
def test_products_from_both_sides_are_numpys(kind, dtype):
    values, dense = block(kind, dtype)
    generator = np.random.default_rng(1)
    x = generator.standard_normal((COLUMNS, 4)).astype(dtype)
    y = generator.standard_normal((4, ROWS)).astype(dtype).T  # not contiguous
    tolerance = 50 * np.finfo(dtype).eps
    right = Dense(x)
    assert right.columns == 4
    assert right.multiply(values).dtype == transposed_times(values, y).dtype == dtype
    np.testing.assert_allclose(right.multiply(values), dense @ x, atol=tolerance)
    np.testing.assert_allclose(transposed_times(values, y), dense.T @ y, atol=tolerance)


@DTYPES
def test_the_gram_matrix_of_sparse_rows_is_in_float64(dtype):
    values, dense = block("sparse", dtype)
    found = gram_of_rows(values)
    assert found.dtype == np.float64
    wide = dense.astype(np.float64)
    np.testing.assert_allclose(found, wide.T @ wide, rtol=1e-12, atol=1e-12)


@KINDS
def test_stored_entries_are_not_copied(kind):
    values, _ = block(kind)
    base = values if kind == "dense" else values.data
    found = stored_entries(values)
    assert found.ndim == 1
    assert np.shares_memory(found, base)
    columns_first = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert stored_entries(columns_first).tolist() == [0, 3, 1, 4, 2, 5]


@pytest.mark.parametrize("exponent", [-1000, -3, 0, 5, 900])
def test_scaling_by_a_power_of_two_is_exact(exponent):
    values = np.random.default_rng(0).standard_normal(50)
    found = scaled(values, exponent)
    np.testing.assert_array_equal(found, values * 2.0**exponent)
    assert (found is values) == (exponent == 0)


@KINDS
@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_the_first_entry_in_row_order_that_is_not_finite_is_named(kind, strange):
    values, dense = block(kind)
    places = np.argwhere(dense)[[7, 20, 30]]
    dense = dense.copy()
    for row, column in places[::-1]:
        dense[row, column] = strange
    if kind == "dense":
        values = dense
    else:
        a = sp.csr_array(dense)
        values = CsrRows(a.shape, a.indptr, a.indices, a.data)
    assert position_of_nonfinite(values) == (3, tuple(places[0].tolist()))


@KINDS
@DTYPES
def test_rows_become_dense_in_the_type_asked_for(kind, dtype):
    values, dense = block(kind)
    found = dense_rows(values, np.dtype(dtype))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, dense.astype(dtype))
