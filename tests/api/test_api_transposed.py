"""The transpose of a compressed matrix: NumPy's, but for the decoding."""

from __future__ import annotations

import copy
import pickle

import matrices
import numpy as np
import pytest

import lplrcli

INDICES = [0, -1, slice(3, 9), (slice(None), [1, 5, 2]), ([0, 3], [4, 4]), (None, 2), (..., 0), ...]


@pytest.fixture(scope="module", params=["factors", "factors+residual", "direct"])
def made(request):
    a = matrices.exponential(90, 50, dtype=np.float64)
    rank = None if request.param == "direct" else 12
    return lplrcli.compress(a, rank, bpc=6, mode=request.param)


def test_shape_type_and_text(made):
    t = made.T
    assert (t.shape, t.ndim, len(t), t.dtype) == ((50, 90), 2, 50, np.float64)
    assert np.size(t) == 4500
    assert t.matrix_shape == (50, 90)
    assert t.T is made
    assert "90 x 50" in repr(t)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing_is_that_of_the_transposed_array(made, index):
    found, expected = made.T[index], np.asarray(made).T[index]
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


def test_products_and_conversion(made):
    a = np.asarray(made)
    np.testing.assert_array_equal(np.asarray(made.T), a.T)
    assert np.asarray(made.T, np.float32).dtype == np.float32
    x, y = np.linspace(0, 1, 90), np.linspace(0, 1, 50)
    for found, expected in (
        (made.T @ x, a.T @ x), (y @ made.T, a @ y), (made.T.matvec(x), a.T @ x),
        (made.T.rmatvec(y), a @ y), (made.T @ made, a.T @ a),
    ):  # fmt: skip
        np.testing.assert_allclose(found, expected, atol=1e-10 * np.abs(expected).max())
    with pytest.raises(ValueError, match="cannot multiply"):
        made.T @ y


def test_copies(made):
    for again in (copy.deepcopy(made.T), pickle.loads(pickle.dumps(made.T))):
        np.testing.assert_array_equal(np.asarray(again), np.asarray(made.T))


def test_all_axes_of_an_array_are_reversed():
    a = np.random.default_rng(0).standard_normal((9, 4, 5)).astype(np.float32)
    c = lplrcli.compress(a, rel_error=0.01, mode="direct")
    whole = np.asarray(c)
    assert c.T.shape == (5, 4, 9)
    np.testing.assert_array_equal(np.asarray(c.T), whole.T)
    np.testing.assert_array_equal(c.T[2, [3, 1], ::2], whole.T[2, [3, 1], ::2])
    # Products are those of the matrix, whatever the axes.
    assert c.T.matrix_shape == (20, 9)
    np.testing.assert_allclose(
        c.T @ np.ones(9), whole.reshape(9, 20).T @ np.ones(9), rtol=1e-4, atol=1e-4
    )
