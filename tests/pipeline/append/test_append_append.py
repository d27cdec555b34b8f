"""Rows appended to a compressed matrix: the old ones stay, the new ones are as exact as told."""

from __future__ import annotations

import math
from dataclasses import replace

import matrices
import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import factorization, written
from rans_samples import random_codes, rans_factor, tables_for
from reference import decoded as by_reference

import lplrcli
from lplrcli.errors import (
    InputError,
    NonFiniteError,
    NotAMatrixError,
    PlanError,
    TargetUnreachableError,
)
from lplrcli.io import open_array
from lplrcli.pipeline.append.append import append
from lplrcli.pipeline.append.new_rows import _slabs
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.encode import chunking, residual

pytestmark = pytest.mark.usefixtures("few_states_throughout")

ANY_ERROR = 1e9


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 64 entries per component."""
    monkeypatch.setattr(chunking, "_SMALLEST_CHUNK", 1)
    monkeypatch.setattr(chunking, "_CHUNKS", 2**60)
    monkeypatch.setattr(residual, "_CHUNK", 1)
    monkeypatch.setattr(residual, "_LEAST_ROWS", 64)


def grown(old, rows, **options):
    options.setdefault("rel_error", ANY_ERROR)
    with open_array(rows, threads=1) as source:
        return append(source, old, threads=1, **options)


def values(f):
    return np.concatenate(list(Reconstruction(f).blocks())).reshape(f.array_shape)


def check(old, rows, done):
    """Everything that is promised of an appended matrix, whatever it holds."""
    new, count = done.factorization, old.shape[0]
    for name, part in old.parts.items():
        kind = np.dtype(np.float64)
        again = decode_factor(new.parts[name], kind, 0, part.length)
        np.testing.assert_array_equal(again, decode_factor(part, kind), err_msg=name)
    for name in ("right", "mean_row", "right_basis"):
        assert old.parts.get(name) is new.parts.get(name)
    assert new.array_shape == (old.array_shape[0] + len(rows), *old.array_shape[1:])
    # The product of a row is summed in an order that depends on where the row lies in a block.
    decoded, before = values(new).astype(float), values(old).astype(float)
    scale = np.abs(before).max(initial=1e-300)
    np.testing.assert_allclose(decoded[: len(before)], before, rtol=0, atol=1e-5 * scale)
    reached = naive.relative_error(rows, decoded[len(before) :])
    if np.any(rows):
        assert done.added.relative_frobenius_error == pytest.approx(reached, rel=1e-4, abs=1e-9)
    assert done.added.max_abs_error == pytest.approx(
        np.abs(rows.astype(float) - decoded[len(before) :]).max(), rel=1e-4, abs=1e-6 * scale
    )
    error = old.report.relative_frobenius_error * old.report.source_norm
    added = np.linalg.norm(rows.astype(float) - decoded[len(before) :])
    norm = math.hypot(old.report.source_norm, np.linalg.norm(rows.astype(float)))
    assert new.report.source_norm == pytest.approx(norm)
    whole = math.hypot(error, added) / norm if norm else 0.0
    assert new.report.relative_frobenius_error == pytest.approx(whole, rel=1e-4, abs=1e-9)
    assert done.rows == new.shape[0] - count
    return decoded


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


@pytest.mark.parametrize("machine", [3, 5, 8])
@pytest.mark.parametrize("context", [0, 1])
@pytest.mark.parametrize("weights", ["all", "few"])
def test_chunks_of_a_trellis_are_continued(machine, context, weights):
    """Six components: in two lanes the stored codes of a second one follow the new ones."""
    few = [[40, 36, 36, 30, 30], [40, 20, 20]]
    options = {"weights": few, "most": 1} if weights == "few" else {}
    left = rans_factor(40, 6, "trellis", 32, machine=machine, context=context, **options)
    old = replace(factorization((40, 7), (1,) * 6, quantizer="trellis"), left=left)
    rows = 3 * np.random.default_rng(machine).standard_normal((70, 7)).astype(np.float32)
    done = grown(old, rows)
    check(old, rows, done)
    new = done.factorization.left
    assert new.chunk_length == 32
    assert len(new.chunks) == 4
    # With tables that know all codes, whole chunks are the bytes that they were.
    kept = new.coding_parameters == left.coding_parameters
    assert kept or weights == "few"
    assert (new.chunks[0] == left.chunks[0]) is kept


def test_tables_are_fitted_again_where_they_do_not_know_a_code():
    tables = tables_for(1, weights=[[40, 30, 30]])
    left = rans_factor(16, 1, "deadzone", 8, weights=[[40, 30, 30]], most=1)
    assert left.coding_parameters == tables
    old = replace(factorization((16, 3), (1,), quantizer="deadzone"), left=left)
    row = decode_factor(old.right, np.dtype(np.float32)).reshape(1, -1)
    done = grown(old, (1000 * row).repeat(3, axis=0))
    check(old, (1000 * row).repeat(3, axis=0), done)
    assert done.added.relative_frobenius_error < 0.01
    assert done.factorization.left.coding_parameters != tables


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_rows_for_a_trellis(count):
    left = rans_factor(40, 6, "trellis", 32, machine=4)
    old = replace(factorization((40, 7), (1,) * 6, quantizer="trellis"), left=left)
    with pytest.raises(PlanError, match=f"left.*found {count} rows.*at least 4\nAppend 4"):
        grown(old, np.ones((count, 7), np.float32))
    full = rans_factor(62, 6, "trellis", 32, machine=4)
    old = replace(factorization((62, 7), (1,) * 6, quantizer="trellis"), left=full)
    with pytest.raises(PlanError, match=r"room for 2 rows.*at least 4\nCompress all rows again"):
        grown(old, np.ones((50, 7), np.float32))


def test_few_rows_of_a_trellis_are_refused_with_advice():
    left = rans_factor(30, 6, "trellis", 32)
    old = replace(factorization((30, 7), (1,) * 6, quantizer="trellis"), left=left)
    with pytest.raises(TargetUnreachableError, match="Append 64 rows or more at a time"):
        grown(old, np.eye(7, dtype=np.float32), rel_error=1e-6)


@pytest.mark.parametrize("machine", [3, 8])
@pytest.mark.parametrize("n", [31, 32])
def test_a_single_chunk_becomes_longer(machine, n):
    left = rans_factor(n, 6, "trellis", 32, machine=machine)
    old = replace(factorization((n, 7), (1,) * 6, quantizer="trellis"), left=left)
    for count in (8, 300):
        rows = np.random.default_rng(0).standard_normal((count, 7)).astype(np.float32)
        done = grown(old, rows)
        check(old, rows, done)
        assert len(done.factorization.left.chunks) == 1
    if n == 32:  # a row has a chunk of its own where the stored ones fill theirs
        done = grown(old, rows[:1])
        check(old, rows[:1], done)
        assert len(done.factorization.left.chunks) == 2


@pytest.mark.parametrize("quantizer", ["uniform", "normal", "deadzone"])
@pytest.mark.parametrize("mode", ["factors", "factors+residual", "direct"])
@pytest.mark.parametrize("count", [4, 5, 8, 9])
def test_in_two_steps_as_in_one(quantizer, mode, count):
    """With a scalar quantizer, across the ends of chunks and up to them: 12 + 4 are two chunks."""
    old = factorization((12, 5), (3, 3), mode, quantizer, means=("row", "column"))
    rows = np.random.default_rng(2).standard_normal((2 * count, 5)).astype(np.float32)
    once = grown(old, rows).factorization
    twice = grown(grown(old, rows[:count]).factorization, rows[count:]).factorization
    if quantizer == "deadzone":  # prices of integers depend on codes counted: without them
        once, twice = (
            _plainly(old, [rows]),
            _plainly(old, [rows[:count], rows[count:]]),
        )
    np.testing.assert_array_equal(values(once), values(twice))
    for name, part in once.parts.items():
        kind = np.dtype(np.float64)
        np.testing.assert_array_equal(
            decode_factor(part, kind), decode_factor(twice.parts[name], kind)
        )


def _plainly(old, batches):
    side = {
        name: replace(
            part,
            quantizer_parameters=part.quantizer_parameters[:8]
            + bytes(3)
            + part.quantizer_parameters[11:],
        )
        for name, part in old.parts.items()
    }
    old = replace(old, **side)
    for rows in batches:
        old = grown(old, rows).factorization
    return old


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


def test_rows_on_a_grid_come_in_layers():
    a = np.random.default_rng(1).standard_normal((12, 5)).astype(np.float32)
    old = lplrcli.compress(a, rank=2, row_grid=(4, 3)).factorization
    done = grown(old, a[:6])
    assert done.factorization.left.grid == (6, 3)
    with pytest.raises(PlanError, match=r"found 7 rows, expected a multiple of 3.*4 x 3"):
        grown(old, a[:7])


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


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        (np.ones((3, 23), np.float32), InputError, "found 3 x 23, expected any number x 24"),
        (np.ones((3, 24)), InputError, "found float64, expected float32"),
        (np.ones((3, 4, 6), np.float32), InputError, "found 3 x 4 x 6"),
        (np.full((3, 24), np.nan, np.float32), NonFiniteError, "72 entries"),
        (np.ones(24, np.float32), NotAMatrixError, "1-dimensional"),
    ],
)
def test_rows_that_are_none(rows, error, words):
    old = lplrcli.compress(A, **ASKED["packed"]).factorization
    with pytest.raises(error, match=words):
        grown(old, rows, path="a.lplr")


@pytest.mark.parametrize("name", ["left", "residual", "mean_column"])
def test_factors_that_are_transformed(name):
    old = factorization((24, 7), (3, 3), "factors+residual", "deadzone", means=("row", "column"))
    part = rans_factor(24, old.parts[name].components, "deadzone", 24, transform="dct", context=2)
    if name == "residual":
        part = rans_factor(24 * 7, 1, "deadzone", 24 * 7, transform="dct", context=2)
    old = replace(old, **{name: part})
    text = f"{name.replace('_', ' ')} is transformed.*dct, expected identity\n.*--transform none"
    with pytest.raises(PlanError, match=text):
        grown(old, np.ones((8, 7), np.float32))


def test_a_transformed_right_factor_does_not_matter():
    old = factorization((24, 32), (3, 3), quantizer="deadzone")
    right = rans_factor(32, 2, "deadzone", 32, transform="dct", context=2, grid=(4, 8))
    rows = np.random.default_rng(0).standard_normal((9, 32)).astype(np.float32)
    old = replace(old, right=right)
    check(old, rows, grown(old, rows))


def test_a_residual_that_is_one_run_of_codes():
    old = factorization((24, 7), mode="direct", quantizer="deadzone")
    old = replace(old, residual=rans_factor(24 * 7, 1, "deadzone", 64))
    with pytest.raises(PlanError, match="one run of all rows"):
        grown(old, np.ones((8, 7), np.float32))


def test_arrays_that_have_no_rows_to_follow():
    old = replace(factorization((24, 7)), array_shape=(24, 7), unfold=1)
    column = replace(factorization((1, 24 * 7)), array_shape=(24, 7), unfold=0)
    grown(old, np.ones((8, 7), np.float32))
    with pytest.raises(PlanError, match="0 of 2 axes"):
        grown(column, np.ones((8, 7), np.float32))


def test_slabs_are_cut_from_blocks():
    rows = np.arange(20).reshape(10, 2)
    blocks = [rows[:3], rows[3:4], rows[4:10]]
    found = list(_slabs(iter(blocks), [1, 4, 8, 10]))
    assert [(number, start) for number, start, _ in found] == [(0, 0), (1, 1), (2, 4), (3, 8)]
    np.testing.assert_array_equal(np.concatenate([part for *_, part in found]), rows)
    assert [len(part) for *_, part in found] == [1, 3, 4, 2]


def test_random_codes_have_the_parity_of_the_machine():
    # What the samples above rest on.
    tables = tables_for(6, 3)
    states = naive.trellis_states(random_codes(tables, 6, 9), 3)
    assert len(states) == 6
