"""``lplr recover``: what is written, what is said, and with which exit status."""

from __future__ import annotations

import io
import json

import h5py
import numpy as np
import pytest
import scipy.io
from lplr_command import lplr
from lplr_samples import factorization, written

from lplrcli.container.reader import open_container

KEYS = {
    "input", "output", "format", "matrix", "shape", "matrix_shape", "dtype", "whole",
    "lost_entries", "lost_rows", "lost_columns", "lost_parts", "chunks", "lost_chunks",
    "structure", "matrices", "seconds",
}  # fmt: skip
CHUNKS = {"left": 3, "right": 1}
RAW = written(factorization((19, 10), (3, 1)))
INTEGERS = written(factorization((19, 10), (3, 1), dtype="int16"))


def spoilt(raw, tag, ordinal):
    with open_container(io.BytesIO(raw), "x") as container:
        section = next(s for s in container.sections if (s.tag, s.ordinal) == (tag, ordinal))
    return raw[: section.offset] + bytes([raw[section.offset] ^ 1]) + raw[section.offset + 1 :]


@pytest.fixture
def bad(work):
    (work / "good.lplr").write_bytes(RAW)
    (work / "bad.lplr").write_bytes(spoilt(RAW, "LEFT", 1))
    (work / "ints.lplr").write_bytes(spoilt(INTEGERS, "LEFT", 1))
    (work / "none.lplr").write_bytes(spoilt(RAW, "RGHT", 0))
    assert lplr("decompress", "good.lplr", "-qo", "good.npy").code == 0
    return work


def test_lost_rows_are_nan_and_listed(bad):
    result = lplr("recover", "bad.lplr", "-o", "rest.npy")
    assert (result.code, result.out) == (3, b"")
    lost, summary = result.err.splitlines()
    assert lost.startswith("rows 8-15 of matrix 0 lost: section LEFT: wrong payload checksum (at ")
    assert summary.startswith("bad.lplr -> rest.npy: 19 x 10 float32, 110 of 190 entries recovered")
    found, whole = np.load("rest.npy"), np.load("good.npy")
    assert np.isnan(found[8:16]).all()
    kept = [*range(8), *range(16, 19)]
    assert found[kept].tobytes() == whole[kept].tobytes()


def test_a_whole_file_comes_back_as_decompress_has_it(bad):
    result = lplr("recover", "good.lplr", "-o", "rest.npy")
    assert result.code == 0 and "all entries recovered" in result.err
    assert (bad / "rest.npy").read_bytes() == (bad / "good.npy").read_bytes()


def test_json(bad):
    result = lplr("recover", "bad.lplr", "-o", "rest.npy", "--json", "-q")
    assert (result.code, result.err) == (3, "")
    found = json.loads(result.text)
    assert set(found) == KEYS
    assert (found["lost_rows"], found["lost_columns"], found["lost_parts"]) == ([[8, 16]], [], [])
    assert found["lost_entries"] == 80 and not found["whole"]
    assert found["chunks"]["left"] == {"remaining": 2, "of": 3}
    assert found["chunks"]["right"] == {"remaining": 1, "of": 1}
    (lost,) = found["lost_chunks"]
    assert (lost["section"], lost["chunks"], lost["rows"]) == ("LEFT", [1, 2], [8, 16])


def test_a_truncated_index_is_told_of(bad):
    (bad / "cut.lplr").write_bytes(RAW[:-20])
    result = lplr("recover", "cut.lplr", "-o", "rest.npy")
    assert result.code == 0
    assert "truncated" in result.err.splitlines()[0]
    assert (bad / "rest.npy").read_bytes() == (bad / "good.npy").read_bytes()


def test_integers(bad, refuses):
    assert lplr("recover", "ints.lplr", "-qo", "f.npy").code == 3
    assert np.load("f.npy").dtype == np.float32 and np.isnan(np.load("f.npy")[8]).all()
    assert lplr("recover", "ints.lplr", "-qo", "i.npy", "-f", "--fill", -7).code == 3
    found = np.load("i.npy")
    assert found.dtype == np.int16 and (found[8:16] == -7).all()
    refuses(
        *("recover", "ints.lplr", "-o", "x.npy", "--dtype", "int8", "--fill", "300"),
        says=["int8", "300", "--fill"],
    )


def test_formats_and_pipes(bad):
    assert lplr("recover", "bad.lplr", "-qo", "a.h5", "--dataset", "u").code == 3
    assert lplr("recover", "bad.lplr", "-qo", "a.mtx", "--fill", 0).code == 3
    expected = np.load("good.npy")
    expected[8:16] = 0
    np.testing.assert_array_equal(scipy.io.mmread("a.mtx").astype(np.float32), expected)
    with h5py.File("a.h5") as file:
        np.testing.assert_array_equal(np.nan_to_num(file["u"]), expected)
    result = lplr("recover", "-", "-o", "-", "--fill", 0, stdin=(bad / "bad.lplr").read_bytes())
    assert result.code == 3
    np.testing.assert_array_equal(np.load(io.BytesIO(result.out)), expected)
    assert lplr("recover", "bad.lplr", "-q").code == 3
    assert (bad / "bad.npy").exists()


def test_one_matrix_of_several(bad, refuses):
    both = written(factorization((19, 10), (3, 1)), factorization((9, 4), (2,)))
    (bad / "two.lplr").write_bytes(spoilt(both, "META", 0))
    refuses("recover", "two.lplr", "-o", "x.npy", says=["--matrix"])
    refuses("recover", "two.lplr", "-o", "x.npy", "--matrix", 2, says=["--matrix 2"])
    refuses("recover", "two.lplr", "-o", "x.npy", "--matrix", 0, code=3, says=["section META"])
    assert lplr("recover", "two.lplr", "-qo", "x.npy", "--matrix", 1).code == 0


def test_what_is_refused_leaves_everything_as_it_was(bad, refuses):
    refuses("recover", "none.lplr", "-o", "x.npy", code=3, says=["nothing of the matrix is left"])
    refuses("recover", "none.lplr", "-o", "-", code=3, says=["nothing of the matrix is left"])
    refuses("recover", "a.npy", "-o", "x.npy", code=3, says=["not an .lplr file"])
    refuses("recover", "absent.lplr", "-o", "x.npy", says=["cannot be opened"])
    refuses("recover", "bad.lplr", "-o", "good.npy", says=["exists", "-f"])
    refuses("recover", "bad.lplr", "-fo", "bad.lplr", "--to", "npy", says=["never overwritten"])
    refuses("recover", "bad.lplr", "-o", "x.npy", "--max-output", 9, says=["--max-output"])
    refuses("recover", "bad.lplr", "-o", "x.csv", code=2, says=[".csv"])
    refuses("recover", "bad.lplr", "-o", "x.npy", "--dataset", "u", code=2)
    refuses("recover", "bad.lplr", "-o", "-", "--json", code=2)
    refuses("recover", "bad.lplr", "-o", "x.npy", "-M", "1M", says=["memory limit"])
