"""Arrays that the caller holds: of NumPy, memory maps, HDF5, Zarr; what is none is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import scipy.sparse as sp
import zarr
import zarr.storage
from foreign_samples import A, whole

from lplrcli.errors import NotAMatrixError
from lplrcli.io import (
    open_array,
)


@pytest.mark.parametrize(
    "array",
    [A, np.asfortranarray(A), A[::2], A.astype(">f4"), np.asmatrix(A), A > 0, A[:, :1]],
    ids=["C", "F", "strided", "big-endian", "matrix", "bool", "column"],
)
def test_open_array(array):
    source = open_array(array)
    assert (source.format, source.shape, source.name) == ("array", array.shape, "array")
    values = list(source.map_blocks(lambda block: block.values))
    assert all(type(v) is np.ndarray and v.flags.c_contiguous for v in values)
    assert all(v.dtype == source.dtype and v.dtype.isnative for v in values)
    np.testing.assert_array_equal(np.concatenate(values), array)


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_open_memmap_keeps_unsaved_changes(tmp_path, mode):
    np.save(tmp_path / "a.npy", np.zeros((3000, 600)))
    array = np.load(tmp_path / "a.npy", mmap_mode=mode)
    expected = np.zeros(3000)
    if mode != "r":
        array[:, 3] = expected[:] = 7
    part = array[1:]
    for _ in range(2):
        sums = np.concatenate(list(open_array(part).map_blocks(lambda b: b.values.sum(axis=1))))
        np.testing.assert_array_equal(sums, expected[1:])


def test_open_zarr_array():
    array = zarr.create_array(zarr.storage.MemoryStore(), data=A, chunks=(4, 3))
    np.testing.assert_array_equal(whole(open_array(array)), A)


def test_open_h5py_dataset():
    with h5py.File.in_memory() as file:
        file.create_dataset("a", data=A, chunks=(4, 3))
        np.testing.assert_array_equal(whole(open_array(file["a"])), A)


@pytest.mark.parametrize(
    "thing",
    [
        [[1.0]],
        "text",
        None,
        np.ones(3),
        np.ones((2, 2, 2, 2, 2, 2)),
        np.ones((0, 2)),
        np.ones((2, 2), complex),
        np.ma.masked_array(np.ones((2, 2)), [[1, 0], [0, 0]]),
        sp.csr_array(np.ones((2, 2), complex)),
        sp.coo_array(np.ones(3)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_open_array_refuses(thing):
    with pytest.raises(NotAMatrixError):
        open_array(thing)
