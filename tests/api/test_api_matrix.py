"""What a compressed matrix can do: decode, multiply, be indexed, be saved."""

from __future__ import annotations

import copy
import functools
import pickle

import matrices
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

import lplrcli
from lplrcli.api.decoded_parts import DecodedParts
from lplrcli.errors import PlanError

ROWS, COLUMNS = 90, 50
A = matrices.exponential(ROWS, COLUMNS, dtype=np.float64)
METHODS = ["packed", "lplr", "lsvd", "dsvd", "nq"]


def compress(a, method="packed", **more):
    return lplrcli.compress(a, None if method == "nq" else 12, 5, method=method, **more)


MODES = ["factors", "factors+residual", "direct"]
NAMES = [*METHODS, "exponent", *MODES]
ANY = pytest.mark.parametrize("name", NAMES)


@functools.cache
def compressed(name):
    if name in MODES:
        return lplrcli.compress(A, None if name == "direct" else 12, bpc=5, mode=name)
    return compress(A * 1e300) if name == "exponent" else compress(A, name)


@functools.cache
def decoded(name):
    return np.asarray(compressed(name))


# -- what comes back


@ANY
def test_shape_type_and_rank(name):
    c = compressed(name)
    assert c.shape == (ROWS, COLUMNS)
    assert len(c) == ROWS
    assert c.ndim == 2
    assert c.dtype == np.float64
    assert c.rank == (0 if name in ("nq", "direct") else c.left.shape[1])
    assert c.rank <= 12


@ANY
def test_repr_says_what_it_is(name):
    text = repr(compressed(name))
    assert f"{ROWS} x {COLUMNS} float64" in text
    assert f"rank {compressed(name).rank}" in text
    assert f"{compressed(name).report.relative_frobenius_error:.4g}" in text


@ANY
def test_the_array_has_the_error_reported(name):
    c = compressed(name)
    original = A * 1e300 if name == "exponent" else A
    scale = np.abs(original).max()
    difference = np.linalg.norm(decoded(name) / scale - original / scale)
    error = difference / np.linalg.norm(original / scale)
    assert c.report.relative_frobenius_error == pytest.approx(error, rel=1e-6)


@ANY
def test_save_and_open(name, tmp_path):
    c = compressed(name)
    path = tmp_path / "a.lplr"
    c.save(path)
    with lplrcli.open(path) as again:
        np.testing.assert_array_equal(np.asarray(again), decoded(name))
        assert again.plan == c.plan
        assert again.report == c.report
        assert again.size == c.size == ROWS * COLUMNS
        assert again.size_report == c.size_report
        assert again.size_report.file_bytes == path.stat().st_size
        # A second generation is the same file.
        again.save(tmp_path / "b.lplr")
    assert (tmp_path / "b.lplr").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", bfloat16, "i1", "u2", "i8", "u8", "?"])
@pytest.mark.parametrize("method", ["packed", "nq"])
def test_the_type_survives_a_file(dtype, method, tmp_path):
    a = (np.abs(A) / np.abs(A).max() * 100).astype(dtype)
    c = compress(a, method)
    c.save(tmp_path / "a.lplr")
    with lplrcli.open(str(tmp_path / "a.lplr")) as again:
        assert again.dtype == a.dtype
        assert again[:].dtype == a.dtype
        np.testing.assert_array_equal(again[:].astype(float), c[:].astype(float))


def test_size_is_that_of_the_file():
    size = compressed("packed").size_report
    assert size.bits_per_coordinate == pytest.approx(8 * size.file_bytes / (ROWS * COLUMNS))
    assert size.compression_ratio == pytest.approx(ROWS * COLUMNS * 8 / size.file_bytes)


def test_saving_replaces_a_file_even_the_one_opened(tmp_path):
    path = tmp_path / "a.lplr"
    compressed("packed").save(path)
    with lplrcli.open(path) as c:
        c.save(path)
        np.testing.assert_array_equal(c[:], decoded("packed"))
    with lplrcli.open(path) as c:
        np.testing.assert_array_equal(c[:], decoded("packed"))


def test_asarray_converts_but_never_without_a_copy():
    c = compressed("packed")
    assert np.asarray(c, np.float32).dtype == np.float32
    np.testing.assert_array_equal(np.array(c), decoded("packed"))
    with pytest.raises(ValueError, match="decoding"):
        np.asarray(c, copy=False)


def test_factors_multiply_to_the_matrix():
    for name in ("packed", "lplr", "exponent", "factors"):
        c = compressed(name)
        product = np.ldexp(c.left @ c.right, c.plan.exponent)
        np.testing.assert_allclose(product, decoded(name), rtol=1e-9, atol=1e-12 * product.max())
    with pytest.raises(ValueError, match="no factors"):
        _ = compressed("nq").left


# -- closing


def test_closing_what_was_never_a_file_does_nothing():
    c = compress(A)
    with c:
        pass
    assert c[0, 0] == decoded("packed")[0, 0]


# -- products


def assert_close(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-11 * max(np.abs(expected).max(), 1e-300))


@ANY
@pytest.mark.parametrize("columns", [None, 0, 1, 7])
def test_products_are_those_of_the_array(name, columns):
    generator = np.random.default_rng(0)
    x = generator.standard_normal((COLUMNS,) if columns is None else (COLUMNS, columns))
    y = generator.standard_normal((ROWS,) if columns is None else (columns, ROWS))
    c, a = compressed(name), decoded(name)
    if columns == 0:
        assert (c @ x).shape == (ROWS, 0)
        assert (y @ c).shape == (0, COLUMNS)
        return
    assert_close(c @ x, a @ x)
    assert_close(y @ c, y @ a)


@ANY
def test_products_with_lists_and_integers(name):
    c, a = compressed(name), decoded(name)
    assert_close(c @ list(range(COLUMNS)), a @ np.arange(COLUMNS))
    assert_close(np.arange(ROWS) @ c, np.arange(ROWS) @ a)


def test_products_do_not_form_the_matrix(monkeypatch):
    c = compress(A)
    monkeypatch.setattr(type(c), "__array__", None)
    monkeypatch.setattr(type(c), "__getitem__", None)
    monkeypatch.setattr(DecodedParts, "blocks", None)
    assert (np.ones((2, ROWS)) @ c @ np.ones(COLUMNS)).shape == (2,)


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, bool])
@pytest.mark.parametrize("method", ["packed", "nq"])
def test_products_of_narrow_types_are_computed_in_floating_point(dtype, method):
    a = (np.abs(A) / np.abs(A).max() * 200).astype(dtype)
    c = compress(a, method)
    x = np.ones(COLUMNS, np.float32)
    if method == "nq":
        expected, slack = c[:].astype(np.float64) @ x, 0.01 if dtype is np.float16 else 0.5
    else:  # from the factors: entries are neither rounded to integers nor cut to their range first
        expected, slack = c.left.astype(np.float64) @ (c.right.astype(np.float64) @ x), 1e-4
    np.testing.assert_allclose(c @ x, expected, atol=slack * COLUMNS)


def test_sums_of_small_integers_do_not_wrap():
    c = lplrcli.compress(np.full((60, 50), 200, np.uint8), method="nq", bits=8)
    x = np.ones(50, np.uint8)
    np.testing.assert_allclose(np.asarray(c @ x, float), 200 * 50)
    np.testing.assert_allclose(np.asarray(np.ones(60, np.uint8) @ c, float), 200 * 60)


@ANY
@pytest.mark.parametrize("shape", [(), (COLUMNS + 1,), (ROWS, 2), (2, COLUMNS, 3)])
def test_operands_of_another_shape_are_refused(name, shape):
    with pytest.raises(ValueError, match="cannot multiply"):
        compressed(name) @ np.ones(shape)


@ANY
@pytest.mark.parametrize("shape", [(), (ROWS + 1,), (2, COLUMNS), (2, 3, ROWS)])
def test_operands_of_another_shape_are_refused_from_the_left(name, shape):
    with pytest.raises(ValueError, match="cannot multiply"):
        np.ones(shape) @ compressed(name)


# -- indexing


def indices(size):
    return st.integers(-size, size - 1) | st.slices(size)


@ANY
@given(rows=indices(ROWS), columns=indices(COLUMNS), both=st.booleans())
@settings(deadline=None, max_examples=20)
def test_indexing_is_that_of_the_array(name, rows, columns, both):
    index = (rows, columns) if both else rows
    found, expected = compressed(name)[index], decoded(name)[index]
    assert np.shape(found) == np.shape(expected)
    scale = np.abs(decoded(name)).max()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13 * scale)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    "index", [slice(5, 5), slice(9, 3), slice(None, None, -1), (slice(3, 60, 7), slice(40, 2, -3)),
              (slice(0, 0), slice(0, 0)), (np.int64(3), -1), slice(1000, 2000)], ids=str,
)  # fmt: skip
@ANY
def test_slices_empty_and_backwards(name, index):
    found, expected = compressed(name)[index], decoded(name)[index]
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("index", [ROWS, -ROWS - 1, (0, COLUMNS), (0, -COLUMNS - 1)])
def test_positions_out_of_range_are_refused(index):
    with pytest.raises(IndexError, match="out of range"):
        compressed("packed")[index]


@pytest.mark.parametrize(
    "index", [1.5, "a", [1.0], {1: 2}, [[1], [1, 2]], np.ma.masked_array([1, 2], [0, 1])], ids=str
)
def test_other_indices_are_refused(index):
    with pytest.raises(TypeError, match=r"integers or slices|filled\(\)"):
        compressed("packed")[index]


MASK = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 97 == 3


@pytest.mark.parametrize(
    "index",
    [[5, 2, -1, 5], ([1, 2], [3, 4]), (slice(4, 9), [7, 3]), ([[1, 2], [3, 4]], slice(9, 2, -2)),
     MASK, MASK[:, 0], (..., MASK[0]), None, (None, 3), (..., None), ([1, 2], None, [3, 4]), [],
     np.ix_([9, 1], [5, 3, 4]), True, False, (0, [1, 2]), np.array([], bool)[:0].nonzero(),
     np.uint8([200 - 150, 3]), (2, np.int64(3), None)],
    ids=lambda index: str(index)[:30],
)  # fmt: skip
@ANY
def test_lists_masks_and_new_axes_as_numpy(name, index):
    found, expected = compressed(name)[index], decoded(name)[index]
    assert np.shape(found) == np.shape(expected)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13 * np.abs(decoded(name)).max())


@pytest.mark.parametrize("index", [[ROWS], ([0], [-COLUMNS - 1]), np.ones(3, bool), MASK.T])
def test_lists_out_of_range_and_masks_that_do_not_fit_are_refused(index):
    with pytest.raises(IndexError, match=r"range|does not fit"):
        compressed("packed")[index]


# -- copies


@ANY
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_copies_and_pickles_are_the_bytes_of_the_file(name, copied, tmp_path):
    c = compressed(name)
    c.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr", cache_bytes=5000) as opened:
        _ = opened[0]  # what is decoded is not pickled
        for each in (c, opened):
            again = copied(each)
            assert again.cache_bytes == each.cache_bytes
            assert again.plan == c.plan
            np.testing.assert_array_equal(np.asarray(again), decoded(name))
            again.save(tmp_path / "b.lplr")
            assert (tmp_path / "b.lplr").read_bytes() == (tmp_path / "a.lplr").read_bytes()
            assert len(pickle.dumps(again)) < (tmp_path / "a.lplr").stat().st_size + 300


def test_a_copy_outlives_the_file(tmp_path):
    compressed("packed").save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as c:
        again = copy.deepcopy(c)
    np.testing.assert_array_equal(again[:], decoded("packed"))


# -- what is kept


def test_the_bound_can_be_read_and_set(tmp_path):
    c = compress(A)
    assert c.cache_bytes == 2**29
    c.cache_bytes = 0
    assert c.cache_bytes == 0
    c.save(tmp_path / "a.lplr")
    for wrong, error in ((-1, PlanError), (0.5, TypeError)):
        with pytest.raises(error):
            c.cache_bytes = wrong
        with pytest.raises(error):
            lplrcli.open(tmp_path / "a.lplr", cache_bytes=wrong)


def test_too_many_indices_are_refused():
    with pytest.raises(IndexError, match="indices"):
        compressed("packed")[1, 2, 3]


def test_iterating_gives_the_rows():
    rows = list(compressed("packed"))
    assert len(rows) == ROWS
    np.testing.assert_allclose(rows, decoded("packed"), rtol=1e-9, atol=1e-13)
