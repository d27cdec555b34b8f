"""Each pass over A, dense and sparse and in many blocks, against NumPy on the whole."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.errors import NonFiniteError
from lplrcli.io import open_array
from lplrcli.io.handles.base import ArrayHandle, CsrHandle
from lplrcli.io.sources.local_source import LocalSource
from lplrcli.linalg.operands import Dense
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.projection import least_squares
from lplrcli.model.source import Unfolding

ROWS, COLUMNS = 103, 17


def matrix(dtype=np.float64):
    return sp.random_array((ROWS, COLUMNS), density=0.3, rng=0, dtype=dtype)


def passes(kind, a, height=10, threads=2):
    """Over a matrix read in blocks of `height` rows, the last one shorter."""
    if kind == "dense":
        handle = ArrayHandle(a.toarray(), Unfolding.of(a.shape), a.dtype, height)
    else:
        handle = CsrHandle(a.tocsr(), Unfolding.of(a.shape), a.dtype)
        handle.block_rows = height
    return Passes(LocalSource(handle, name="a", format="array", threads=threads))


KINDS = pytest.mark.parametrize("kind", ["dense", "sparse"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


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


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, np.nan, np.inf, -np.inf]))
@settings(deadline=None, max_examples=40)
def test_scan_of_zeros_and_duplicates_that_are_stored(seed, wrong):
    generator = np.random.default_rng(seed)
    count = int(generator.integers(0, 60))
    places = generator.integers(0, ROWS, count), generator.integers(0, COLUMNS, count)
    values = generator.integers(-2, 3, count).astype(np.float64)  # zeros among them
    if wrong is not None:
        values[: count // 4] = wrong
    a = sp.coo_array((values, places), (ROWS, COLUMNS))
    with np.errstate(invalid="ignore"):
        dense = a.toarray()
        source = open_array(a)
    bad = np.argwhere(~np.isfinite(dense))
    if len(bad) == 0:
        scan = Passes(source).scan()
        assert (scan.low, scan.high) == (dense.min(), dense.max())
        assert scan.norm == pytest.approx(np.linalg.norm(dense))
        return
    with pytest.raises(NonFiniteError) as caught:
        Passes(source).scan()
    assert caught.value.count == len(bad)
    assert caught.value.position == tuple(bad[0])


@KINDS
@DTYPES
def test_scan_finds_range_and_norm(kind, dtype):
    a = matrix(dtype)
    a.data = a.data + dtype(0.5)  # zeros are not stored, yet count
    scan = passes(kind, a).scan()
    dense = a.toarray()
    assert (scan.low, scan.high) == (dense.min(), dense.max())
    assert scan.norm == pytest.approx(np.linalg.norm(dense.astype(np.float64)), rel=1e-12)
    assert scan.exponent == 0


@KINDS
def test_sparse_rows_without_entries(kind):
    a = sp.coo_array(([2.0], ([57], [3])), (ROWS, COLUMNS))
    found = passes(kind, a)
    assert found.scan().norm == 2
    assert found.gram()[3, 3] == 4


@KINDS
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_extreme_scales_are_brought_near_one_by_a_power_of_two(kind, scale):
    a = matrix() * scale
    found = passes(kind, a)
    scan = found.scan()
    scaled = a.toarray() / 2.0**scan.exponent
    assert 0.5 <= np.abs(scaled).max() <= 1
    assert scan.norm == pytest.approx(np.linalg.norm(scaled), rel=1e-12)
    np.testing.assert_array_equal(found.dense(), scaled)


@KINDS
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted_and_located(kind, wrong):
    a = matrix().toarray()
    a[31, 5] = a[31, 9] = a[77, 0] = wrong
    with pytest.raises(NonFiniteError) as caught:
        passes(kind, sp.csr_array(a)).scan()
    assert caught.value.count == 3
    assert caught.value.position == (31, 5)


@KINDS
def test_the_number_of_threads_changes_no_bit(kind):
    a = matrix(np.float32)
    x = np.random.default_rng(0).standard_normal((COLUMNS, 5)).astype(np.float32)
    results = [passes(kind, a, threads=t).normal_times(Dense(x)) for t in (1, 2, 5)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@KINDS
@DTYPES
def test_least_squares_is_lstsq(kind, dtype):
    a = matrix(dtype)
    left = np.random.default_rng(0).standard_normal((6, ROWS)).astype(dtype)
    expected = np.linalg.lstsq(left.T.astype(float), a.toarray().astype(float), rcond=None)[0]
    found = least_squares(left, passes(kind, a).left_times(left))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, atol=1000 * np.finfo(dtype).eps)


def test_least_squares_takes_columns_of_very_different_size():
    a = matrix()
    left = np.random.default_rng(0).standard_normal((5, ROWS)) * np.logspace(0, -12, 5)[:, None]
    found = least_squares(left, passes("dense", a).left_times(left))
    basis = np.linalg.qr(left.T / np.linalg.norm(left, axis=1))[0]
    np.testing.assert_allclose(left.T @ found, basis @ (basis.T @ a.toarray()), atol=1e-10)


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
    found = least_squares(left, Passes(open_array(a)).left_times(left))
    best = left.T @ np.linalg.lstsq(left.T, a, rcond=None)[0]
    np.testing.assert_allclose(left.T @ found, best, atol=1e-9)
