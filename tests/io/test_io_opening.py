"""Opening by content: a folder, a stream that is read once, a seekable file, and several."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from foreign_samples import TESTDATA, A, bytes_of, whole

from lplrcli.errors import InputError
from lplrcli.io import UnfoldingRequest, open_source
from lplrcli.io.formats.raw import RawLayout
from lplrcli.io.formats.table import MIXED, RAW
from lplrcli.io.opening import open_file, open_local, open_several

PLAIN = UnfoldingRequest()
DESCRIPTORS = Path("/proc/self/fd")


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


@pytest.fixture
def files(tmp_path):
    """A in two formats, and half of it as numbers alone."""
    for key in ("npy", "hdf5"):
        (tmp_path / f"a.{key}").write_bytes(bytes_of(key))
    (tmp_path / "a.bin").write_bytes(A.tobytes())
    return {path.suffix[1:]: str(path) for path in tmp_path.iterdir()}


def test_one_file_is_named_by_its_path(files):
    found = open_file(files["npy"], None, None, PLAIN)
    assert (found.name, found.format) == (files["npy"], "npy")
    assert found.handle.unfolding.matrix_shape == A.shape
    found.handle.close()
    raw = open_file(files["bin"], None, RawLayout.of(A.shape, "f8"), PLAIN)
    assert raw.format == RAW
    raw.handle.close()


def test_a_folder_is_opened_as_one():
    found = open_file(str(TESTDATA / "doors" / "v2.zarr"), None, None, PLAIN)
    assert found.format == "zarr"
    found.handle.close()


@pytest.mark.parametrize(
    ("keys", "format_"), [(("npy", "npy"), "npy"), (("npy", "hdf5", "npy"), MIXED)]
)
def test_several_files_are_one_below_the_other(files, keys, format_):
    paths = [files[key] for key in keys]
    source = open_local(paths, dataset=None, layout=None, request=PLAIN, threads=1)
    assert (source.format, source.name) == (format_, f"{paths[0]} ... {paths[-1]}")
    np.testing.assert_array_equal(whole(source), np.concatenate([A] * len(keys)))


def test_what_was_opened_is_closed_if_the_next_cannot_be(files, tmp_path, monkeypatch):
    from lplrcli.io import opening

    opened, closed = opening.open_file, []

    def watched(*arguments):
        found = opened(*arguments)
        close = found.handle.close
        monkeypatch.setattr(found.handle, "close", lambda: (closed.append(found.name), close()))
        return found

    monkeypatch.setattr(opening, "open_file", watched)
    with pytest.raises(InputError, match="No such file"):
        open_several([files["npy"], files["hdf5"], str(tmp_path / "none")], None, None, PLAIN)
    assert closed == [files["npy"], files["hdf5"]]


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="not Linux")
@pytest.mark.parametrize("data", [b"no format", b"\x93NUMPY\x01\x00"])
def test_no_descriptor_is_left_of_a_file_that_is_refused(tmp_path, data):
    path = tmp_path / "a"
    path.write_bytes(data)
    before = len(list(DESCRIPTORS.iterdir()))
    for _ in range(3):
        with pytest.raises(InputError):
            open_file(str(path), None, None, PLAIN)
    assert len(list(DESCRIPTORS.iterdir())) == before


@pytest.mark.parametrize("once", [False, True])
def test_a_pipe_is_read_forwards_if_once_is_enough_and_kept_otherwise(tmp_path, once):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(bytes_of("npy"),))
    writer.start()
    source = open_local([str(path)], dataset=None, layout=None, request=PLAIN, threads=1, once=once)
    with source:
        for _ in range(1 if once else 2):
            rows = list(source.map_blocks(lambda block: block.values.copy()))
            np.testing.assert_array_equal(np.concatenate(rows), A)
    writer.join()
