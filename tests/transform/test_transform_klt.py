"""The Karhunen-Loève transform, against NumPy's and SciPy's decompositions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import qr

from lplrcli.model.compressed import basis_stride, most_vectors
from lplrcli.transform.klt import (
    KarhunenLoeve,
    certain_vectors,
    orthonormal,
    principal_vectors,
    stacked,
)

GRIDS = st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple)


def fields(grid, components=3, seed=0):
    return np.random.default_rng(seed).standard_normal((components, math.prod(grid)))


def of_rank(grid, rank, seed=0):
    """Components in the span of `rank` vectors along every axis, and these, orthonormal."""
    generator = np.random.default_rng(seed)
    bases = [np.linalg.qr(generator.standard_normal((extent, rank)))[0] for extent in grid]
    found = generator.standard_normal((5, *[rank] * len(grid)))
    for axis, basis in enumerate(bases, 1):
        found = np.moveaxis(np.tensordot(basis, found, (1, axis)), 0, axis)
    return found.reshape(5, -1), tuple(bases)


def unfolding(factor, grid, axis):
    """Lines of all components along an axis, as columns."""
    return np.moveaxis(factor.reshape(-1, *grid), axis + 1, 0).reshape(grid[axis], -1)


@pytest.mark.parametrize("grid", [(7, 5), (4, 1, 6), (9,), (3, 4, 5), (40, 2)])
def test_principal_vectors_are_left_singular_vectors_of_the_unfoldings(grid):
    factor = fields(grid)
    for axis, found in enumerate(principal_vectors(factor, grid)):
        vectors, values, _ = np.linalg.svd(unfolding(factor, grid, axis), full_matrices=False)
        kept = values > 1e-6 * values[0]
        np.testing.assert_allclose(np.linalg.norm(found, axis=0)[: len(values)], values, atol=1e-6)
        inner = (found[:, : len(values)] / np.where(kept, values, 1)).T @ vectors
        np.testing.assert_allclose(np.abs(inner[kept][:, kept]), np.eye(kept.sum()), atol=1e-6)
        assert np.square(found).sum() == pytest.approx(np.square(factor).sum())


@pytest.mark.parametrize("grid", [(7, 5), (8, 3, 6), (9,)])
def test_within_the_span_the_inverse_undoes_it_and_lengths_stay(grid):
    factor, bases = of_rank(grid, 3)
    before = factor.copy()
    transform = KarhunenLoeve(bases)
    coefficients = transform.forward(factor, grid)
    assert coefficients.shape == factor.shape
    np.testing.assert_array_equal(factor, before)
    corner = np.s_[:, *[slice(3)] * len(grid)]
    outside = coefficients.reshape(5, *grid).copy()
    outside[corner] = 0
    assert not outside.any()
    np.testing.assert_allclose(transform.inverse(coefficients, grid), factor, atol=1e-12)
    np.testing.assert_allclose(coefficients @ coefficients.T, factor @ factor.T, atol=1e-12)


def test_coefficients_beyond_a_basis_contribute_nothing():
    _, bases = of_rank((6, 8), 2)
    coefficients = fields((6, 8))
    inside = np.zeros((3, 6, 8))
    inside[:, :2, :2] = coefficients.reshape(3, 6, 8)[:, :2, :2]
    found = [KarhunenLoeve(bases).inverse(c, (6, 8)) for c in (coefficients, inside.reshape(3, -1))]
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)


def test_it_is_the_sum_over_all_axes():
    coefficients, bases = fields((3, 4)), of_rank((3, 4), 2)[1]
    whole = np.kron(*[np.pad(b, ((0, 0), (0, len(b) - 2))) for b in bases])
    transform = KarhunenLoeve(bases)
    np.testing.assert_allclose(transform.inverse(coefficients, (3, 4)), coefficients @ whole.T)
    np.testing.assert_allclose(transform.forward(coefficients, (3, 4)), coefficients @ whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_stays(dtype):
    factor, bases = of_rank((6, 8), 2)
    transform = KarhunenLoeve(bases)
    coefficients = transform.forward(factor.astype(dtype), (6, 8))
    assert coefficients.dtype == dtype
    assert transform.inverse(coefficients, (6, 8)).dtype == dtype


@settings(deadline=None, max_examples=50)
@given(GRIDS, st.integers(0, 14), st.integers(0, 99), st.integers(-900, 900))
def test_stored_vectors_become_what_scipys_qr_gives(grid, count, seed, exponent):
    stride = basis_stride(grid)
    generator = np.random.default_rng(seed)
    stored = generator.standard_normal((count, len(grid) * stride)) * 2.0**exponent
    for axis, (extent, found) in enumerate(zip(grid, orthonormal(stored, grid), strict=True)):
        vectors = stored[:extent, axis * stride : axis * stride + extent].T * 2.0**-exponent
        expected, triangle = qr(vectors, mode="economic") if count else (vectors, vectors)
        some = found.shape[1]
        assert some == min(count, extent) or abs(triangle[some, some]) < 0.01
        np.testing.assert_allclose(found.T @ found, np.eye(some), atol=1e-13)
        signs = np.sign(np.diagonal(triangle))[:some]
        np.testing.assert_allclose(found, expected[:, :some] * signs, atol=1e-9)


def test_perturbed_vectors_make_a_basis_near_the_exact_one():
    bases = of_rank((12, 9), 4)[1]
    lengths = np.array([100.0, 10.0, 3.0, 1.0])
    stored = stacked(tuple(basis * lengths for basis in bases))
    stored += 1e-4 * np.random.default_rng(1).standard_normal(stored.shape)
    for found, basis in zip(orthonormal(stored, (12, 9)), bases, strict=True):
        np.testing.assert_allclose(found, basis, atol=1e-3)


@pytest.mark.parametrize("scale", [1.0, 2.0**-980, 2.0**980])
@pytest.mark.parametrize(
    ("last", "kept"),
    [
        ([0, 0, 0], 2), ([5, -3, 0], 2), ([1, 1, 2**-11], 2), ([1, 1, 2**-9], 3),
        ([0, 0, 2**-40], 3), ([2**40, 0, 0], 2),
    ],
)  # fmt: skip
def test_a_dependent_vector_ends_its_axis(last, kept, scale):
    vectors = np.array([[1, 0, 0], [1, 1, 0], last], float).T * scale
    stored = stacked((vectors, np.eye(3) * scale))
    first, second = orthonormal(stored, (3, 3))
    np.testing.assert_allclose(first, np.eye(3)[:, :kept], atol=1e-9)
    np.testing.assert_allclose(second, np.eye(3))


def test_what_comes_after_a_dependent_vector_does_not_count():
    vectors = np.array([[1, 0, 0], [2, 0, 0], [0, 1, 0]], float).T
    first, second = orthonormal(stacked((vectors, np.eye(3))), (3, 3))
    assert first.shape == (3, 1) and second.shape == (3, 3)


@pytest.mark.parametrize("part", [-13, -11, -10, -9, -7])
def test_vectors_almost_dependent_are_certain_to_no_reader(part):
    vectors = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 2.0**part]]).T
    stored = stacked((np.eye(3)[:, :2], vectors))
    assert certain_vectors(stored, (3, 3)) == (3 if part in (-13, -7) else 2)


def test_a_basis_may_have_no_vectors_at_all():
    stored = np.zeros((0, 16))
    assert [basis.shape for basis in orthonormal(stored, (3, 5))] == [(3, 0), (5, 0)]
    assert certain_vectors(stored, (3, 5)) == 0
    found = KarhunenLoeve(orthonormal(stored, (3, 5))).inverse(np.ones((2, 15)), (3, 5))
    assert found.shape == (2, 15) and not found.any()


def test_runs_are_filled_with_their_ends():
    stored = stacked((np.arange(1.0, 7).reshape(3, 2), np.ones((10, 1))))
    assert stored.shape == (2, 32)
    assert stored[0, :16].tolist() == [1, 3, 5, *[5] * 13]
    assert stored[:, 16:].tolist() == [[1] * 16, [0] * 16]


def test_vectors_are_no_more_than_the_extent_and_than_memory_allows():
    assert most_vectors((30, 20), 1) == 30
    assert most_vectors((2**15, 2), 1) == 2**20 // 2**16
    assert most_vectors((2**15, 2), 100) == 100
    assert most_vectors((2**40, 2), 1) == 1
    assert most_vectors((2**40, 1, 1), 1) == 0
