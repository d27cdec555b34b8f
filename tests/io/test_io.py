"""Opening by content: every format of the registry, one door for files and one for sinks."""

from __future__ import annotations

import io

import numpy as np
import pytest
from foreign_samples import TESTDATA, bytes_of, whole

from lplrcli.errors import InputError, OutputError
from lplrcli.io import (
    FORMATS,
    create_sink,
    format_of_suffix,
    open_source,
    suffix_of_format,
)
from lplrcli.io.formats.raw import RawLayout


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("stored.npz", {"dataset": "values"}),
        ("deflated.npz", {}),
        ("a.safetensors", {}),
        ("v2.zarr", {}),
        ("v3.zarr", {}),
        ("folder.zarr.zip", {}),
        ("a.npy.zst", {}),
        ("a.nc", {}),
        ("v4.mat", {}),
        ("v5.mat", {}),
        ("big_endian.bin", {"layout": RawLayout.of((24, 16), ">f4")}),
    ],
)
def test_the_doors_of_testdata(name, options):
    expected = np.load(TESTDATA / "dtypes" / "float32.npy")
    np.testing.assert_array_equal(
        whole(open_source(str(TESTDATA / "doors" / name), **options)), expected
    )


@pytest.mark.parametrize(
    ("name", "options"), [("west0067.npz", {}), ("west0067.h5ad", {"dataset": "X"})]
)
def test_the_sparse_doors_of_testdata(name, options):
    expected = whole(open_source(str(TESTDATA / "west0067.mtx")))
    found = open_source(str(TESTDATA / "doors" / name), **options)
    assert found.sparse
    np.testing.assert_array_equal(whole(found), expected)


@pytest.mark.parametrize("key", ["npy", "mtx"])
def test_dataset_is_for_hdf5(tmp_path, key):
    (tmp_path / "a").write_bytes(bytes_of(key))
    with pytest.raises(InputError, match="--dataset"):
        open_source(str(tmp_path / "a"), dataset="x")


def test_suffixes():
    assert format_of_suffix("dir.h5/A.NPY") == "npy"
    assert format_of_suffix("a.mtx.gz") == "mtx"
    assert format_of_suffix("a.hdf5") == "hdf5"
    assert format_of_suffix("a.txt") is None
    written = [key for key, entry in FORMATS.items() if entry.written]
    assert written == ["npy", "hdf5", "mtx"]
    assert all(format_of_suffix("a" + suffix_of_format(key)) == key for key in written)
    assert format_of_suffix("a.npz") is None


def test_a_format_that_is_only_read():
    with pytest.raises(OutputError, match="found npz, expected npy, hdf5, mtx"):
        create_sink("npz", io.BytesIO(), (2, 2), "f4")
