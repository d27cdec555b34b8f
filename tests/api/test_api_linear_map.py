"""Products under SciPy's names, with sparse operands, and without masked ones."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator, lsqr, svds

import lplrcli

ROWS, COLUMNS = 90, 50
MODES = ["factors", "factors+residual", "direct", "means"]
MODE = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module")
def made():
    a = matrices.exponential(ROWS, COLUMNS, dtype=np.float64)
    found = {
        mode: lplrcli.compress(a, None if mode == "direct" else 12, bpc=6, mode=mode)
        for mode in MODES[:3]
    }
    found["means"] = lplrcli.compress(a + 5, 12, bpc=6, mode="factors", center="both")
    return {mode: (c, np.asarray(c)) for mode, c in found.items()}


def assert_close(found, expected):
    assert type(found) is np.ndarray
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


@MODE
def test_scipy_takes_it_as_a_linear_operator(made, mode):
    c, a = made[mode]
    operator = aslinearoperator(c)
    assert operator.shape == a.shape
    assert operator.dtype == np.float64
    x, y = np.linspace(-1, 1, COLUMNS), np.linspace(1, 3, ROWS)
    assert_close(operator @ x, a @ x)
    assert_close(operator.H @ y, a.T @ y)
    assert_close(operator @ np.stack([x, x]).T, a @ np.stack([x, x]).T)
    assert_close(operator.rmatmat(np.stack([y, y]).T), a.T @ np.stack([y, y]).T)


@MODE
def test_iterative_methods_give_what_they_give_for_the_array(made, mode):
    c, a = made[mode]
    start = np.ones(COLUMNS)
    found, expected = (np.sort(svds(each, 4, v0=start)[1]) for each in (c, a))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    found = np.sort(svds(c.T, 4, v0=start)[1])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    y = a @ start
    np.testing.assert_allclose(
        a @ lsqr(c, y, damp=1e-3)[0], a @ lsqr(a, y, damp=1e-3)[0], rtol=1e-6
    )


@MODE
def test_vectors_and_matrices_of_every_allowed_shape(made, mode):
    c, a = made[mode]
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((COLUMNS, 3)), rng.standard_normal((ROWS, 3))
    assert_close(c.matvec(x[:, 0]), a @ x[:, 0])
    assert_close(c.matvec(x[:, :1]), a @ x[:, :1])
    assert_close(c.rmatvec(y[:, 0]), a.T @ y[:, 0])
    assert_close(c.rmatvec(y[:, :1].tolist()), a.T @ y[:, :1])
    assert_close(c.matmat(x), a @ x)
    assert_close(c.rmatmat(y), a.T @ y)
    assert_close(c.matmat(x * 1j), a @ x * 1j)
    for product, wrong in (
        (c.matvec, x), (c.rmatvec, y), (c.matvec, y[:, 0]), (c.rmatvec, x[:, 0]),
        (c.matmat, x[:, 0]), (c.rmatmat, y[:, 0]), (c.matmat, y), (c.rmatmat, x),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"needed|cannot multiply"):
            product(wrong)


@MODE
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_sparse_operands(made, mode, kind):
    c, a = made[mode]
    convert = getattr(scipy.sparse, kind)
    x = convert(scipy.sparse.random(COLUMNS, 7, 0.2, rng=0))
    y = convert(scipy.sparse.random(5, ROWS, 0.2, rng=1))
    for bound in (2**29, 0):  # all of the matrix in memory, or block by block
        c.cache_bytes = bound
        assert_close(c @ x, a @ x.toarray())
        assert_close(c.matmat(x), a @ x.toarray())
        assert_close(c.__rmatmul__(y), y.toarray() @ a)
        assert_close(c.T @ y.T, a.T @ y.toarray().T)
        with pytest.raises(ValueError, match="cannot multiply"):
            c @ y
    c.cache_bytes = 2**29
    assert_close(np.asarray(y @ c), y.toarray() @ a)  # which SciPy computes


@MODE
def test_masked_arrays_are_refused(made, mode):
    c, _ = made[mode]
    x = np.ma.masked_array(np.ones(COLUMNS), np.arange(COLUMNS) < 3)
    y = np.ma.masked_array(np.ones(ROWS), np.arange(ROWS) < 3)
    for product in (
        lambda: c @ x, lambda: y @ c, lambda: c.T @ y, lambda: x @ c.T,
        lambda: c.matvec(x), lambda: c.rmatvec(y), lambda: c.matmat(x[:, None]),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"filled\(\)"):
            product()
