"""Rows after those of a file: what it held stays, and whatever goes wrong leaves it as it was."""

from __future__ import annotations

import matrices
import numpy as np
import pytest

import lplrcli
from lplrcli.errors import (
    ContainerError,
    InputError,
    NonFiniteError,
    OutputError,
    PlanError,
    TargetUnreachableError,
)

A = matrices.with_spectrum(120, 30, 0.7 ** np.arange(30), dtype=np.float32)
FIRST, MORE = A[:90], A[90:]
NOISE = np.random.default_rng(0).standard_normal((30, 30), np.float32)
MOST = 0.04
"""Relative error that new rows may have: the file has half of it."""


@pytest.fixture
def path(tmp_path):
    lplrcli.compress(FIRST, 12, 6).save(tmp_path / "a.lplr")
    return tmp_path / "a.lplr"


def decoded(path):
    with lplrcli.open(path) as opened:
        return np.asarray(opened)


def relative(difference, whole):
    return np.linalg.norm(difference.astype(float)) / np.linalg.norm(whole.astype(float))


def test_rows_follow_and_the_report_is_true(path):
    before = decoded(path)
    report = lplrcli.append(path, MORE, rel_error=MOST, threads=1)
    after = decoded(path)
    assert after.shape == A.shape
    np.testing.assert_array_equal(after[:90], before)
    assert report.rows == 30
    assert report.file_bytes == path.stat().st_size
    added = relative(after[90:] - MORE, MORE)
    assert report.added.relative_frobenius_error == pytest.approx(added, rel=1e-5)
    whole = relative(after - A, A)
    assert report.whole.relative_frobenius_error == pytest.approx(whole, rel=1e-5)
    assert added <= report.limit == MOST
    with lplrcli.open(path) as opened:
        assert opened.report == report.whole


@pytest.mark.parametrize("kind", ["array", "file", "files", "columns first"])
def test_rows_are_taken_as_compress_takes_them(path, kind, tmp_path):
    lplrcli.append(path, MORE, output=tmp_path / "expected.lplr", rel_error=MOST)
    halves = [str(tmp_path / f"{i}.npy") for i in range(2)]
    for name, part in zip(halves, np.split(MORE, 2), strict=True):
        np.save(name, part)
    np.save(tmp_path / "more.npy", MORE)
    given = {
        "array": MORE, "file": tmp_path / "more.npy", "files": halves,
        "columns first": np.asfortranarray(MORE),
    }[kind]  # fmt: skip
    lplrcli.append(path, given, rel_error=MOST)
    assert path.read_bytes() == (tmp_path / "expected.lplr").read_bytes()


def test_another_file_is_written_and_the_old_one_stays(path, tmp_path):
    before = path.read_bytes()
    other = tmp_path / "b.lplr"
    other.write_bytes(b"old")
    lplrcli.append(path, MORE, output=other, rel_error=MOST)
    assert path.read_bytes() == before
    assert decoded(other).shape == A.shape


@pytest.mark.parametrize(
    ("rows", "options", "error"),
    [
        (MORE[:, :20], {}, InputError),
        (MORE.astype(np.float64), {}, InputError),
        (np.where(MORE[3, 4] == MORE, np.nan, MORE), {}, NonFiniteError),
        (
            np.random.default_rng(0).standard_normal((30, 30), np.float32),
            {},
            TargetUnreachableError,
        ),
        (MORE, {"rel_error": 1e-6}, TargetUnreachableError),
        ("none.npy", {}, InputError),
    ],
    ids=["width", "type", "nan", "directions", "error", "file"],
)
def test_what_does_not_fit_leaves_the_file_as_it_was(path, rows, options, error):
    before = path.read_bytes()
    with pytest.raises(error):
        lplrcli.append(path, rows, **options)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_transformed_factor_takes_no_rows(tmp_path):
    path = tmp_path / "a.lplr"
    smooth = np.cumsum(FIRST, axis=0, dtype=np.float32)
    lplrcli.compress(smooth, bpc=4, mode="factors", transform="dct").save(path)
    with lplrcli.open(path) as opened:
        assert opened.plan.target.transform == "dct"
    with pytest.raises(PlanError, match="transform"):
        lplrcli.append(path, MORE)


def test_a_file_that_changes_meanwhile_is_left_as_it_is(path):
    class Meddling:
        """Rows whose reading takes so long that another program writes to the file."""

        shape, dtype = MORE.shape, MORE.dtype

        def __getitem__(self, rows):
            other = path.with_name("other")
            other.write_bytes(b"another program's")
            other.replace(path)
            return MORE[rows]

    with pytest.raises(OutputError, match="changed by another program"):
        lplrcli.append(path, Meddling(), rel_error=MOST)
    assert path.read_bytes() == b"another program's"


def test_what_is_no_lplr_file_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", FIRST)
    with pytest.raises(ContainerError):
        lplrcli.append(tmp_path / "a.npy", MORE)
    with pytest.raises(InputError):
        lplrcli.append(tmp_path / "none.lplr", MORE)
