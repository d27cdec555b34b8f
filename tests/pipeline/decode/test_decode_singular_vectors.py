"""Modes, energies and coefficients of L R, against the SVD of the matrix that decodes."""

from __future__ import annotations

import math
import tracemalloc

import matrices
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

import lplrcli
from lplrcli.errors import ContainerError, LplrError, PlanError
from lplrcli.pipeline.decode import factor_reader
from lplrcli.pipeline.decode.singular_vectors import decompose

PACKED = [(method, {"rank": 7, "bits": 6}) for method in ("packed", "lplr", "lsvd", "dsvd")]
ENGINE = [("rate-distortion", {"bpc": 9, "mode": mode}) for mode in ("factors", "factors+residual")]
SHAPES = [(60, 40), (40, 60), (300, 9), (9, 300)]


def compress(a, method, options):
    return lplrcli.compress(a, method=method, **options)


def product(c):
    """``L R``, in float64."""
    values = c.left.astype(np.float64) @ c.right.astype(np.float64)
    return np.ldexp(values, c.plan.exponent)


def check(c):
    """Everything that modes promise, for one compressed matrix with factors."""
    n, d = c.factorization.shape
    a = product(c)
    # Squares of the entries must stay within float64.
    exponent = math.frexp(np.abs(a).max(initial=0.0))[1]
    sigma = scipy.linalg.svdvals(np.ldexp(a, -exponent))
    found = np.ldexp(c.singular_values, -exponent)
    assert found.dtype == np.float64
    assert found.shape == (c.rank,)
    assert np.all(np.diff(found) <= 0)
    assert np.all(found >= 0)
    largest = sigma[0] if c.rank else 1.0
    np.testing.assert_allclose(found, sigma[: c.rank], rtol=0, atol=1e-13 * largest)
    np.testing.assert_allclose(sigma[c.rank :], 0, atol=1e-13 * largest)
    left, right = c.modes(), c.modes(side="right")
    assert (left.shape, right.shape) == ((n, c.rank), (d, c.rank))
    for vectors in (left, right):
        assert vectors.dtype == np.float64
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(c.rank), atol=1e-13)
    of_columns, of_rows = c.coefficients(), c.coefficients(side="right")
    assert (of_columns.shape, of_rows.shape) == ((c.rank, d), (n, c.rank))
    scale = np.abs(a).max(initial=0.0)
    for whole in (left @ of_columns, of_rows @ right.T, (left * c.singular_values) @ right.T):
        np.testing.assert_allclose(whole, a, rtol=0, atol=1e-12 * scale)
    if c.rank:
        assert np.all(left.max(axis=0) >= -left.min(axis=0))


@pytest.mark.parametrize(("method", "options"), PACKED + ENGINE, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_engine_and_shape(method, options, shape):
    a = matrices.low_rank(*shape, 3, 0.1, dtype=np.float64)
    c = compress(a, method, options)
    assert c.rank > 0
    check(c)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", bfloat16, "i1", "u2", "i8", "?"])
@pytest.mark.parametrize(("method", "options"), [PACKED[0], ENGINE[0]], ids=str)
def test_every_type(dtype, method, options):
    a = matrices.exponential(60, 40, dtype=np.float64)
    a = np.abs(a) / np.abs(a).max() * 120
    check(compress((a > 40 if dtype == "?" else a).astype(dtype), method, options))


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-308])
@pytest.mark.parametrize(("method", "options"), PACKED + ENGINE[:1], ids=str)
def test_the_exponent_is_applied(scale, method, options):
    a = matrices.exponential(50, 30, dtype=np.float64)
    c = compress(a * scale, method, options)
    assert c.plan.exponent != 0
    subnormal = scale < 1e-300
    if not subnormal:
        check(c)
    expected = scipy.linalg.svdvals(np.asarray(c) / scale)[: c.rank]
    np.testing.assert_allclose(
        c.singular_values / scale, expected, rtol=0, atol=1e-8 if subnormal else 1e-13
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("method", "options"), PACKED + ENGINE[:1], ids=str)
def test_they_are_those_of_the_array(dtype, method, options):
    c = compress(matrices.harmonic(80, 50, dtype=dtype), method, options)
    left, sigma, right = scipy.linalg.svd(np.asarray(c, np.float64), full_matrices=False)
    slack = 100 * np.finfo(dtype).eps * sigma[0]
    np.testing.assert_allclose(c.singular_values, sigma[: c.rank], rtol=0, atol=slack)
    # Of the first three, which lie far from one another, also the vectors.
    assert np.abs(np.sum(c.modes(3) * left[:, :3], axis=0)).min() > 1 - 1e-6
    assert np.abs(np.sum(c.modes(3, "right") * right[:3].T, axis=0)).min() > 1 - 1e-6


@given(
    rows=st.integers(1, 70), columns=st.integers(1, 70), rank=st.integers(1, 12),
    bits=st.integers(1, 8), seed=st.integers(0, 99), wide=st.booleans(),
    method=st.sampled_from(["packed", "lplr", "lsvd", "dsvd"]),
    scale=st.sampled_from([1.0, 1e-250]),
)  # fmt: skip
@settings(deadline=None, max_examples=25, derandomize=True)
def test_any_small_matrix(rows, columns, rank, bits, seed, wide, method, scale):
    a = np.random.default_rng(seed).standard_normal((rows, columns))
    a = (a * scale) if wide else a.astype(np.float32)
    rank = min(rank, rows, columns)
    check(lplrcli.compress(a, rank, bits, method=method))


@given(
    n=st.integers(1, 400), d=st.integers(1, 60), r=st.integers(0, 10), rank=st.integers(0, 10),
    seed=st.integers(0, 99), exponents=st.tuples(*[st.integers(-500, 500)] * 2),
)  # fmt: skip
@settings(deadline=None, max_examples=25, derandomize=True)
def test_deficient_and_badly_scaled_factors(n, d, r, rank, seed, exponents):
    r = min(n, d, r)
    generator = np.random.default_rng(seed)
    rank = min(rank, r)
    left = generator.standard_normal((n, rank)) @ generator.standard_normal((rank, r))
    right = generator.standard_normal((r, d))
    shift = -sum(exponents)
    found = decompose(np.ldexp(left, exponents[0]), np.ldexp(right, exponents[1]), shift)
    expected = scipy.linalg.svdvals(left @ right)[:r] if r else np.empty(0)
    np.testing.assert_allclose(found.singular_values, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.left.T @ found.left, np.eye(r), atol=1e-12)
    np.testing.assert_allclose(found.right.T @ found.right, np.eye(r), atol=1e-12)
    shares = found.energy_shares
    if rank:
        assert shares.sum() == pytest.approx(1)
        np.testing.assert_allclose(shares, expected**2 / (expected**2).sum(), atol=1e-12)
    else:
        assert np.isnan(shares).all()


@pytest.mark.parametrize("options", [{"rank": 3}, {"bpc": 50, "mode": "factors"}], ids=str)
def test_a_matrix_of_zeros_has_no_modes(options):
    c = lplrcli.compress(np.zeros((40, 30)), **options)
    assert c.rank == 0
    assert c.singular_values.shape == (0,)
    check(c)


def test_the_first_modes_are_the_best_approximation():
    c = lplrcli.compress(matrices.harmonic(90, 50, dtype=np.float64), 12, 8)
    a, sigma = product(c), c.singular_values
    for k in (0, 1, np.int64(5), c.rank):
        assert c.modes(k).shape == (90, k)
        for approximation in (
            c.modes(k) @ c.coefficients(k),
            c.coefficients(k, "right") @ c.modes(k, "right").T,
        ):
            error = np.linalg.norm(a - approximation)
            assert error == pytest.approx(np.linalg.norm(sigma[k:]), rel=1e-9, abs=1e-13)


def test_snapshots_as_rows_are_those_as_columns_turned():
    a = np.outer([1.0, -2.0, 4.0], [3.0, 1.0])
    across, along = (lplrcli.compress(x, 1, 8, method="lsvd") for x in (a, a.T))
    np.testing.assert_allclose(across.singular_values, along.singular_values, rtol=0.05)
    cosine = np.abs(across.modes(side="right").T @ along.modes()).item()
    assert cosine == pytest.approx(1, abs=1e-3)


def test_an_opened_file_gives_the_same(tmp_path):
    c = lplrcli.compress(matrices.exponential(60, 40), 8, 5)
    c.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as again:
        np.testing.assert_array_equal(again.singular_values, c.singular_values)
        np.testing.assert_array_equal(again.modes(3), c.modes(3))
        np.testing.assert_array_equal(again.coefficients(3), c.coefficients(3))


def test_factors_are_decoded_once(monkeypatch):
    c = lplrcli.compress(matrices.exponential(60, 40), 8, 5)
    calls = []
    decode = factor_reader.decode_factor
    monkeypatch.setattr(
        factor_reader, "decode_factor", lambda *a, **more: calls.append(a) or decode(*a, **more)
    )
    first = c.modes()
    first[:] = 0  # the caller's own
    assert np.abs(c.modes()).max() > 0
    values = c.singular_values
    values[:] = 0
    assert c.singular_values[0] > 0
    assert c.coefficients().any()
    assert c.left.any()
    assert len(calls) == 2


def test_the_matrix_is_never_formed():
    n, d, r = 6000, 4000, 4
    generator = np.random.default_rng(0)
    left, right = generator.standard_normal((n, r)), generator.standard_normal((r, d))
    tracemalloc.start()
    decompose(left, right, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * (n + d) * r * 8


# -- what is refused


@pytest.mark.parametrize("ask", ["singular_values", "modes", "coefficients", "left"])
@pytest.mark.parametrize("options", [{"bpc": 3, "mode": "direct"}, {"bits": 4, "method": "nq"}])
def test_a_matrix_coded_directly_has_none(options, ask, tmp_path):
    made = lplrcli.compress(matrices.exponential(60, 40), **options)
    made.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as opened:
        for c, name in ((made, ""), (opened, "a.lplr")):
            with pytest.raises(PlanError, match="coded directly has no factors") as caught:
                value = getattr(c, ask)
                value()
            assert isinstance(caught.value, (LplrError, ValueError))
            assert name in str(caught.value)


@pytest.mark.parametrize("k", [-1, 9, 10**20])
def test_more_modes_than_there_are_is_refused(k):
    c = lplrcli.compress(matrices.exponential(60, 40), 8, 5)
    for ask in (c.modes, c.coefficients):
        with pytest.raises(PlanError, match=f"found {k}, expected 0 to {c.rank}"):
            ask(k)
        with pytest.raises(PlanError, match="no such side: found 'top'"):
            ask(2, side="top")
        with pytest.raises(TypeError):
            ask(2.5)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_factors_beyond_their_type_are_named(bad):
    left = np.ones((5, 2), np.float32)
    left[3, 1] = bad
    with pytest.raises(ContainerError, match=r"a\.lplr: a factor overflows .* float32"):
        decompose(left, np.ones((2, 4), np.float32), 0, "a.lplr")


def test_an_exponent_beyond_float64_gives_the_largest_number():
    found = decompose(np.ones((3, 1)), np.ones((1, 2)), 1100)
    assert found.singular_values[0] == np.finfo(np.float64).max
    assert np.isfinite(found.coefficients(None, "left")).all()
    assert decompose(np.ones((3, 1)), np.ones((1, 2)), -1100).singular_values[0] == 0
