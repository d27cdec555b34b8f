"""Arrays of three to five dimensions in the public interface."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

import lplrcli
from lplrcli.errors import InputError, NonFiniteError, PlanError, TargetUnreachableError

pytestmark = pytest.mark.usefixtures("few_states_throughout")

SHAPE = (12, 8, 10)


def field(shape, dtype=np.float32):
    """A smooth array and some noise, positive and at most 100."""
    axes = np.meshgrid(*(np.linspace(0, 1, extent) for extent in shape), indexing="ij")
    waves = sum(np.sin((3 + i) * axis) for i, axis in enumerate(axes)) + math.prod(axes)
    noisy = waves + 0.05 * np.random.default_rng(0).standard_normal(shape)
    scaled = 100 * (noisy - noisy.min()) / max(np.ptp(noisy), 1e-9)
    return (scaled > 50 if np.dtype(dtype) == bool else scaled).astype(dtype)


A = field(SHAPE)
METHODS = {
    "packed": {"rank": 5, "bits": 4},
    "nq": {"method": "nq", "bits": 3},
    "lplr": {"method": "lplr", "rank": 4, "bits": 6},
    "factors": {"rel_error": 0.05, "mode": "factors"},
    "factors+residual": {"rel_error": 0.02, "mode": "factors+residual"},
    "direct": {"rel_error": 0.02, "mode": "direct"},
}


def untransformed(method):
    """What does not depend on the grid; codes of fixed width are never transformed."""
    asked = METHODS[method]
    return {**asked, "transform": "none"} if "rel_error" in asked else asked


@pytest.fixture(scope="module")
def compressed(few_states_throughout):
    return {
        (name, unfold): lplrcli.compress(A, unfold=unfold, **asked)
        for name, asked in METHODS.items()
        for unfold in (1, 2)
    }


EACH = pytest.mark.parametrize("unfold", [1, 2])
ANY = pytest.mark.parametrize("name", METHODS)


# -- an array is the matrix it is reshaped to


@given(
    shape=st.lists(st.integers(2, 5), min_size=3, max_size=5).map(tuple),
    order=st.sampled_from("CF"),
    dtype=st.sampled_from([np.float32, np.float64, np.float16, np.uint8, bool, bfloat16]),
    kind=st.sampled_from(["npy", "hdf5", "memory", "mapped", "dataset"]),
    method=st.sampled_from([*METHODS]),
    data=st.data(),
)
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_decodes_is_what_the_reshaped_matrix_gives(
    tmp_path, shape, order, dtype, kind, method, data
):
    unfold = data.draw(st.integers(1, len(shape) - 1))
    a = np.asarray(field(shape, dtype), order=order)
    asked = untransformed(method)
    try:
        expected = lplrcli.compress(a.reshape(math.prod(shape[:unfold]), -1), **asked)
    except TargetUnreachableError:  # of a few entries of a narrow type
        with pytest.raises(TargetUnreachableError):
            lplrcli.compress(a, unfold=unfold, **asked)
        return
    given_as = a
    if kind in ("npy", "mapped"):
        np.save(tmp_path / "a.npy", a)
        given_as = tmp_path / "a.npy"
        if kind == "mapped" and dtype is not bfloat16:
            given_as = np.load(given_as, mmap_mode="r")
    elif kind in ("hdf5", "dataset"):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("u", data=a, chunks=tuple(1 + n // 2 for n in shape))
        given_as = tmp_path / "a.h5"
    if kind == "dataset":
        with h5py.File(given_as) as file:
            found = lplrcli.compress(file["u"], unfold=unfold, **asked)
    else:
        found = lplrcli.compress(given_as, unfold=unfold, **asked)
    assert (found.shape, found.ndim, found.unfold) == (shape, len(shape), unfold)
    assert (found.matrix_shape, found.dtype) == (expected.shape, expected.dtype)
    array = np.asarray(found)
    assert array.shape == shape
    np.testing.assert_array_equal(array, np.asarray(expected).reshape(shape))
    assert found.report == expected.report
    found.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as again:
        assert (again.shape, again.unfold) == (shape, unfold)
        np.testing.assert_array_equal(np.asarray(again), array)


def test_the_first_axis_is_the_rows_unless_told():
    assert lplrcli.compress(A, 3).matrix_shape == (12, 80)


# -- what comes back


@ANY
@EACH
@given(
    index=st.tuples(*(st.integers(-n, n - 1) | st.slices(n) for n in SHAPE)),
    axes=st.integers(0, 3),
    dots=st.integers(0, 3) | st.none(),
)
@settings(deadline=None, max_examples=15)
def test_indexing_is_that_of_the_array(compressed, name, unfold, index, axes, dots):
    index = index[:axes]
    if dots is not None and dots >= axes:
        index = (*index, ...)
    c = compressed[name, unfold]
    found, expected = c[index], np.asarray(c)[index]
    assert np.shape(found) == np.shape(expected)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@EACH
def test_a_part_as_in_the_readme(compressed, unfold):
    c = compressed["packed", unfold]
    np.testing.assert_allclose(c[10, :, 3:9:2], np.asarray(c)[10, :, 3:9:2], rtol=1e-5)
    np.testing.assert_allclose(c[..., -1], np.asarray(c)[..., -1], rtol=1e-5)
    assert np.ndim(c[1, 2, 3]) == 0
    assert len(c) == 12
    assert len(list(c)) == 12
    with pytest.raises(IndexError, match="3 axes, 4 were given"):
        c[0, 0, 0, 0]
    with pytest.raises(IndexError, match="out of range"):
        c[0, 8]


@ANY
@EACH
def test_products_are_those_of_the_matrix(compressed, name, unfold):
    c = compressed[name, unfold]
    matrix = np.asarray(c).reshape(c.matrix_shape)
    x, y = (np.random.default_rng(1).standard_normal((2, side)) for side in c.matrix_shape)
    np.testing.assert_allclose(c @ y.T, matrix @ y.T, rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(x @ c, x @ matrix, rtol=1e-3, atol=1e-2)
    with pytest.raises(ValueError, match=f"{c.matrix_shape[0]} x {c.matrix_shape[1]} matrix"):
        c @ np.ones(SHAPE[2] + 1)


@EACH
def test_size_and_text(compressed, unfold):
    c = compressed["packed", unfold]
    assert c.size_report.bits_per_coordinate == pytest.approx(8 * c.size_report.file_bytes / A.size)
    assert f"12 x 8 x 10 as {c.matrix_shape[0]} x {c.matrix_shape[1]} float32" in repr(c)


# -- grids


@ANY
@EACH
def test_factors_know_the_grid_of_their_side(compressed, name, unfold):
    made = compressed[name, unfold].factorization
    if made.left is not None:
        assert made.left.grid == SHAPE[:unfold]
        assert made.right.grid == SHAPE[unfold:]
    if made.residual is not None:
        rows, columns = made.shape
        # Few rows are coded in one run, one row after another.
        lengths = (rows * columns,) if rows <= 20 and rows < columns else (rows,)
        assert made.residual.grid == (made.shape if name == "nq" else lengths)


@ANY
def test_grids_of_a_matrix_are_kept_and_change_nothing_without_a_transform(name, tmp_path):
    matrix = A.reshape(12, 80)
    asked = untransformed(name)
    plain = lplrcli.compress(matrix, **asked)
    c = lplrcli.compress(matrix, **asked, row_grid=[3, 4], column_grid=(8, 10))
    assert c.shape == (12, 80)
    c.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as again:
        np.testing.assert_array_equal(np.asarray(again), np.asarray(plain))
        if again.factorization.left is not None:
            assert again.factorization.left.grid == (3, 4)
            assert again.factorization.right.grid == (8, 10)


# -- the unfolding that is predicted to be best


def of_low_rank(unfold):
    """4 x 30 x 6 x 40, of rank 3 if `unfold` axes are rows, and of high rank if others are."""
    shape = (4, 30, 6, 40)
    rows, columns = math.prod(shape[:unfold]), math.prod(shape[unfold:])
    left, right = (
        np.random.default_rng(i).standard_normal((n, 3)) for i, n in enumerate((rows, columns))
    )
    return (left @ right.T).reshape(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("unfold", "asked", "kind"),
    [
        (3, {"rel_error": 0.05}, "hdf5"),
        (3, {"bpc": 1}, "F"),
        (2, {"max_abs_error": 0.2}, "npy"),
    ],
    ids=str,
)
def test_auto_finds_the_axes_of_low_rank(tmp_path, unfold, asked, kind):
    a = given_as = of_low_rank(unfold)
    if kind == "F":
        given_as = np.asfortranarray(a)
    elif kind == "npy":
        given_as = tmp_path / "a.npy"
        np.save(given_as, a)
    elif kind == "hdf5":
        given_as = tmp_path / "a.h5"
        with h5py.File(given_as, "w") as file:
            file.create_dataset("u", data=a, chunks=(2, 9, 4, 40))
    c = lplrcli.compress(given_as, unfold="auto", **asked)
    assert c.unfold == unfold
    plain = lplrcli.compress(a, unfold=unfold, **asked)
    np.testing.assert_array_equal(np.asarray(c), np.asarray(plain))


def test_auto_of_a_matrix_is_the_matrix():
    assert lplrcli.compress(A[0], unfold="auto", rel_error=0.1).matrix_shape == (8, 10)


def test_auto_needs_a_prediction():
    with pytest.raises(PlanError, match="need a size or an error"):
        lplrcli.compress(A, 3, unfold="auto")


def test_auto_refuses_what_no_unfolding_reaches():
    with pytest.raises(TargetUnreachableError):
        lplrcli.compress(A, unfold="auto", size=100)
    with pytest.raises(NonFiniteError):
        lplrcli.compress(np.full((3, 4, 5), np.nan), unfold="auto", bpc=1)


# -- what is refused


@pytest.mark.parametrize("unfold", [0, 3, -1])
def test_axes_that_are_not_there(unfold):
    with pytest.raises(PlanError, match="expected 1 to 2"):
        lplrcli.compress(A, 3, unfold=unfold)


def test_grids_that_do_not_fit():
    with pytest.raises(PlanError, match="product of 80"):
        lplrcli.compress(A.reshape(12, 80), 3, column_grid=(8, 9))
    with pytest.raises(PlanError, match="two dimensions"):
        lplrcli.compress(A, 3, column_grid=(8, 10))


@pytest.mark.parametrize("shape", [(), (960,), (12, 8, 10, 1, 1, 1), (3, 0, 2)])
def test_other_arrays(shape):
    with pytest.raises(InputError):
        lplrcli.compress(np.ones(shape), 3)


@EACH
def test_nan_is_refused_with_its_index(unfold):
    a = A.copy()
    a[7, 3, 9] = np.nan
    with pytest.raises(NonFiniteError, match=r"the first at index \(7, 3, 9\)") as caught:
        lplrcli.compress(a, 3, unfold=unfold)
    assert caught.value.position == (7, 3, 9)
