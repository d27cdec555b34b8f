"""Datasets of HDF5 of which a part is stored elsewhere, or nowhere."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from foreign_samples import whole

import lplrcli
from lplrcli.errors import InputError
from lplrcli.io import open_array, open_source
from lplrcli.io.formats.hdf5_storage import require_storage

A = np.random.default_rng(1).standard_normal((60, 9)).astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    return tmp_path


def virtual(path, file_name, source_name="x", rows=60):
    layout = h5py.VirtualLayout((60, 9), "f4")
    layout[:rows] = h5py.VirtualSource(file_name, source_name, shape=(rows, 9))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("v", layout, fillvalue=-1)


def stored(path, name="x", values=A):
    with h5py.File(path, "a") as file:
        file[name] = values


def refused(path, *words):
    with pytest.raises(InputError, match=r"dataset /v is not stored in whole") as caught:
        open_source(str(path), dataset="v")
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_source_file_that_is_gone(folder):
    virtual("m.h5", "gone.h5")
    refused("m.h5", "source file gone.h5 is missing")
    with pytest.raises(InputError, match=r"source file gone\.h5 is missing"):
        lplrcli.compress("m.h5", rel_error=0.1)
    (folder / "gone.h5").write_bytes(b"nothing")
    refused("m.h5", "source file gone.h5 cannot be opened")


@pytest.mark.parametrize("place", ["src.h5", "sub/src.h5"])
@pytest.mark.parametrize("name", ["src.h5", "/nowhere/src.h5"])
def test_sources_are_found_where_the_library_finds_them(folder, place, name):
    virtual("sub/m.h5", name)
    refused("sub/m.h5", f"source file {name} is missing")
    stored(place)
    with h5py.File("sub/m.h5") as file:
        found = file["v"][0, 0] != -1
    if found:
        np.testing.assert_array_equal(whole(open_source("sub/m.h5")), A)
    else:
        refused("sub/m.h5", f"source file {name} is missing")


def test_a_prefix_of_the_library(folder, monkeypatch):
    virtual("m.h5", "src.h5")
    stored("sub/src.h5")
    monkeypatch.setenv("HDF5_VDS_PREFIX", "sub")
    np.testing.assert_array_equal(whole(open_source("m.h5")), A)


def test_a_source_dataset_that_is_gone(folder):
    stored("src.h5", "other")
    virtual("m.h5", "src.h5")
    refused("m.h5", "source dataset x in source file src.h5 is missing")
    virtual("same.h5", ".")
    refused("same.h5", "source dataset x is missing")
    stored("same.h5")
    np.testing.assert_array_equal(whole(open_source("same.h5", dataset="v")), A)


def test_sources_of_sources_and_in_a_circle(folder):
    virtual("a.h5", "b.h5", "v")
    virtual("b.h5", "gone.h5")
    refused("a.h5", "source file gone.h5 is missing")
    virtual("c.h5", "d.h5", "v")
    virtual("d.h5", "c.h5", "v")
    with h5py.File("c.h5") as file:
        require_storage(file["v"], "c.h5")


def test_what_no_source_is_said_to_hold_is_the_fill_value(folder):
    virtual("m.h5", "src.h5", rows=30)
    stored("src.h5", values=A[:30])
    found = whole(open_source("m.h5"))
    np.testing.assert_array_equal(found, np.concatenate([A[:30], np.full((30, 9), -1)]))


def test_names_with_percent_signs(folder):
    virtual("m.h5", "a%%.h5")
    stored("a%.h5")
    np.testing.assert_array_equal(whole(open_source("m.h5")), A)


def test_from_a_stream_no_source_is_found(folder):
    stored("src.h5")
    virtual("m.h5", "src.h5")
    with (folder / "m.h5").open("rb") as stream, h5py.File(stream) as file:
        assert (file["v"][...] == -1).all()
        with pytest.raises(InputError, match="not found from a stream or a URL\nGive the virtual"):
            require_storage(file["v"], "<stdin>")


def test_external_files(folder):
    with h5py.File("m.h5", "w") as file:
        parts = [("a.bin", 8, 900), ("b.bin", 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("v", (60, 9), "f4", external=parts)
    refused("m.h5", "external file a.bin is missing")
    data = A.tobytes()
    (folder / "a.bin").write_bytes(b"." * 8 + data[:900])
    refused("m.h5", "external file b.bin is missing")
    (folder / "b.bin").write_bytes(data[900:-1])
    with pytest.raises(InputError, match=r"b\.bin of dataset /v is cut short: found 1259 bytes"):
        open_source("m.h5")
    (folder / "b.bin").write_bytes(data[900:])
    np.testing.assert_array_equal(whole(open_source("m.h5")), A)


def without_fill(path, chunks):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if chunks:
        plist.set_chunk(chunks)
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple((60, 9))
        h5py.h5d.create(file.id, b"v", h5py.h5t.IEEE_F32LE, space, plist)


def test_chunks_without_a_fill_value(folder):
    without_fill("m.h5", (20, 9))
    with h5py.File("m.h5", "a") as file:
        file["v"][:20] = A[:20]
    refused("m.h5", "2 of 3 chunks were never written, and no fill value is defined")
    with h5py.File("m.h5", "a") as file:
        file["v"][:] = A
    np.testing.assert_array_equal(whole(open_source("m.h5")), A)
    without_fill("m.h5", None)
    refused("m.h5", "the entries were never written")
    with h5py.File("m.h5", "w") as file:
        file.create_dataset("v", (60, 9), "f4", chunks=(20, 9), fillvalue=3)
    np.testing.assert_array_equal(whole(open_source("m.h5")), np.full((60, 9), 3))


def test_datasets_of_the_caller(folder):
    virtual("m.h5", "gone.h5")
    with h5py.File("m.h5") as file, pytest.raises(InputError, match=r"gone\.h5 is missing"):
        open_array(file["v"])
