"""Sparse matrices without entries: rank 0 and no error, whatever holds them, for any target."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

import lplrcli

FORMS = ("csr", "csc", "coo", "bsr", "dia")
ASKED = [
    {"rel_error": 0},
    {"rel_error": 0.01},
    {"bpc": 3},
    {"max_abs_error": 0.1},
    {"rank": 2, "bits": 2},
]


def empty(kind="csr", dtype=np.float64):
    return sp.csr_array((50, 40), dtype=dtype).asformat(kind)


def assert_zeros(compressed):
    found = np.asarray(compressed)
    assert found.shape == (50, 40) and not found.any()
    assert compressed.report.relative_frobenius_error == 0
    assert (compressed.report.source_norm, compressed.report.max_abs_error) == (0, 0)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_an_array_without_entries(asked):
    compressed = lplrcli.compress(empty(), **asked)
    assert_zeros(compressed)
    if "rank" not in asked:
        assert compressed.rank == 0
    assert not (compressed @ np.ones(40)).any()


@pytest.mark.parametrize("kind", FORMS)
def test_files_of_every_form(kind, tmp_path):
    path = tmp_path / "empty.npz"
    sp.save_npz(path, empty(kind))
    assert_zeros(lplrcli.compress(path, rel_error=0.01))


@pytest.mark.parametrize("entries", [0, 2])
def test_a_matrix_market_file(entries, tmp_path):
    path = tmp_path / "empty.mtx"
    zeros = ([0.0] * entries, ([1, 2][:entries], [3, 4][:entries]))
    scipy.io.mmwrite(path, sp.coo_array(zeros, shape=(50, 40)))
    compressed = lplrcli.compress(path, rel_error=0)
    assert_zeros(compressed)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_types_of_entries(dtype):
    compressed = lplrcli.compress(empty(dtype=dtype), rel_error=0)
    assert_zeros(compressed)
    assert compressed.dtype == dtype
