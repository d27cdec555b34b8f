"""What `compress` takes and refuses, and that the matrix it was given is left alone."""

from __future__ import annotations

import h5py
import matrices
import numpy as np
import pytest
import scipy.sparse as sp

import lplrcli
from lplrcli.errors import InputError, MemoryLimitError, NonFiniteError, NotAMatrixError, PlanError

ROWS, COLUMNS = 90, 50

A = matrices.exponential(ROWS, COLUMNS, dtype=np.float64)


def compress(a, method="packed", **more):
    return lplrcli.compress(a, None if method == "nq" else 12, 5, method=method, **more)


def sources(folder):
    """One matrix in every guise."""
    a = A.astype(np.float32)
    np.save(folder / "a.npy", a)
    with h5py.File(folder / "a.h5", "w") as file:
        file["group/a"] = a
    yield a
    yield np.asfortranarray(a)
    yield np.load(folder / "a.npy", mmap_mode="r")
    yield folder / "a.npy"
    yield str(folder / "a.npy")
    yield folder / "a.h5"


def test_every_guise_of_a_matrix_gives_the_same(tmp_path):
    first, *others = [np.asarray(compress(source)) for source in sources(tmp_path)]
    for other in others:
        np.testing.assert_array_equal(other, first)
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(np.asarray(compress(file["group/a"])), first)
    by_name = compress(tmp_path / "a.h5", dataset="group/a")
    np.testing.assert_array_equal(np.asarray(by_name), first)


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix])
def test_sparse_matrices_are_taken(form):
    a = sp.random_array((ROWS, COLUMNS), density=0.2, rng=0)
    dense = np.asarray(compress(a.toarray()))
    np.testing.assert_allclose(np.asarray(compress(form(a))), dense, atol=0.1 * np.abs(dense).max())


@pytest.mark.parametrize("bad", [np.ones(5), np.ones((1,) * 6), np.ones((0, 3)), "text" * 3])
def test_what_is_no_matrix_is_refused(bad):
    with pytest.raises(InputError):
        compress(bad)


def test_complex_entries_are_refused():
    with pytest.raises(NotAMatrixError, match="real"):
        compress(np.ones((3, 3), complex))


@pytest.mark.parametrize("as_file", [False, True])
def test_nan_is_refused_with_count_and_place(tmp_path, as_file):
    a = A.copy()
    a[3, 4] = a[70, 1] = np.nan
    a[3, 9] = np.inf
    path = tmp_path / "a.npy"
    np.save(path, a)
    with pytest.raises(NonFiniteError, match=r"3 entries .* row 3, column 4") as caught:
        compress(path if as_file else a)
    assert caught.value.count == 3
    assert caught.value.position == (3, 4)
    assert str(path) in str(caught.value) if as_file else True


def test_the_matrix_given_is_left_alone():
    a = A.copy()
    a.setflags(write=False)
    compress(a)
    np.testing.assert_array_equal(a, A)


def test_raw_numbers_need_shape_and_type(tmp_path):
    path = tmp_path / "a.bin"
    A.astype(">f4").tofile(path)
    found = lplrcli.compress(path, 12, 5, shape=A.shape, dtype=">f4")
    expected = compress(A.astype(np.float32))
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    for options in ({"shape": A.shape}, {"dtype": ">f4"}):
        with pytest.raises(PlanError, match="both"):
            lplrcli.compress(path, 12, 5, **options)
    with pytest.raises(PlanError, match="both"):
        lplrcli.compress(A, 12, 5, shape=A.shape, dtype="f8")


def test_several_files_are_one_matrix(tmp_path):
    paths = [tmp_path / f"{i}.npy" for i in range(3)]
    for path, part in zip(paths, np.array_split(A, 3), strict=True):
        np.save(path, part)
    np.testing.assert_array_equal(np.asarray(compress(paths)), np.asarray(compress(A)))


@pytest.mark.parametrize("options", [{"unfold": 1.0}, {"row_grid": (9.0, 10)}])
def test_counts_of_axes_and_extents_are_integers(options):
    with pytest.raises(TypeError):
        compress(A, **options)


def test_threads_and_memory_change_no_byte(tmp_path):
    files = []
    for name, options in (("a", {"threads": 1}), ("b", {"threads": 3, "memory_limit": 2**40})):
        compress(A, **options).save(tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    with pytest.raises(MemoryLimitError):
        compress(A, memory_limit=1)


def test_a_cluster_is_for_what_its_workers_can_reach():
    with pytest.raises(PlanError, match="cluster"):
        compress(A, scheduler="tcp://localhost:1")
