"""SciPy's sparse .npz files against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError, NotAMatrixError
from lplrcli.io import open_source

KINDS = ["csr", "csc", "coo", "bsr", "dia"]


def csr_of(block):
    v = block.values
    return sp.csr_array((v.data, v.indices, v.indptr), shape=v.shape)


def whole(source):
    with source:
        assert source.sparse
        rows = sp.vstack(list(source.map_blocks(csr_of)))
        assert rows.has_canonical_format
        return rows.toarray()


def some(dtype=np.float64, shape=(60, 8)):
    g = np.random.default_rng(2)
    dense = g.integers(-50, 50, shape) * (g.random(shape) < 0.2)
    return sp.coo_array(dense.astype(dtype))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, bool])
def test_reads_what_scipy_saves(path, kind, compressed, dtype):
    matrix = some(dtype)
    sp.save_npz(path, matrix.asformat(kind), compressed=compressed)
    source = open_source(path)
    assert (source.shape, source.dtype, source.format) == ((60, 8), dtype, "npz")
    np.testing.assert_array_equal(whole(source), matrix.toarray())


@pytest.mark.parametrize("kind", KINDS)
def test_old_matrices_and_none_of_entries(path, kind):
    sp.save_npz(path, sp.csr_matrix(some()).asformat(kind))
    np.testing.assert_array_equal(whole(open_source(path)), some().toarray())
    sp.save_npz(path, sp.coo_array((3, 4)).asformat(kind))
    np.testing.assert_array_equal(whole(open_source(path)), np.zeros((3, 4)))


def test_duplicates_are_summed_and_do_not_wrap(path):
    given = sp.csr_array((np.full(4, 200, np.uint8), [1, 0, 1, 2], [0, 3, 4]), shape=(2, 3))
    sp.save_npz(path, given)
    source = open_source(path)
    assert source.dtype == np.uint8
    np.testing.assert_array_equal(whole(source), [[200, 400, 0], [0, 0, 200]])
    sp.save_npz(path, sp.coo_array((np.full(2, 200, np.uint8), ([0, 0], [1, 1])), shape=(1, 2)))
    np.testing.assert_array_equal(whole(open_source(path)), [[0, 400]])


def test_half_floats_and_bytes_the_other_way_round(path):
    data = np.array([1.5, 2.5], np.float16)
    members = {"indices": np.array([0, 2], ">i4"), "indptr": np.array([0, 1, 2], ">i8")}
    np.savez(path, format=b"csr", shape=(2, 3), data=data, **members)
    source = open_source(path)
    assert source.dtype == np.float16
    np.testing.assert_array_equal(whole(source), [[1.5, 0, 0], [0, 0, 2.5]])
    np.savez(path, format="csr", shape=(2, 3), data=data.astype(">f8"), **members)
    np.testing.assert_array_equal(whole(open_source(path)), [[1.5, 0, 0], [0, 0, 2.5]])


def test_arrays_that_only_share_the_names(path):
    np.savez(path, format=np.ones((3, 3)), shape=np.arange(3), data=np.ones(4))
    source = open_source(path)
    assert not source.sparse
    assert source.shape == (3, 3)


CSR = {
    "format": b"csr",
    "shape": (3, 4),
    "data": np.ones(3),
    "indices": [0, 3, 1],
    "indptr": [0, 2, 2, 3],
}
COO = {"format": b"coo", "shape": (3, 4), "data": np.ones(2), "row": [0, 2], "col": [3, 0]}
BSR = {
    "format": b"bsr",
    "shape": (4, 4),
    "data": np.ones((1, 2, 2)),
    "indices": [1],
    "indptr": [0, 1, 1],
}
DIA = {"format": b"dia", "shape": (3, 4), "data": np.ones((2, 4)), "offsets": [0, -1]}
DAMAGED = {
    "format": (CSR, {"format": b"lil"}, "sparse format is unknown.*'lil', expected csr"),
    "long format": (CSR, {"format": b"x" * 500}, "no matrix of real numbers"),
    "index too large": (CSR, {"indices": [0, 4, 1]}, "0 to 4 lie outside"),
    "index negative": (CSR, {"indices": [0, -1, 1]}, "-1 to 1 lie outside"),
    "index of 64 bits": (CSR, {"indices": [0, 2**40, 1]}, "lie outside"),
    "indptr decreases": (CSR, {"indptr": [0, 3, 2, 3]}, "decreases"),
    "indptr begins late": (CSR, {"indptr": [1, 2, 2, 3]}, "indptr does not fit"),
    "indptr too long": (CSR, {"indptr": [0, 2, 2, 2, 3]}, "indptr does not fit"),
    "indptr ends early": (CSR, {"indptr": [0, 2, 2, 2]}, "indptr does not fit"),
    "indices too few": (CSR, {"indices": [0, 3]}, "2 indices for 3 entries"),
    "indices of floats": (CSR, {"indices": [0.0, 3.0, 1.0]}, "found float64"),
    "indices of two axes": (CSR, {"indices": [[0, 3, 1]]}, r"shape \(1, 3\)"),
    "data of two axes": (CSR, {"data": np.ones((3, 1))}, "2 dimensions in place of 1"),
    "shape of floats": (CSR, {"shape": (3.0, 4.0)}, "found float64"),
    "negative shape": (CSR, {"shape": (-3, 4)}, "indptr does not fit"),
    "huge shape": (CSR, {"shape": (10**15, 4)}, "far more rows"),
    "pickled indices": (CSR, {"indices": np.array([0, None, 1])}, "found object"),
    "rows too few": (COO, {"row": [0]}, "1 of row for 2 entries"),
    "row outside": (COO, {"row": [0, 3]}, "a.npz:row|lie outside"),
    "column outside": (COO, {"col": [4, 0]}, "lie outside"),
    "column missing": (COO, {"col": None}, "col is missing; there are format"),
    "blocks that do not fit": (BSR, {"shape": (4, 5)}, "do not fill"),
    "blocks of nothing": (BSR, {"data": np.ones((1, 0, 2))}, "do not fill"),
    "block outside": (BSR, {"indices": [2]}, "lie outside"),
    "offsets too few": (DIA, {"offsets": [0]}, "2 diagonals with 1 offsets"),
    "offset twice": (DIA, {"offsets": [1, 1]}, "2 diagonals with 2 offsets"),
    "offset outside": (DIA, {"offsets": [0, -3]}, "lie outside"),
}


@pytest.mark.parametrize("case", DAMAGED)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage(path, save, case):
    good, change, fault = DAMAGED[case]
    members = {key: value for key, value in {**good, **change}.items() if value is not None}
    save(path, **members)
    with pytest.raises(InputError, match=fault) as caught:
        open_source(path)
    assert len(str(caught.value).splitlines()) <= 2
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize("good", [CSR, COO, BSR, DIA], ids=lambda good: good["format"].decode())
def test_the_undamaged_ones_are_read(path, good):
    np.savez(path, **good)
    np.testing.assert_array_equal(whole(open_source(path)), sp.load_npz(path).toarray())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"data": np.ones(3, complex)}, "complex"),
        ({"data": np.array([1, None, 2])}, "object"),
        ({"shape": (3, 0)}, "empty"),
        ({"shape": (12,)}, "1-dimensional"),
    ],
)
def test_what_is_no_matrix(path, change, fault):
    np.savez(path, **{**CSR, **change})
    with pytest.raises(NotAMatrixError, match=fault):
        open_source(path)


def test_a_name_chooses_a_member_of_it(path):
    np.savez(path, **BSR)
    # Of 1 x 2 x 2 numbers: a leading axis of one layer becomes rows with the next.
    assert open_source(path, dataset="data").shape == (2, 2)
    with pytest.raises(NotAMatrixError, match="1-dimensional"):
        open_source(path, dataset="indices")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    good=st.sampled_from([CSR, COO, BSR, DIA]),
    shape=st.tuples(st.integers(-1, 6), st.integers(-1, 6)),
    numbers=st.lists(st.integers(-2, 6), max_size=6),
    which=st.integers(0, 1),
)
def test_any_numbers_are_read_as_scipy_reads_them_or_refused(tmp_path, good, shape, numbers, which):
    names = [name for name in good if name not in ("format", "shape", "data")]
    path = tmp_path / "a.npz"
    changed = {"shape": shape, names[which % len(names)]: np.array(numbers, np.int32)}
    np.savez(path, **{**good, **changed})
    try:
        found = whole(open_source(str(path)))
    except LplrError:
        return
    np.testing.assert_array_equal(found, sp.load_npz(path).toarray())
