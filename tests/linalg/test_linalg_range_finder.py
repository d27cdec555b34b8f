"""Leading directions on known spectra, against scipy's singular value decomposition."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import svdvals

from lplrcli.io import open_array
from lplrcli.linalg import range_finder
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.projection import least_squares
from lplrcli.linalg.range_finder import leading_directions
from lplrcli.model.plan import SKETCHES


def directions(a, rank, basis, monkeypatch, sketch="gaussian", extra=10, iterations=2):
    if basis == "sketch":
        monkeypatch.setattr(range_finder, "GRAM_COLUMNS", 0)
    passes = Passes(open_array(a))
    passes.scan()
    size = min(rank + extra, *a.shape)
    found = leading_directions(
        passes, rank, sketch=sketch, sketch_size=size, power_iterations=iterations, seed=0
    )
    assert found.found_by == basis
    assert found.left.shape == (rank, a.shape[0])
    return found, passes


def projection_error(a, found, passes):
    """Relative error of the best approximation of A with the columns found."""
    fitted = least_squares(found.left, passes.left_times(found.left))
    return np.linalg.norm(a - found.left.T @ fitted) / np.linalg.norm(a)


BASES = pytest.mark.parametrize("basis", ["gram", "sketch"])
SHAPES = pytest.mark.parametrize("shape", [(300, 120), (120, 300)])
SPECTRA = {
    "exponential": (matrices.exponential, lambda k: np.exp(-np.arange(k) / 50)),
    "harmonic": (matrices.harmonic, lambda k: 1 / np.arange(1, k + 1)),
}


@BASES
@SHAPES
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_error_is_near_that_of_the_best_truncation(basis, shape, spectrum, dtype, monkeypatch):
    make, values = SPECTRA[spectrum]
    a = make(*shape, dtype=dtype)
    found, passes = directions(a, 20, basis, monkeypatch)
    best = matrices.tail_error(values(120), 20)
    assert projection_error(a, found, passes) <= best * (1.0001 if basis == "gram" else 1.03)


@BASES
def test_a_low_rank_is_found_under_noise(basis, monkeypatch):
    a = matrices.low_rank(400, 150, 12, noise=0.05)
    found, passes = directions(a, 12, basis, monkeypatch)
    assert projection_error(a, found, passes) < 0.05


@BASES
@SHAPES
def test_energies_are_squared_singular_values(basis, shape, monkeypatch):
    a = matrices.harmonic(*shape, dtype=np.float64)
    found, _ = directions(a, 15, basis, monkeypatch)
    expected = svdvals(a)[:15] ** 2
    np.testing.assert_allclose(found.energies, expected, rtol=1e-10 if basis == "gram" else 0.15)
    # A projection cannot have more energy than A.
    assert np.all(found.energies <= expected * (1 + 1e-10))


@BASES
def test_columns_are_orthogonal_with_their_energies(basis, monkeypatch):
    a = matrices.exponential(300, 120, dtype=np.float64)
    found, _ = directions(a, 15, basis, monkeypatch)
    np.testing.assert_allclose(
        found.left @ found.left.T, np.diag(found.energies), atol=1e-11 * found.energies[0]
    )
    assert np.all(np.diff(found.energies) <= 0)


@pytest.mark.parametrize("sketch", SKETCHES)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_every_sketch_serves_dense_and_sparse(sketch, form, monkeypatch):
    a = matrices.exponential(300, 120)
    found, passes = directions(form(a), 20, "sketch", monkeypatch, sketch)
    best = matrices.tail_error(np.exp(-np.arange(120) / 50), 20)
    assert projection_error(a, found, passes) <= 1.05 * best


def test_more_power_iterations_do_not_hurt(monkeypatch):
    # Without orthonormalisation between them they would.
    a = matrices.harmonic(300, 120)
    errors = []
    for iterations in (1, 2, 6):
        found, passes = directions(a, 20, "sketch", monkeypatch, iterations=iterations)
        errors.append(projection_error(a, found, passes))
    assert errors[0] >= errors[1] * 0.999 >= errors[2] * 0.998


def test_a_wide_matrix_is_sketched(monkeypatch):
    a = matrices.exponential(40, 3000)
    found, passes = directions(a, 40, "sketch", monkeypatch)
    assert projection_error(a, found, passes) < 1e-5


@BASES
@pytest.mark.parametrize(
    "a",
    [
        np.zeros((30, 20)),
        np.full((30, 20), 3.0),
        np.outer(np.arange(1.0, 31), np.arange(1.0, 21)),
        np.repeat(np.random.default_rng(0).standard_normal((3, 20)), 10, axis=0),
        np.ones((1, 20)),
        np.ones((30, 1)),
        np.eye(20),
    ],
    ids=["zero", "constant", "rank 1", "duplicated rows", "one row", "one column", "identity"],
)
def test_every_direction_of_ordinary_extremes(basis, a, monkeypatch):
    found, passes = directions(a, min(a.shape), basis, monkeypatch)
    assert np.all(np.isfinite(found.left))
    fitted = least_squares(found.left, passes.left_times(found.left))
    np.testing.assert_allclose(found.left.T @ fitted, a, atol=1e-9 * max(np.abs(a).max(), 1))


@pytest.mark.parametrize("rank", [1, 5, 40])
@pytest.mark.parametrize("sketch_size", [8, 30, 40])
def test_the_krylov_basis_is_orthonormal_whatever_the_rank(rank, sketch_size, monkeypatch):
    # Blocks that add nothing, and blocks that fill the whole space, are where it would not be.
    monkeypatch.setattr(range_finder, "GRAM_COLUMNS", 0)
    generator = np.random.default_rng(rank)
    a = generator.standard_normal((90, rank)) @ generator.standard_normal((rank, 40))
    for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
        with open_array(a.astype(dtype)) as source:
            found = range_finder.leading_directions(
                Passes(source), 8, sketch="gaussian", sketch_size=sketch_size,
                power_iterations=3, seed=0,
            )  # fmt: skip
        assert found.found_by == "sketch"
        basis = found.row_basis
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=tolerance)
        assert found.energies.sum() <= np.linalg.norm(a) ** 2 * (1 + 1e-5)


# -- as many directions as are needed


def needed(a, wanted, monkeypatch, basis="sketch", seed=0, block=None):
    """Directions of `a`; `wanted` is told the energies and whether they are all."""
    if basis == "sketch":
        monkeypatch.setattr(range_finder, "gram_is_affordable", lambda shape: False)
    if block:
        monkeypatch.setattr(range_finder, "FIRST_BLOCK", block)
    passes = Passes(open_array(a))
    found = range_finder.directions_needed(
        passes, wanted, sketch="gaussian", power_iterations=2, seed=seed
    )
    assert found.found_by == basis
    width = found.row_basis.shape[1]
    assert found.projected.shape == (a.shape[0], width)
    tolerance = 1e-4 if a.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found.row_basis.T @ found.row_basis, np.eye(width), atol=tolerance)
    scale = np.linalg.norm(a)
    np.testing.assert_allclose(found.projected, a @ found.row_basis, atol=tolerance * scale)
    energies = np.square(found.left, dtype=np.float64).sum(axis=1)
    np.testing.assert_allclose(energies, found.energies, atol=tolerance * scale**2)
    assert np.all(np.diff(found.energies) <= 0)
    return found


def down_to(energy):
    """All directions with more energy than that."""

    def wanted(energies, complete):
        count = int((energies > energy).sum())
        return count + 1 if count == len(energies) and not complete else count

    return wanted


@BASES
@pytest.mark.parametrize("shape", [(300, 200), (200, 300)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_basis_grows_until_it_holds_what_is_needed(basis, shape, dtype, monkeypatch):
    a = matrices.exponential(*shape, dtype=dtype)
    found = needed(a, down_to(0.05), monkeypatch, basis, block=16)
    expected = np.exp(-np.arange(200) / 25)  # squares of exp(-i/50): 74 of them are above
    count = int((expected > 0.05).sum())
    assert count <= len(found.energies) <= 2 * count + 16
    np.testing.assert_allclose(found.energies[: count // 2], expected[: count // 2], rtol=0.02)


@pytest.mark.parametrize("block", [1, 5, 64])
def test_everything_may_be_needed(block, monkeypatch):
    a = np.random.default_rng(0).standard_normal((50, 37))
    found = needed(a, lambda energies, complete: len(energies) + 1, monkeypatch, block=block)
    assert len(found.energies) == 37
    np.testing.assert_allclose(found.energies, svdvals(a) ** 2, rtol=1e-9)


@BASES
@pytest.mark.parametrize("rank", [1, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_low_rank_ends_the_search(basis, rank, dtype, monkeypatch):
    generator = np.random.default_rng(rank)
    a = generator.standard_normal((90, rank)) @ generator.standard_normal((rank, 60))
    told = []

    def wanted(energies, complete):
        told.append(complete)
        return len(energies) + (not complete)

    found = needed(a.astype(dtype), wanted, monkeypatch, basis, block=4)
    assert told[-1]
    assert (found.energies > 0).sum() == rank
    assert found.energies.sum() == pytest.approx(np.linalg.norm(a) ** 2, rel=1e-5)


@pytest.mark.parametrize("affordable", [True, False])
def test_zeros_have_directions_without_energy(affordable, monkeypatch):
    monkeypatch.setattr(range_finder, "gram_is_affordable", lambda shape: affordable)
    found = range_finder.directions_needed(
        Passes(open_array(np.zeros((30, 20)))), lambda energies, complete: len(energies) + 1,
        sketch="gaussian", power_iterations=2, seed=0,
    )  # fmt: skip
    assert not found.energies.any()
    assert not found.left.any()


@BASES
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2)])
def test_the_smallest_shapes_have_directions(basis, shape, monkeypatch):
    a = np.random.default_rng(0).standard_normal(shape)
    found = needed(a, lambda energies, complete: min(shape), monkeypatch, basis)
    assert found.energies.sum() == pytest.approx(np.linalg.norm(a) ** 2)


def test_the_largest_seed_is_one_of_them(monkeypatch):
    a = matrices.exponential(60, 50)
    needed(a, lambda energies, complete: len(energies) + 1, monkeypatch, seed=2**64 - 1, block=8)
