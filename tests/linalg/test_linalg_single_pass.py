"""Directions from one pass, against the best approximation and the bound of the paper."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
import scipy.sparse as sp

from lplrcli.errors import NonFiniteError, PlanError
from lplrcli.io import open_array
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.probe import Probe
from lplrcli.linalg.single_pass import core_size, range_size, single_pass_directions
from lplrcli.linalg.sketching import gaussian_rows
from lplrcli.model.plan import SKETCHES

SHAPES = pytest.mark.parametrize("shape", [(300, 120), (120, 300)])


def directions(a, rank, seed=0, sketch="gaussian", size=None, threads=1):
    with open_array(a, threads=threads) as source:
        passes = Passes(source, limit=1, probe=Probe(seed))
        size = range_size(rank, a.shape) if size is None else size
        found = single_pass_directions(passes, rank, sketch=sketch, sketch_size=size, seed=seed)
    assert passes.count == 1
    assert found.found_by == "single-pass"
    assert found.left.shape == (min(rank, size), a.shape[0])
    return found, passes


def squared_error(a, found):
    return np.square(a - found.projected.astype(float) @ found.row_basis.T).sum()


@SHAPES
@pytest.mark.parametrize("sketch", SKETCHES)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_low_rank_is_found_whatever_the_sketch(shape, sketch, kind, dtype):
    a = matrices.with_spectrum(*shape, 0.5 ** np.arange(6), dtype=dtype)
    found, passes = directions(sp.csr_array(a) if kind == "sparse" else a, 6, sketch=sketch)
    eps = np.finfo(dtype).eps
    assert np.sqrt(squared_error(a.astype(float), found)) <= 1000 * eps
    np.testing.assert_allclose(found.energies, 0.25 ** np.arange(6), rtol=1e4 * eps)
    assert passes.scan().norm == pytest.approx(np.linalg.norm(a.astype(float)), rel=1e-6)
    np.testing.assert_allclose(found.row_basis.T @ found.row_basis, np.eye(6), atol=100 * eps)


@SHAPES
@pytest.mark.parametrize(
    "values", [np.exp(-np.arange(120) / 8), 1 / np.arange(1, 121)], ids=["exponential", "harmonic"]
)
def test_error_keeps_the_bound_of_the_paper(shape, values):
    """Theorem 5.1, and what cutting to a rank adds to it, in the mean over seeds."""
    rank = 5
    a = matrices.with_spectrum(*shape, values, dtype=np.float64)
    k = range_size(rank, shape)
    s = core_size(k, 120)
    tails = np.cumsum(np.square(values)[::-1])[::-1]
    bound = (s - 1) / (s - k - 1) * min((k + p - 1) / (k - p - 1) * tails[p] for p in range(k - 1))
    best = np.sqrt(tails[rank])
    errors = [np.sqrt(squared_error(a, directions(a, rank, seed)[0])) for seed in range(10)]
    assert best * (1 - 1e-9) <= min(errors)
    assert np.mean(errors) <= best + 2 * np.sqrt(bound)
    assert np.mean(errors) <= 1.5 * best  # far from that bound in fact


@pytest.mark.parametrize("shape", [(90, 12), (12, 90), (9, 9), (40, 1), (1, 40)])
def test_sketches_as_large_as_the_matrix_lose_nothing(shape):
    a = np.random.default_rng(0).standard_normal(shape)
    rank = min(3, *shape)
    found, _ = directions(a, rank)
    values = np.linalg.svd(a, compute_uv=False)
    assert squared_error(a, found) == pytest.approx(np.square(values[rank:]).sum(), abs=1e-9)
    np.testing.assert_allclose(found.energies, values[:rank] ** 2, rtol=1e-9)


def test_nothing_but_zeros():
    found, passes = directions(np.zeros((50, 40), np.float32), 3)
    assert not found.left.any()
    assert found.beyond == 0
    assert passes.scan().norm == 0


def test_the_number_of_threads_changes_no_bit():
    a = np.random.default_rng(0).standard_normal((3000, 400)).astype(np.float32)
    results = [directions(a, 4, threads=threads)[0] for threads in (1, 3)]
    for name in ("left", "row_basis", "projected", "energies", "beyond"):
        np.testing.assert_array_equal(*(getattr(found, name) for found in results))


def test_rows_of_a_test_matrix_do_not_depend_on_the_block():
    whole = gaussian_rows(7, 1, 0, 500, 3, np.dtype(np.float64))
    for start, stop in ((0, 1), (63, 65), (64, 128), (130, 499)):
        part = gaussian_rows(7, 1, start, stop, 3, np.dtype(np.float64))
        np.testing.assert_array_equal(part, whole[start:stop])
    assert not np.array_equal(whole, gaussian_rows(7, 2, 0, 500, 3, np.dtype(np.float64)))
    assert abs(whole.mean()) < 0.1
    assert abs(whole.std() - 1) < 0.1


@pytest.mark.parametrize("exponent", [-90, -60, 60, 90])
def test_any_scale_takes_one_pass(exponent):
    a = matrices.with_spectrum(80, 50, 0.5 ** np.arange(20))
    plain, _ = directions(a, 5)
    found, passes = directions(np.ldexp(a, exponent), 5)
    ratio = exponent - passes.exponent
    assert passes.scan().source_norm == pytest.approx(np.linalg.norm(a) * 2.0**exponent, rel=1e-6)
    np.testing.assert_allclose(found.energies, plain.energies * 4.0**ratio, rtol=1e-4)


def test_scales_at_the_end_of_the_range_are_refused():
    with pytest.raises(PlanError, match="two passes more"):
        directions(np.full((20, 10), 1e35, np.float32), 2)


def test_what_is_not_finite_is_located():
    a = np.ones((3000, 400), np.float32)
    a[2900, 7] = np.nan
    with pytest.raises(NonFiniteError) as caught:
        directions(a, 2)
    assert caught.value.position == (2900, 7)
