"""Sparse matrices in groups of HDF5 and Zarr, against SciPy."""

from __future__ import annotations

import tempfile

import h5py
import numpy as np
import pytest
import scipy.sparse as sp
import zarr
from foreign_samples import whole
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError, MemoryLimitError, NotAMatrixError, PlanError
from lplrcli.io import UnfoldingRequest, open_source
from lplrcli.io.formats.sparse_groups import sparse_group
from lplrcli.runtime.workspace import limited_memory

SPARSE = sp.random_array((80, 60), density=0.1, format="csr", rng=np.random.default_rng(1))
PARTS = ("data", "indices", "indptr")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.h5ad")


def put(group, matrix, attributes, names=PARTS):
    for part, name in zip(PARTS, names, strict=True):
        array = getattr(matrix, part)
        if isinstance(group, h5py.Group):
            group[name] = array
        else:
            group.create_array(name, data=array)
    for key, value in attributes.items():
        group.attrs[key] = value


def anndata(group, matrix):
    put(group, matrix, {"encoding-type": f"{matrix.format}_matrix", "shape": matrix.shape})


def anndata_of_old(group, matrix):
    put(group, matrix, {"h5sparse_format": matrix.format, "h5sparse_shape": matrix.shape})


def tenx(group, matrix):
    put(group, matrix.tocsc(), {})
    group["shape"] = np.array(matrix.shape, np.int32)
    group["barcodes"] = np.full(matrix.shape[1], b"AAAC")


def by_lengths(group, matrix):
    put(group, matrix, {"shape": matrix.shape})


def matlab(group, matrix):
    columns = matrix.tocsc()
    columns.indices = columns.indices.astype("u8")
    put(group, columns, {"MATLAB_sparse": np.uint64(matrix.shape[0])}, ("data", "ir", "jc"))


CONVENTIONS = (anndata, anndata_of_old, tenx, by_lengths, matlab)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1"])
def test_conventions_of_hdf5(path, convention, kind, dtype):
    dense = np.rint(9 * SPARSE.toarray()).astype("i4").astype(dtype)
    with h5py.File(path, "w") as file:
        matrix = sp.csr_array(dense.astype("f8")).asformat(kind)
        matrix.data = matrix.data.astype(dtype)
        convention(file.create_group("X"), matrix)
    for dataset in (None, "X", "/X"):
        source = open_source(path, dataset=dataset)
        assert (source.sparse, source.shape, source.dtype) == (True, (80, 60), dtype)
        np.testing.assert_array_equal(whole(source), dense)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_anndata_in_zarr(path, version, kind):
    group = zarr.open_group(path, mode="w", zarr_format=version)
    attributes = {"encoding-type": f"{kind}_matrix", "shape": list(SPARSE.shape)}
    put(group.create_group("layers/counts"), SPARSE.asformat(kind), attributes)
    for dataset in (None, "layers/counts"):
        source = open_source(path, dataset=dataset)
        assert source.sparse
        np.testing.assert_array_equal(whole(source), SPARSE.toarray())
    np.testing.assert_array_equal(whole(open_source(f"{path}/layers/counts")), SPARSE.toarray())
    group.create_array("obsm", data=np.ones((80, 5)))
    with pytest.raises(NotAMatrixError, match=r"2 arrays: layers/counts \(80x60 float64, sparse"):
        open_source(path)


def test_no_other_array_is_taken_for_a_sparse_one(path):
    with h5py.File(path, "w") as file:
        anndata(file.create_group("X"), SPARSE)
        file["obsm/X_pca"] = np.ones((80, 5))
    with pytest.raises(NotAMatrixError, match=r"2 arrays: /X \(80x60 float64, sparse\), /obsm"):
        open_source(path)
    with pytest.raises(NotAMatrixError, match="'obsm' is not a dataset"):
        open_source(path, dataset="obsm")
    assert open_source(path, dataset="obsm/X_pca").shape == (80, 5)


def test_the_file_itself(path):
    with h5py.File(path, "w") as file:
        anndata(file, SPARSE)
    for dataset in (None, "/"):
        np.testing.assert_array_equal(whole(open_source(path, dataset=dataset)), SPARSE.toarray())


def test_square_ones_say_what_is_compressed(path):
    square = SPARSE[:60]
    with h5py.File(path, "w") as file:
        by_lengths(file.create_group("X"), square)
        tenx(file.create_group("matrix"), square)
    np.testing.assert_array_equal(whole(open_source(path, dataset="matrix")), square.toarray())
    with pytest.raises(NotAMatrixError, match=r"a\.h5ad:/X: .*rows or its columns") as caught:
        open_source(path, dataset="X")
    assert "encoding-type" in str(caught.value)


def test_matlab_leaves_out_what_is_empty(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_group("S").attrs["MATLAB_sparse"] = np.uint64(4)
        file["S/jc"] = np.zeros(4, "u8")
    source = open_source(path)
    assert source.sparse
    np.testing.assert_array_equal(whole(source), np.zeros((4, 3)))


def test_grids_and_types_are_those_of_any_matrix(path):
    with h5py.File(path, "w") as file:
        anndata(file.create_group("X"), SPARSE)
    request = UnfoldingRequest(column_grid=(6, 10))
    assert open_source(path, request=request).unfolding.column_grid == (6, 10)
    with pytest.raises(PlanError, match="grid is not one of the rows"):
        open_source(path, request=UnfoldingRequest(row_grid=(7, 7)))
    with h5py.File(path, "w") as file:
        anndata(file.create_group("X"), SPARSE.astype(complex))
    with pytest.raises(NotAMatrixError, match=r"no matrix of real.*/X \(80x60 complex128, sparse"):
        open_source(path)


def test_groups_of_other_things_are_none(path):
    with h5py.File(path, "w") as file:
        file["shapeless/data"] = file["shapeless/indices"] = file["shapeless/indptr"] = np.ones(3)
        file["other/data"] = np.ones(3)
        file.create_group("S").attrs["MATLAB_sparse"] = 3
        for shape in ((3, 4, 5), (-3, 4), (3.0, 4.0), "text"):
            odd = file.create_group(f"of {shape}")
            anndata(odd, SPARSE)
            odd.attrs["shape"] = shape
        assert not any(sparse_group(group) for group in file.values())


def test_what_was_never_written_takes_no_memory(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        for part in PARTS:
            group.create_dataset(part, (2**40,), "i8", chunks=(2**16,))
        group.attrs["shape"] = (2**40 - 1, 2**40)
        group.attrs["encoding-type"] = "csr_matrix"
    with limited_memory(2**34), pytest.raises(MemoryLimitError, match="memory limit is too low"):
        open_source(path)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(PARTS),
    st.integers(0, 20),
    st.sampled_from([-(2**40), -1, 0, 1, 3, 7, 2**31, 2**63 - 1]),
    st.sampled_from(["value", "cut", "longer", "float", "two axes", "missing"]),
)
def test_damage_is_named_or_harmless(part, at, value, how):
    matrix = sp.csr_array(SPARSE[:5, :7])
    arrays = {
        name: getattr(matrix, name).astype("f8" if name == "data" else "i8") for name in PARTS
    }
    given_array = arrays[part]
    if how == "value":
        given_array[at % len(given_array)] = value
    arrays[part] = {
        "cut": given_array[:-1],
        "longer": np.append(given_array, 1),
        "float": given_array.astype("f4"),
        "two axes": given_array[None],
    }.get(how, given_array)
    if how == "missing":
        del arrays[part]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.h5"
        with h5py.File(path, "w") as file:
            file.create_group("X").attrs.update({"encoding-type": "csr_matrix", "shape": (5, 7)})
            for name, array in arrays.items():
                file[f"X/{name}"] = array
        try:
            found = whole(open_source(path, dataset="X"))
        except LplrError as error:
            assert isinstance(error, InputError)
            assert str(error).startswith(path)
            assert len(str(error).splitlines()) <= 2
        else:
            assert found.shape == (5, 7)
