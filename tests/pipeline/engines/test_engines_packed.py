"""The packed engine: never larger than the paper's method, never worse, always the same bytes."""

from __future__ import annotations

import io

import matrices
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import nnls

import lplrcli
from lplrcli.coding import PackedCoding
from lplrcli.container.writer import container_size, write_container
from lplrcli.planning.bit_allocation import DISTORTION


def file_bytes(compressed):
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return stream.getvalue()


def compared(a, rank, bits, bits_right=None):
    """The engine and the paper's method, as (size of the file, error)."""
    for method in ("packed", "lplr"):
        found = lplrcli.compress(a, rank, bits, bits_right=bits_right, method=method)
        assert found.rank <= rank
        yield container_size([found.factorization]), found.report.relative_frobenius_error


def losses(a, ranks, depths):
    """Where the engine's file is larger and where its error is, over all ranks and depths."""
    larger, worse = [], []
    for rank in ranks:
        for bits in depths:
            (our_size, our_error), (size, error) = compared(a, rank, bits)
            if our_size > size:
                larger.append((rank, bits, our_size, size))
            if our_error > error * (1 + 1e-6):
                worse.append((rank, bits, our_error, error))
    return larger, worse


@pytest.mark.parametrize("make", [matrices.exponential, matrices.harmonic])
def test_square_matrices_are_no_larger_and_no_worse_than_the_papers(make):
    assert losses(make(67, 67), (1, 8, 67), range(1, 9)) == ([], [])


# Headers and tables weigh more than codes in all of these.
@pytest.mark.parametrize("shape", [(17, 3), (1, 1), (1, 9), (9, 1), (1, 5000)], ids=str)
def test_tiny_matrices_are_no_larger_and_no_worse_than_the_papers(shape):
    a = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    larger, worse = losses(a, range(1, min(shape) + 1), (1, 2, 4, 8))
    assert larger == []
    if a.size > 99:  # of so few entries, many are extremes, which even steps hit exactly
        assert worse == []


@pytest.mark.parametrize(
    ("shape", "rank", "bits"),
    [
        ((384, 384), 24, 1), ((384, 384), 200, 2), ((384, 384), 60, 8), ((2000, 1000), 40, 2),
        ((9000, 50), 10, 3), ((9000, 50), 50, 8), ((50, 9000), 10, 3), ((50, 9000), 50, 1),
    ],
)  # fmt: skip
def test_larger_matrices_are_no_larger_and_no_worse(shape, rank, bits):
    assert losses(matrices.decaying(*shape), [rank], [bits]) == ([], [])


@pytest.mark.parametrize(("bits", "bits_right"), [(1, 8), (8, 1), (4, 8), (16, 16)])
def test_unequal_bits_are_no_larger_and_no_worse(bits, bits_right):
    ours, paper = compared(matrices.decaying(200, 90), 20, bits, bits_right)
    assert ours[0] <= paper[0]
    assert ours[1] <= paper[1]


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_the_size_allowed_is_used(bits):
    # Between the reserve for metadata and what is left of a bit, at most 2 % go to waste.
    a = matrices.decaying(2000, 300)
    ours = lplrcli.compress(a, 100, bits).size_report.file_bytes
    paper = lplrcli.compress(a, 100, bits, method="lplr").size_report.file_bytes
    assert 0.98 * paper <= ours <= paper


def test_error_is_what_the_model_predicts():
    values = np.exp(-np.arange(200) / 50)
    a = matrices.with_spectrum(500, 200, values, dtype=np.float64)
    found = lplrcli.compress(a, 60, 4)
    factors = found.factorization.left, found.factorization.right
    left, right = (PackedCoding.of(factor).bits for factor in factors)
    kept = len(left)
    loss = 1 - (1 - DISTORTION[left]) * (1 - DISTORTION[right])
    energy = np.sum(values[:kept] ** 2 * loss) + np.sum(values[kept:] ** 2)
    expected = np.sqrt(energy / np.sum(values**2))
    # The refit gains a little over the model.
    assert 0.85 * expected <= found.report.relative_frobenius_error <= 1.03 * expected


def test_a_low_rank_is_not_given_more_components_than_it_has():
    a = matrices.low_rank(500, 300, 5, noise=0.0, dtype=np.float64)
    found = lplrcli.compress(a, 50, 2)
    assert found.rank <= 6
    assert found.report.relative_frobenius_error < 1e-3


def test_a_zero_matrix_stores_nothing():
    found = lplrcli.compress(np.zeros((40, 30)), 5)
    assert found.rank == 0
    assert found.report.relative_frobenius_error == 0
    np.testing.assert_array_equal(np.asarray(found), 0)


# Three blocks of rows and two chunks of L, so that there is something to divide among threads.
ARGUMENTS = {
    "packed": {"rank": 64, "bits": 4},
    "lplr": {"rank": 64, "bits": 4, "method": "lplr"},
    "nq": {"bits": 3, "method": "nq"},
}


@pytest.fixture(scope="module")
def large():
    return matrices.decaying(4400, 600)


@pytest.fixture(scope="module", params=ARGUMENTS)
def reference(request, large):
    """Arguments, and the bytes that one thread makes with them."""
    arguments = ARGUMENTS[request.param]
    found = lplrcli.compress(large, threads=1, **arguments)
    factorization = found.factorization
    assert len((factorization.left or factorization.residual).chunks) >= 2
    return arguments, file_bytes(found)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_no_byte(large, reference, threads):
    arguments, expected = reference
    assert file_bytes(lplrcli.compress(large, threads=threads, **arguments)) == expected


def test_memory_layout_changes_no_byte(large, reference):
    arguments, expected = reference
    assert file_bytes(lplrcli.compress(np.asfortranarray(large), **arguments)) == expected


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map_changes_no_byte(large, reference, tmp_path, order):
    arguments, expected = reference
    path = tmp_path / "a.npy"
    mapped = np.lib.format.open_memmap(
        path, "w+", np.float32, large.shape, fortran_order=order == "F"
    )
    mapped[:] = large
    mapped.flush()
    for a in (mapped, np.load(path, mmap_mode="r")):
        assert file_bytes(lplrcli.compress(a, **arguments)) == expected


def test_views_that_are_not_contiguous_change_no_byte():
    a = matrices.exponential(300, 200)
    wide = np.zeros((600, 400), np.float32)
    wide[::2, ::2] = a
    assert file_bytes(lplrcli.compress(wide[::2, ::2], 9)) == file_bytes(lplrcli.compress(a, 9))


def test_the_seed_decides_where_a_sketch_is_made():
    a = matrices.harmonic(60, 1500)
    first, again, other = (file_bytes(lplrcli.compress(a, 9, seed=s)) for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("method", ["packed", "lplr", "lsvd", "dsvd", "nq"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_and_dense_give_the_same_error(method, dtype):
    a = sp.random_array((2500, 200), density=0.05, rng=0, dtype=dtype)
    arguments = {"bits": 4, "method": method} | ({} if method == "nq" else {"rank": 20})
    dense, *sparse = (
        lplrcli.compress(form, **arguments).report
        for form in (a.toarray(), a.tocsr(), a.tocsc(), a.tocoo())
    )
    for report in sparse:
        assert report.relative_frobenius_error == pytest.approx(
            dense.relative_frobenius_error, rel=1e-3
        )
        assert report.source_norm == pytest.approx(dense.source_norm, rel=1e-6)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_no_scaling_of_the_components_would_fit_better(bits):
    # Entries of very different size, as power laws have them, make quantized components alike.
    generator = np.random.default_rng(0)
    places = 900 * generator.random(4000) ** 3, 300 * generator.random(4000) ** 5
    entries = 1 + generator.standard_exponential(4000)
    a = sp.coo_array((entries, [place.astype(int) for place in places]), (900, 300)).toarray()
    found = lplrcli.compress(a, 40, bits)
    left, right = (factor.astype(np.float64) for factor in (found.left, found.right))
    # |A - L diag(s) R|**2, a quadratic form in s, as a small least-squares problem.
    root = np.linalg.cholesky((left.T @ left) * (right @ right.T)).T
    target = np.linalg.solve(root.T, np.einsum("ik,ij,kj->k", left, a, right, optimize=True))
    misfit = nnls(root, target)[1]
    least = np.sqrt(np.sum(a**2) - target @ target + misfit**2) / np.linalg.norm(a)
    assert found.report.relative_frobenius_error <= least * 1.001
