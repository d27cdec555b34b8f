"""Opening: what is no file or not ours is refused, and a closed matrix reads no more."""

from __future__ import annotations

from pathlib import Path

import matrices
import numpy as np
import pytest
from lplr_samples import factorization, written

import lplrcli
from lplrcli.api import opening
from lplrcli.errors import ContainerError, InputError, NotLplrError
from lplrcli.io.files.seekable import open_seekable

ROWS, COLUMNS = 90, 50

A = matrices.exponential(ROWS, COLUMNS, dtype=np.float64)


@pytest.fixture
def path(tmp_path):
    lplrcli.compress(A, 12, 5).save(tmp_path / "a.lplr")
    return tmp_path / "a.lplr"


def test_a_closed_matrix_reads_no_more(path):
    c = lplrcli.open(path)
    c.close()
    c.close()
    with pytest.raises((ValueError, OSError)):
        c[0]


def test_factors_read_before_closing_stay(path):
    x = np.ones(COLUMNS)
    with lplrcli.open(path) as c:
        before = c @ x
    np.testing.assert_array_equal(c @ x, before)


def test_opening_what_is_no_file_or_not_ours_is_refused(tmp_path):
    with pytest.raises(InputError):
        lplrcli.open(tmp_path / "missing.lplr")
    np.save(tmp_path / "a.npy", A)
    with pytest.raises(NotLplrError):
        lplrcli.open(tmp_path / "a.npy")
    (tmp_path / "empty.lplr").write_bytes(b"")
    with pytest.raises(ContainerError):
        lplrcli.open(tmp_path / "empty.lplr")


def test_a_file_that_is_refused_is_closed(tmp_path, monkeypatch):
    opened = []

    def watched(path):
        found = open_seekable(path)
        opened.append(found[0])
        return found

    monkeypatch.setattr(opening, "open_seekable", watched)
    (tmp_path / "a.lplr").write_bytes(b"not ours")
    with pytest.raises(NotLplrError):
        lplrcli.open(tmp_path / "a.lplr")
    (tmp_path / "b.lplr").write_bytes(written(factorization()))
    with pytest.raises(IndexError):
        lplrcli.open(tmp_path / "b.lplr", matrix=1)
    assert [file.closed for file in opened] == [True, True]


def test_one_of_several_matrices_is_opened(tmp_path):
    several = factorization((9, 4)), factorization((5, 3), mode="direct")
    (tmp_path / "a.lplr").write_bytes(written(*several))
    for number, expected in enumerate(several):
        with lplrcli.open(str(tmp_path / "a.lplr"), number) as found:
            assert found.shape == expected.shape
            assert found.plan == expected.plan


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.npy", ["a.npy"]),
        (Path("folder/a.npy"), [str(Path("folder/a.npy"))]),
        (["a.npy", Path("b.npy")], ["a.npy", "b.npy"]),
        (("a.npy",), ["a.npy"]),
        ([], None),
        (["a.npy", 1.0], None),
        ([[1.0, 2.0]], None),
        (A, None),
        (None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_files_are_told_from_arrays(given, expected):
    assert opening.paths_of(given) == expected
