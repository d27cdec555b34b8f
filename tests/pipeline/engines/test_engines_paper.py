"""The paper's four methods, against straightforward NumPy and the numbers it reports."""

from __future__ import annotations

import matrices
import naive
import numpy as np
import pytest

import lplrcli
from lplrcli.linalg.sketching import sketching_operator

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
BITS = pytest.mark.parametrize(("bits", "bits_right"), [(1, 1), (2, 5), (8, 4), (12, 16)])
# Whole codes may change where a value lies on a boundary, so float32 is compared loosely.
TOLERANCE = {np.float32: 1e-3, np.float64: 1e-8}


def assert_same(found, expected, a):
    """The decoded matrices, up to their rounding, and with them the errors."""
    tolerance = TOLERANCE[a.dtype.type]
    assert naive.relative_error(expected, np.asarray(found)) <= tolerance
    error = naive.relative_error(a, expected)
    assert found.report.relative_frobenius_error == pytest.approx(error, rel=tolerance)


@DTYPES
@pytest.mark.parametrize("bits", range(1, 17))
def test_nq_quantizes_every_entry(dtype, bits):
    a = np.random.default_rng(bits).standard_normal((60, 35)).astype(dtype)
    found = lplrcli.compress(a, method="nq", bits=bits)
    expected = naive.quantize_uniform(a, bits).astype(dtype)
    np.testing.assert_allclose(np.asarray(found), expected, atol=10 * np.finfo(dtype).eps)
    assert found.plan.mode == "direct"


@DTYPES
@BITS
def test_lplr_sketches_quantizes_and_refits(dtype, bits, bits_right):
    a = matrices.exponential(120, 80, dtype=dtype)
    sketch = sketching_operator("gaussian", 80, 15, 3, np.dtype(dtype)).drawn.matrix
    found = lplrcli.compress(a, 15, bits, bits_right=bits_right, method="lplr", seed=3)
    assert_same(found, naive.lplr(a, sketch, bits, bits_right), a)
    assert found.rank == 15


@DTYPES
@BITS
def test_lsvd_quantizes_u_sigma_and_refits(dtype, bits, bits_right):
    a = matrices.exponential(120, 80, dtype=dtype)
    found = lplrcli.compress(a, 15, bits, bits_right=bits_right, method="lsvd")
    assert_same(found, naive.lsvd(a.astype(np.float64), 15, bits, bits_right), a)


@DTYPES
@BITS
def test_dsvd_quantizes_u_and_sigma_v(dtype, bits, bits_right):
    a = matrices.exponential(120, 80, dtype=dtype)
    found = lplrcli.compress(a, 15, bits, bits_right=bits_right, method="dsvd")
    assert_same(found, naive.dsvd(a.astype(np.float64), 15, bits, bits_right), a)


@pytest.mark.parametrize("method", ["lplr", "lsvd", "dsvd"])
def test_the_size_of_the_codes_is_what_the_paper_counts(method):
    a = matrices.exponential(120, 80)
    found = lplrcli.compress(a, 16, 3, bits_right=5, method=method)
    left, right = found.factorization.left, found.factorization.right
    assert sum(map(len, left.chunks)) * 8 == 3 * 120 * 16
    assert sum(map(len, right.chunks)) * 8 == 5 * 80 * 16


@pytest.mark.parametrize("method", ["lplr", "lsvd", "dsvd"])
def test_a_rank_beyond_the_shape_is_that_of_the_shape(method):
    a = matrices.exponential(30, 20)
    assert lplrcli.compress(a, 500, 8, method=method).rank == 20


@pytest.mark.parametrize("sketch", ["srht", "sparse-sign"])
def test_lplr_takes_any_sketch(sketch):
    a = matrices.exponential(200, 150)
    found = lplrcli.compress(a, 30, 8, method="lplr", sketch=sketch)
    best = matrices.tail_error(np.exp(-np.arange(150) / 50), 30)
    assert best < found.report.relative_frobenius_error < 2 * best


def test_power_iterations_help_lplr():
    a = matrices.harmonic(200, 150)
    errors = [lplrcli.compress(a, 20, 8, method="lplr", power_iterations=q).report for q in (0, 2)]
    assert errors[1].relative_frobenius_error < 0.9 * errors[0].relative_frobenius_error


def test_the_bound_of_theorem_3_2_is_between_truth_and_itself():
    # Its tails are measured on a projection of A, so it lies above the exact bound; the mean
    # error before quantization must lie below.
    values = 1 / np.arange(1, 151)
    a = matrices.with_spectrum(200, 150, values, dtype=np.float64)
    tails = np.array([np.sum(values[k:] ** 2) for k in range(29)])
    k = np.arange(29)
    exact = np.sqrt(((1 + k / (30 - k - 1)) * tails).min() / np.sum(values**2))
    reports = [lplrcli.compress(a, 30, 16, method="lplr", seed=seed).report for seed in range(10)]
    mean = np.sqrt(np.mean([r.relative_frobenius_error**2 for r in reports]))
    for report in reports:
        assert exact * (1 - 1e-9) <= report.bound <= 1
        assert mean <= report.bound


@pytest.fixture(scope="module")
def phantom():
    return matrices.shepp_logan(1000)


def test_anchor_naive_quantization_of_the_phantom(phantom):
    found = lplrcli.compress(phantom, method="nq", bits=1)
    assert found.report.relative_frobenius_error == pytest.approx(0.532, abs=0.001)


@pytest.mark.parametrize("seed", range(5))
def test_anchor_lplr_of_the_phantom(phantom, seed):
    found = lplrcli.compress(phantom, 83, 4, bits_right=8, method="lplr", seed=seed)
    assert 0.22 <= found.report.relative_frobenius_error <= 0.25
