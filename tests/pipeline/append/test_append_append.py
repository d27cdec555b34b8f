"""Rows appended to a compressed matrix: the old ones stay, the new ones are as exact as told."""

from __future__ import annotations

import math
from dataclasses import replace

import matrices
import naive
import numpy as np
import pytest
from growing import ANY_ERROR, check, grown, values
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import factorization, written
from reference import decoded as by_reference

import lplrcli
from lplrcli.errors import (
    InputError,
    PlanError,
    TargetUnreachableError,
)
from lplrcli.io import open_array
from lplrcli.pipeline.append.append import append
from lplrcli.pipeline.encode import chunking, residual

pytestmark = pytest.mark.usefixtures("few_states_throughout")


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 64 entries per component."""
    monkeypatch.setattr(chunking, "_SMALLEST_CHUNK", 1)
    monkeypatch.setattr(chunking, "_CHUNKS", 2**60)
    monkeypatch.setattr(residual, "_CHUNK", 1)
    monkeypatch.setattr(residual, "_LARGE_CHUNK", 1)
    monkeypatch.setattr(residual, "_LEAST_ROWS", 64)


# -- whatever a file may hold: random codes, for every quantizer, machine and mode


@given(
    mode=st.sampled_from(["factors", "factors+residual", "direct"]),
    quantizer=st.sampled_from(["uniform", "normal", "deadzone", "trellis"]),
    dtype=st.sampled_from(["float32", "float64", "float16", "int16", "bool"]),
    means=st.sampled_from([(), ("row",), ("row", "column")]),
    n=st.integers(1, 40),
    d=st.integers(1, 7),
    components=st.integers(0, 6),
    count=st.integers(1, 40),
    exponent=st.sampled_from([0, 50]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=12)
def test_any_file(
    mode, quantizer, dtype, means, n, d, components, count, exponent, seed, tmp_path_factory
):
    components = min(components, n, d)
    if means and components == 0:
        means = ()
    old = factorization(
        (n, d), (3,) * components, mode, quantizer, dtype, means,
        exponent=exponent if dtype == "float64" else 0,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, d)) * 2.0**old.plan.exponent
    rows = rows > 0 if dtype == "bool" else (9 * rows).astype(dtype)
    try:
        done = grown(old, rows)
    except PlanError as error:
        assert "trellis of its quantizer" in str(error)
        return
    decoded = check(old, rows, done)
    (found,) = by_reference(written(done.factorization), tmp_path_factory.mktemp("reference"))
    scale = np.abs(decoded).max(initial=1e-300)
    off = 1 if dtype in ("int16", "bool") else 1e-3 if dtype == "float16" else 1e-5
    np.testing.assert_allclose(
        found.array.astype(float), decoded, rtol=0, atol=max(off * scale, off if off == 1 else 0)
    )


# -- what the engines make


A = matrices.low_rank(210, 24, 4, noise=0.02, seed=3)
B = matrices.low_rank(210, 24, 4, noise=0.02, seed=3)[:150][::-1].copy()

ASKED = {
    "packed": {"rank": 4, "bits": 6},
    "lplr": {"rank": 4, "bits": 6, "method": "lplr"},
    "lsvd": {"rank": 4, "bits": 6, "method": "lsvd"},
    "dsvd": {"rank": 4, "bits": 6, "method": "dsvd"},
    "nq": {"bits": 6, "method": "nq"},
    "factors": {"rel_error": 0.05, "mode": "factors"},
    "factors+residual": {"rel_error": 0.015, "mode": "factors+residual"},
    "direct": {"rel_error": 0.05, "mode": "direct"},
    "both means": {"bpc": 5, "center": "both"},
    "max": {"max_abs_error": 0.01},
}


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("name", ASKED)
def test_every_engine(name, tmp_path):
    asked = ASKED[name]
    more = {} if "method" in asked or "rank" in asked else {"transform": "none"}
    old = lplrcli.compress(A, **asked, **more).factorization
    done = grown(old, B, rel_error=None if name == "max" else ANY_ERROR)
    decoded = check(old, B, done)
    assert done.added.passes == 2
    assert done.added.relative_frobenius_error < 1.3 * old.report.relative_frobenius_error
    if name == "max":
        assert done.added.max_abs_error <= 0.01
        assert math.isinf(done.limit)
    (found,) = by_reference(written(done.factorization), tmp_path)
    np.testing.assert_allclose(found.array, decoded, rtol=0, atol=1e-5)


def test_threads_do_not_matter():
    asked = {"rel_error": 0.015, "mode": "factors+residual", "transform": "none"}
    old = lplrcli.compress(A, **asked).factorization
    raw = set()
    for threads in (1, 3):
        with open_array(B, threads=threads) as source:
            done = append(source, old, rel_error=1.0, threads=threads)
        raw.add(written(done.factorization))
    assert len(raw) == 1


def test_integers_without_loss():
    rng = np.random.default_rng(0)
    a = rng.integers(-5, 6, (60, 9)).astype(np.int16)
    old = lplrcli.compress(a, rel_error=0).factorization
    rows = rng.integers(-300, 300, (37, 9)).astype(np.int16)  # codes that no table knew
    done = grown(old, rows, rel_error=None)
    np.testing.assert_array_equal(values(done.factorization), np.concatenate([a, rows]))
    assert done.factorization.report.relative_frobenius_error == 0


def test_arrays_grow_along_their_first_axis():
    rng = np.random.default_rng(1)
    for unfold, rows in ((1, 5), (2, 5)):
        a = rng.standard_normal((11, 3, 4, 2)).astype(np.float32)
        b = rng.standard_normal((rows, 3, 4, 2)).astype(np.float32)
        old = lplrcli.compress(a, rank=4, bits=8, unfold=unfold).factorization
        done = grown(old, b)
        check(old, b, done)
        assert done.rows == rows * (3 if unfold == 2 else 1)
        assert done.factorization.left.grid == ((16,) if unfold == 1 else (16, 3))


def test_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse")
    b = sparse.random(40, 24, 0.2, "csr", np.float32, np.random.default_rng(0))
    for name in ("packed", "nq"):
        old = lplrcli.compress(A, **ASKED[name]).factorization
        dense, done = grown(old, b.toarray()), grown(old, b)
        check(old, b.toarray(), done)
        np.testing.assert_allclose(
            values(done.factorization), values(dense.factorization), atol=1e-5
        )


# -- what is kept, and what is refused


def test_limits():
    old = lplrcli.compress(A, rank=4, bits=6).factorization
    stored = old.report.relative_frobenius_error
    strange = np.random.default_rng(5).standard_normal((20, 24)).astype(np.float32)
    with pytest.raises(TargetUnreachableError) as refused:
        grown(old, strange, rel_error=None)
    error = naive.relative_error(strange, values(grown(old, strange).factorization)[210:])
    assert f"found a relative error of {error:.4g}" in str(refused.value)
    assert f"at most {1.1 * stored:.4g}" in str(refused.value)
    assert "-e" in refused.value.advice
    done = grown(old, B, rel_error=None)
    assert done.limit == 1.1 * stored
    with pytest.raises(TargetUnreachableError, match=r"at most 0\.001") as refused:
        grown(old, B, rel_error=0.001)
    assert "more rows at a time" not in refused.value.advice
    for wrong in (-1.0, math.inf, math.nan):
        with pytest.raises(PlanError, match="largest relative error"):
            grown(old, B, rel_error=wrong)


def test_rows_that_just_miss_the_limit_are_coded_again_for_the_least_error():
    old = lplrcli.compress(A, rel_error=0.3, mode="direct", transform="none").factorization
    usual = grown(old, B)
    least = grown(old, B, rel_error=0.97 * usual.added.relative_frobenius_error)
    check(old, B, least)
    assert (usual.added.passes, least.added.passes) == (2, 4)
    assert old.plan.target.relative_error == 0.3
    assert usual.factorization.plan.target.relative_error == ANY_ERROR
    assert least.factorization.plan.target.relative_error == max(0.3, least.limit)


def test_rows_of_the_same_process_are_not_refused_by_a_hair():
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((500, 8)), rng.standard_normal((8, 60))
    a = (left @ right + 0.01 * rng.standard_normal((500, 60))).astype(np.float32)
    for asked in (0.01, 0.05):
        old = lplrcli.compress(a[:200], rel_error=asked, mode="factors").factorization
        for start in (200, 300, 400):
            rows = a[start : start + 100]
            done = grown(old, rows, rel_error=None)
            check(old, rows, done)
            all_rows = np.concatenate([a[:200], rows])
            true = naive.relative_error(all_rows, values(done.factorization))
            stated = done.factorization.plan.target.relative_error
            assert done.added.relative_frobenius_error <= done.limit == 1.1 * asked
            assert true <= stated * (1 + 1e-6)
            assert stated == max(asked, done.factorization.report.relative_frobenius_error)


def test_a_refusal_tells_the_error_of_the_new_rows_and_of_all():
    old = lplrcli.compress(A, rel_error=0.05, mode="factors").factorization
    strange = np.random.default_rng(5).standard_normal((20, 24)).astype(np.float32)
    free = grown(old, strange)
    new, whole = (r.relative_frobenius_error for r in (free.added, free.factorization.report))
    fault = f"error of {new:.4g}, and {whole:.4g} of all rows with them, expected at most 0.055"
    with pytest.raises(TargetUnreachableError) as refused:
        grown(old, strange, rel_error=None)
    assert fault in str(refused.value)


def test_a_largest_error_is_kept():
    old = lplrcli.compress(A, max_abs_error=0.01, transform="none").factorization
    huge = (1e12 * B).astype(np.float32)
    with pytest.raises(TargetUnreachableError, match=r"off by.*at most 0\.01"):
        grown(old, huge, rel_error=None)


def test_rows_of_zeros():
    zeros = np.zeros((9, 24), np.float32)
    for name in ("packed", "nq"):
        old = lplrcli.compress(A, **ASKED[name]).factorization
        done = grown(old, zeros, rel_error=None)
        check(old, zeros, done)
    nothing = lplrcli.compress(zeros, rank=2).factorization
    check(nothing, zeros, grown(nothing, zeros, rel_error=None))
    with pytest.raises(
        TargetUnreachableError, match=r"relative error of 1, .* of all rows.*, expected at most 0"
    ):
        grown(nothing, B, rel_error=None)


def test_norms_that_overflow():
    a = matrices.low_rank(30, 8, 2, dtype=np.float64)
    old = lplrcli.compress(a, rank=2, bits=8).factorization
    with pytest.raises(TargetUnreachableError, match="do not fit"):
        grown(old, 1e300 * a, rel_error=None)
    large = lplrcli.compress(1e300 * a, rank=2, bits=8).factorization
    done = grown(large, 1e300 * a, rel_error=None)
    assert done.added.relative_frobenius_error < 0.05
    greatest = lplrcli.compress(np.full((2, 2), 8e307), rank=1).factorization
    with pytest.raises(InputError, match="norm of all rows together overflows"):
        grown(greatest, np.full((2, 2), 8e307))


def test_what_the_metadata_keeps():
    old = lplrcli.compress(A, bpc=2, transform="none").factorization
    old = replace(old, source={"format": "npy", "name": "a.npy", "sha256": "0" * 64})
    new = grown(old, B).factorization
    assert old.plan.target.size is not None
    assert new.plan.target.size is None
    assert new.plan.predictions is None
    assert new.source == {"format": "npy", "name": "a.npy"}
    assert new.report.passes == old.report.passes
