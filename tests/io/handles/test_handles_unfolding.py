"""Arrays of three to five dimensions, read as the matrices that NumPy reshapes them to."""

from __future__ import annotations

import io
import math

import h5py
import ml_dtypes
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, NotAMatrixError, OutputError, PlanError
from lplrcli.io import UnfoldingRequest, create_sink, open_array, open_source
from lplrcli.io.handles.mapped import MappedHandle
from lplrcli.io.handles.unfolding import boxes, unfolding_of
from lplrcli.model.source import Unfolding

PROPERTY = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)
DTYPES = ["f4", "f8", ">f4", "u1", "?", ml_dtypes.bfloat16]


def matrix_of(source, height=None):
    """The whole of a source, in blocks of `height` rows."""
    with source:
        if height is not None:
            source._handle.block_rows = height
        blocks = list(source.map_blocks(lambda block: block.values.copy()))
    assert all(block.flags.c_contiguous and block.dtype == source.dtype for block in blocks)
    return np.concatenate(blocks)


def some(shape, dtype, order="C"):
    values = np.random.default_rng(3).integers(0, 2 if dtype == "?" else 100, shape)
    return np.asarray(values.astype(dtype), order=order)


# -- boxes and unfoldings


@given(grid=st.lists(st.integers(1, 7), max_size=4).map(tuple), data=st.data())
def test_boxes_are_the_range(grid, data):
    size = math.prod(grid)
    start = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(start, size))
    flat = np.arange(size).reshape(grid)
    found = list(boxes(grid, start, stop))
    joined = [flat[box].ravel() for box in found] + [np.zeros(0, int)]
    np.testing.assert_array_equal(np.concatenate(joined), np.arange(start, stop))
    assert len(found) <= max(1, 2 * len(grid) - 1)


def test_what_an_unfolding_says():
    unfolding = Unfolding.of((4, 3, 5, 2), 2)
    assert unfolding == Unfolding((4, 3, 5, 2), 2, (4, 3), (5, 2))
    assert unfolding.matrix_shape == (12, 10)
    assert unfolding.index_of(7, 9) == (2, 1, 4, 1)
    assert Unfolding.of((4, 3)) == Unfolding((4, 3), 1, (4,), (3,))


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_a_matrix_says_its_grids_only_if_told(make):
    a = np.ones((12, 10))
    assert open_array(make(a)).unfolding == Unfolding((12, 10), 1, (12,), (10,))
    told = open_array(make(a), request=UnfoldingRequest(row_grid=(3, 4), column_grid=(5, 1, 2)))
    assert told.unfolding == Unfolding((12, 10), 1, (3, 4), (5, 1, 2))
    assert told.shape == (12, 10)


def test_a_matrix_market_file_takes_grids(tmp_path):
    path = tmp_path / "a.mtx"
    path.write_text("%%MatrixMarket matrix coordinate real general\n6 4 1\n1 1 2.5\n")
    source = open_source(str(path), request=UnfoldingRequest(row_grid=(2, 3)))
    assert source.unfolding == Unfolding((6, 4), 1, (2, 3), (4,))
    with pytest.raises(PlanError, match="grid"):
        open_source(str(path), request=UnfoldingRequest(column_grid=(3, 3)))


# -- reading


@given(
    shape=SHAPES,
    order=st.sampled_from("CF"),
    dtype=st.sampled_from(DTYPES),
    data=st.data(),
)
@PROPERTY
def test_npy_files_and_maps_are_reshaped(tmp_path, shape, order, dtype, data):
    axes = data.draw(st.integers(1, len(shape) - 1))
    rows = math.prod(shape[:axes])
    height = data.draw(st.integers(1, rows))
    a = some(shape, dtype, order)
    np.save(tmp_path / "a.npy", a)
    expected = a.reshape(rows, -1)
    request = UnfoldingRequest(axes)
    source = open_source(str(tmp_path / "a.npy"), request=request)
    assert source.unfolding == Unfolding.of(shape, axes)
    np.testing.assert_array_equal(matrix_of(source, height), expected)
    np.testing.assert_array_equal(matrix_of(open_array(a, request=request), height), expected)
    if np.dtype(dtype).kind != "V":
        mapped = open_array(np.load(tmp_path / "a.npy", mmap_mode="r"), request=request)
        assert isinstance(mapped._handle, MappedHandle)
        np.testing.assert_array_equal(matrix_of(mapped, height), expected)


@given(shape=SHAPES, data=st.data())
@PROPERTY
def test_hdf5_datasets_are_reshaped(tmp_path, shape, data):
    axes = data.draw(st.integers(1, len(shape) - 1))
    rows = math.prod(shape[:axes])
    height = data.draw(st.none() | st.integers(1, rows))
    chunked = data.draw(st.booleans())
    chunks = tuple(data.draw(st.integers(1, extent)) for extent in shape) if chunked else None
    a = some(shape, "f8")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("u", data=a, chunks=chunks)
    request = UnfoldingRequest(axes)
    source = open_source(str(tmp_path / "a.h5"), request=request)
    np.testing.assert_array_equal(matrix_of(source, height), a.reshape(rows, -1))
    with h5py.File(tmp_path / "a.h5") as file:
        source = open_array(file["u"], request=request)
        np.testing.assert_array_equal(matrix_of(source, height), a.reshape(rows, -1))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", ["transposed", "strided", "backwards"])
def test_views_of_arrays(kind, axes):
    a = some((7, 6, 5, 4), "f4")
    view = {"transposed": a.T, "strided": a[::2, :, 1::2], "backwards": a[::-1, :, ::-1]}[kind]
    rows = math.prod(view.shape[:axes])
    source = open_array(view, request=UnfoldingRequest(axes))
    np.testing.assert_array_equal(matrix_of(source, 3), view.reshape(rows, -1))


def test_a_c_order_array_is_not_copied(tmp_path):
    a = some((6, 5, 4), "f4")
    (values,) = open_array(a, request=UnfoldingRequest(1)).map_blocks(lambda b: b.values)
    assert np.shares_memory(values, a)
    np.save(tmp_path / "a.npy", a)
    source = open_source(str(tmp_path / "a.npy"), request=UnfoldingRequest(2))
    (owns,) = source.map_blocks(lambda block: block.values.flags.owndata)
    assert not owns


def test_no_chunk_of_a_series_is_decompressed_twice(tmp_path):
    a = np.zeros((40, 300, 300))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("u", data=a, chunks=(40, 300, 5), compression="gzip")
    for axes in (1, 2):
        source = open_source(str(tmp_path / "a.h5"), request=UnfoldingRequest(axes))
        with source:
            list(source.map_blocks(lambda block: None))
            _, size, _ = source._handle._array.id.get_access_plist().get_chunk_cache()
            assert size >= a.nbytes


# -- what is refused


@pytest.mark.parametrize("axes", [0, 3, 4, -1])
def test_axes_that_are_not_there(tmp_path, axes):
    np.save(tmp_path / "a.npy", np.ones((4, 3, 2)))
    with pytest.raises(PlanError, match=rf"found {axes} of 3 axes.* expected 1 to 2") as caught:
        open_source(str(tmp_path / "a.npy"), request=UnfoldingRequest(axes))
    assert str(caught.value).startswith(str(tmp_path / "a.npy"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_matrix_unfolds_in_one_way():
    assert open_array(np.ones((4, 3)), request=UnfoldingRequest(1)).shape == (4, 3)
    with pytest.raises(PlanError, match=r"found 2 of 2 axes.* expected 1"):
        open_array(np.ones((4, 3)), request=UnfoldingRequest(2))


@pytest.mark.parametrize("shape", [(), (5,), (1,) * 6])
def test_other_numbers_of_dimensions(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.ones(shape))
    with pytest.raises(NotAMatrixError, match=rf"found {len(shape)}-dimensional.*two to 5"):
        open_source(str(tmp_path / "a.npy"))


@pytest.mark.parametrize("shape", [(0, 3, 2), (3, 0, 2), (3, 2, 0)])
def test_empty_arrays(shape):
    with pytest.raises(NotAMatrixError, match="empty"):
        open_array(np.ones(shape))


@pytest.mark.parametrize(
    ("grids", "words"),
    [
        ({"row_grid": (3, 3)}, r"found 3 x 3 = 9, expected a product of 12, the number of rows"),
        ({"column_grid": (2,)}, r"expected a product of 10, the number of columns"),
        ({"row_grid": (-3, -4)}, "grid"),
        ({"column_grid": ()}, "grid"),
    ],
)
def test_grids_that_do_not_fit(grids, words):
    with pytest.raises(PlanError, match=words):
        open_array(np.ones((12, 10)), request=UnfoldingRequest(**grids))


def test_an_array_knows_its_grids():
    with pytest.raises(PlanError, match="--unfold"):
        open_array(np.ones((12, 10, 2)), request=UnfoldingRequest(row_grid=(3, 4)))


def test_an_array_that_is_expected():
    like = Unfolding.of((4, 3, 2), 2)
    assert unfolding_of((4, 3, 2), "a", UnfoldingRequest(like=like)) == like
    with pytest.raises(InputError, match="found 4 x 6, expected 4 x 3 x 2"):
        unfolding_of((4, 6), "a", UnfoldingRequest(like=like))


def test_a_damaged_size_names_the_shape(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((4, 3, 2)))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[:-1])
    with pytest.raises(InputError, match="for 4x3x2 float64"):
        open_source(str(tmp_path / "a.npy"))


# -- writing


@given(
    shape=st.lists(st.integers(1, 6), max_size=5).map(tuple),
    key=st.sampled_from(["npy", "hdf5", "hdf5-gzip"]),
    data=st.data(),
)
@PROPERTY
def test_slabs_of_rows_make_the_array(shape, key, data):
    unfold = data.draw(st.integers(0, len(shape)))
    a = some(shape, "f4")
    rows = math.prod(shape[:unfold])
    matrix = a.reshape(rows, -1)
    stream = io.BytesIO()
    sink = create_sink(key.split("-")[0], stream, shape, a.dtype, unfold=unfold, gzip="gzip" in key)
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=4)))
    for start, stop in zip([0, *cuts], [*cuts, rows], strict=True):
        sink.write(matrix[start:stop])
    sink.close()
    stream.seek(0)
    if key == "npy":
        found = np.load(stream)
    else:
        with h5py.File(stream) as file:
            found = file["matrix"][()]
    assert found.shape == shape
    np.testing.assert_array_equal(found, a)


def test_matrix_market_holds_matrices_only():
    with pytest.raises(OutputError, match=r"found an array of shape \(2, 3, 4\)"):
        create_sink("mtx", io.BytesIO(), (2, 3, 4), "f4")
