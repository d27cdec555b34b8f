"""No error at all: every type of entry comes back bit for bit, and in no more bytes than zstd."""

from __future__ import annotations

import io
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse as sp
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import PlanError, TargetUnreachableError

DTYPES = (np.float16, np.float32, np.float64, ml_dtypes.bfloat16, np.bool_, np.int8, np.int16)
DTYPES += (np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
OVERHEAD = 640
"""Bytes of a file besides its one chunk of entries, at most."""

PLACES = np.arange(3000).reshape(60, 50)
NOISE = np.random.default_rng(0).normal(size=(60, 50))


def there_and_back(array, **options):
    """The file of an array without error, and what is read from it."""
    compressed = lplrcli.compress(array, **(options or {"rel_error": 0}))
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return stream.getvalue(), compressed


def assert_kept(array, **options):
    """Check that an array comes back as it is, from a file no larger than zstd would make it."""
    raw, compressed = there_and_back(array, **options)
    found = np.asarray(compressed)
    assert found.dtype == array.dtype and found.shape == array.shape
    assert found.tobytes() == array.tobytes()
    report = compressed.report
    assert (report.relative_frobenius_error, report.max_abs_error, report.exact) == (0, 0, True)
    plain = zstandard.ZstdCompressor(level=19).compress(array.tobytes())
    assert len(raw) <= 1.01 * len(plain) + OVERHEAD
    return raw, compressed


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(17 * 10**17 + PLACES * 10**6, id="nanoseconds"),
        pytest.param(np.where(PLACES % 97 == 0, 2**32 - 1, 3).astype(np.uint32), id="mask"),
        pytest.param(np.array([[2**28, 1], [2, 3]], np.int32), id="2^28"),
        pytest.param(np.uint64(2**64 - 1) - PLACES.astype(np.uint64) % 7, id="near 2^64"),
        pytest.param(NOISE.astype(np.float32), id="float32"),
        pytest.param(NOISE, id="float64"),
        pytest.param(np.array([[-0.0, 0.0], [0.0, 0.0]]), id="signed zero"),
        pytest.param(np.array([[1.7e308, -1.7e308, 5e-324]]), id="norm beyond float64"),
        pytest.param(np.array([[np.nan, np.inf, -np.inf, 1.5]], np.float32), id="not finite"),
        pytest.param(np.full((3, 2), np.nan), id="nothing else"),
        pytest.param(NOISE.reshape(3, 20, 50), id="three axes"),
        pytest.param(NOISE > 0, id="bool"),
        pytest.param(np.tile(NOISE[:10], (6, 1)), id="repeated"),
    ],
)
@pytest.mark.parametrize("asked", ["rel_error", "max_abs_error"])
def test_entries_come_back_bit_for_bit(array, asked):
    assert_kept(array, **{asked: 0})


def test_payloads_of_nan_are_kept():
    words = np.arange(1, 31, dtype=np.uint64).reshape(6, 5) | np.uint64(0x7FF << 52)
    raw, compressed = assert_kept(words.view(np.float64))
    assert compressed.plan.mode == "kept" and raw[10] == 1
    assert compressed.report.source_norm == 0.0


def test_multiples_of_a_number_stay_files_of_1_0():
    grades = np.random.default_rng(1).integers(0, 5, (200, 120)) / 2
    raw, compressed = assert_kept(grades)
    assert (compressed.plan.mode, raw[10]) == ("direct", 0)
    assert_kept(np.rint(NOISE * 3).astype(np.int16))


def test_the_lesser_of_both_is_taken():
    columns = np.random.default_rng(1).integers(0, 200, (1, 4000))
    repeated = np.repeat(columns, 40, axis=0).astype(np.uint8)
    _, compressed = assert_kept(repeated)
    assert compressed.plan.mode == "kept"


def test_an_axis_more_or_a_choice_of_unfolding_changes_nothing():
    array = NOISE.reshape(3, 20, 50)
    raw, _ = assert_kept(array, rel_error=0, unfold="auto")
    assert len(raw) < 1.1 * len(assert_kept(NOISE)[0])


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(DTYPES))
def test_any_bits_come_back(data, dtype):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
    width = np.dtype(dtype).itemsize
    words = data.draw(hnp.arrays(f"u{width}", shape))
    assert_kept((words % 2 == 0) if dtype is np.bool_ else words.view(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8, np.int64, np.bool_])
def test_sparse_matrices_come_back(dtype):
    entries = sp.random(300, 70, 0.02, random_state=0, format="csr")
    entries.data = np.ceil(9 * entries.data) if np.dtype(dtype).kind != "f" else entries.data
    entries = entries.astype(dtype)
    _, compressed = there_and_back(entries)
    assert np.array_equal(np.asarray(compressed), entries.toarray())
    assert np.array_equal(compressed[10:200:7, 3], entries.toarray()[10:200:7, 3])
    x = np.arange(70.0)
    assert np.allclose(compressed @ x, entries @ x) and compressed.dtype == dtype
    assert np.allclose(np.ones((2, 300)) @ compressed, np.ones((2, 300)) @ entries.toarray())


def test_integers_that_a_sparse_matrix_does_not_hold_are_refused():
    entries = sp.csr_matrix(([2**60 + 1], ([3], [4])), shape=(50, 40), dtype=np.int64)
    with pytest.raises(TargetUnreachableError, match=r"float64.*\n.*dense"):
        lplrcli.compress(entries, rel_error=0)


def test_a_sparse_matrix_of_any_extents_is_kept():
    entries = sp.csr_array(([1.5, -2.25], ([5, 2_999_999], [7, 999])), shape=(3_000_000, 1000))
    compressed = lplrcli.compress(entries, rel_error=0)
    assert compressed.size_report.file_bytes < 2000
    assert compressed[2_999_999, 999] == -2.25 and compressed[5:7, 7].tolist() == [1.5, 0]


def test_a_rank_or_factors_alone_cannot_be_without_error():
    for options in ({"rank": 3}, {"mode": "factors"}):
        with pytest.raises(PlanError):
            lplrcli.compress(NOISE, rel_error=0, **options)


def test_kept_rows_cannot_be_continued(tmp_path: Path):
    path = tmp_path / "a.lplr"
    lplrcli.compress(NOISE, rel_error=0).save(path)
    with pytest.raises(PlanError, match=r"kept.*\n.*Compress all rows again"):
        lplrcli.append(path, NOISE[:8])
    with lplrcli.open(path) as opened:
        assert np.array_equal(np.asarray(opened), NOISE)


def test_bytes_do_not_depend_on_threads():
    array = np.cumsum(np.random.default_rng(5).normal(size=(1300, 1000)), axis=0)
    files = [there_and_back(array, rel_error=0, threads=threads)[0] for threads in (1, 3)]
    assert files[0] == files[1]


def test_zeros_of_a_hypersparse_matrix_are_not_coded(monkeypatch):
    def refuse(*_):
        raise AssertionError("every entry was coded")

    monkeypatch.setattr("lplrcli.pipeline.engines.attempts.Attempts.lossless", refuse)
    generator = np.random.default_rng(0)
    places = generator.choice(20_000 * 300, 3000, replace=False)
    entries = sp.csr_array(
        (generator.normal(size=3000), np.divmod(places, 300)), shape=(20_000, 300)
    )
    monkeypatch.setattr(
        "lplrcli.pipeline.survey.matrix_survey.MatrixSurvey.lossless_rate", lambda _: 0.1
    )
    compressed = lplrcli.compress(entries, rel_error=0)
    assert compressed.plan.mode == "kept"
    assert compressed.size_report.file_bytes < 1.01 * (3000 * 8 + 3000 * 16 / 8) + 700
