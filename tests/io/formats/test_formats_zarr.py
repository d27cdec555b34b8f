"""Zarr stores, of both versions, against the package zarr."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr
import zarr.storage

from lplrcli.errors import InputError, MissingDependencyError, NotAMatrixError
from lplrcli.io import UnfoldingRequest, open_array, open_source
from lplrcli.io.formats import zarr as zarr_module
from lplrcli.io.formats.zarr import refuse_code

A = np.random.default_rng(1).standard_normal((60, 9)).astype(np.float32)


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.zarr")


@pytest.fixture(params=[2, 3])
def version(request):
    return request.param


@pytest.mark.parametrize("dtype", [*"?bBhHiIlLefd", ">f4", ">i8"])
def test_every_type(path, version, dtype):
    a = np.arange(60).reshape(12, 5).astype(dtype)
    zarr.create_array(path, data=a, chunks=(5, 3), zarr_format=version)
    source = open_source(path)
    assert (source.format, source.name) == ("zarr", path)
    assert source.dtype == a.dtype.newbyteorder("=")
    np.testing.assert_array_equal(whole(source), a)


def test_arrays_by_name(path, version):
    cube = np.arange(24.0).reshape(2, 3, 4)
    group = zarr.open_group(path, mode="w", zarr_format=version)
    group.create_array("u", data=A)
    group.create_group("deep").create_array("v", data=cube)
    group.create_array("t", data=np.arange(3))
    for name in ("u", "/u"):
        np.testing.assert_array_equal(whole(open_source(path, dataset=name)), A)
    source = open_source(path, dataset="deep/v", request=UnfoldingRequest(2))
    np.testing.assert_array_equal(whole(source), cube.reshape(6, 4))
    np.testing.assert_array_equal(whole(open_source(f"{path}/u")), A)
    np.testing.assert_array_equal(whole(open_source(f"{path}/deep/")), cube.reshape(2, 12))
    for dataset, fault in {
        None: r"2 arrays: deep/v \(2x3x4 float64\), u \(60x9 float32\)",
        "w": r"'w' does not exist; arrays in the file: deep/v",
        "deep": "'deep' is not an array",
        "../b": "does not exist",
        "t": "1-dimensional",
    }.items():
        with pytest.raises(NotAMatrixError, match=fault) as caught:
            open_source(path, dataset=dataset)
        assert len(str(caught.value).splitlines()) <= 2
    with pytest.raises(InputError, match="one array without a name"):
        open_source(f"{path}/u", dataset="u")


def test_a_zip_archive(path, version):
    with zarr.storage.ZipStore(path, mode="w") as store:
        group = zarr.open_group(store, mode="w", zarr_format=version)
        group.create_array("u", data=A, chunks=(7, 4))
    for dataset in (None, "u"):
        np.testing.assert_array_equal(whole(open_source(path, dataset=dataset)), A)


def test_a_zip_archive_without_a_name(path, tmp_path, monkeypatch):
    with zarr.storage.ZipStore(path, mode="w") as store:
        zarr.create_array(store, data=A)
    monkeypatch.setattr(zarr_module, "_DESCRIPTORS", tmp_path / "none")
    refused = pytest.raises(InputError, match=r"<stdin>: .*this system\n.*name that")
    with Path(path).open("rb") as stream, refused:
        zarr_module.open_handle(stream, None, "<stdin>", None, UnfoldingRequest())
    assert stream.closed


@pytest.mark.parametrize("folder", ["a.zarr", "b/a.zarr"])
def test_a_zip_archive_of_a_whole_folder(path, tmp_path, version, folder):
    group = zarr.open_group(path, mode="w", zarr_format=version)
    group.create_group("deep").create_array("u", data=A, chunks=(7, 4))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._a.zarr", b"x")
        for file in (tmp_path / "a.zarr").rglob("*"):
            if file.is_file():
                archive.write(file, f"{folder}/{file.relative_to(path)}")
    for dataset in (None, "deep/u"):
        source = open_source(str(tmp_path / "a.zip"), dataset=dataset)
        np.testing.assert_array_equal(whole(source), A)
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("other.zarr/zarr.json", b"{}")
    with pytest.raises(InputError, match=r"holds 2 Zarr stores: .*a\.zarr, other\.zarr\nExtract"):
        open_source(str(tmp_path / "a.zip"))


@pytest.mark.parametrize(
    ("codec", "advice"),
    [("zfpy", r"pip install 'numcodecs\[zfpy\]'"), ("wavpack", "package that brings it")],
)
def test_codecs_that_are_not_installed_are_named(path, tmp_path, version, codec, advice):
    zarr.create_array(path, data=A, compressors=None, zarr_format=version)
    file = tmp_path / "a.zarr" / (".zarray" if version == 2 else "zarr.json")
    metadata = json.loads(file.read_text())
    if version == 2:
        metadata["compressor"] = {"id": codec}
    else:
        metadata["codecs"].append({"name": codec, "configuration": {}})
    file.write_text(json.dumps(metadata))
    fault = rf"a\.zarr: the chunks are stored with the codec {codec}, which.*\n.*{advice}"
    with pytest.raises(MissingDependencyError, match=fault):
        open_source(path)


def test_blocks_are_of_whole_chunks(path):
    a = np.zeros((3000, 600))
    zarr.create_array(path, data=a, chunks=(700, 600))
    with open_source(path) as source:
        assert list(source.map_blocks(lambda block: block.start)) == [0, 700, 1400, 2100, 2800]
    zarr.create_array(path, data=a, chunks=(100, 600), shards=(1000, 600), overwrite=True)
    with open_source(path) as source:
        assert list(source.map_blocks(lambda block: block.start)) == list(range(0, 3000, 400))


def test_chunks_that_are_not_there_are_their_fill_value(path, version):
    array = zarr.create_array(
        path, shape=(6, 4), chunks=(3, 4), dtype="f4", fill_value=7, zarr_format=version
    )
    array[:3] = 1
    np.testing.assert_array_equal(whole(open_source(path))[:, 0], [1, 1, 1, 7, 7, 7])


def test_chunks_that_are_absent_without_a_fill_value_are_refused(path):
    array = zarr.create_array(
        path, shape=(6, 4), chunks=(3, 4), dtype="f4", fill_value=None, zarr_format=2
    )
    array[:3] = 1
    fault = r"1 of 2 chunks of array / are absent, and its fill value is undefined"
    with pytest.raises(InputError, match=rf"a\.zarr: {fault}"):
        open_source(path)
    with pytest.raises(InputError, match=fault):
        open_array(array)
    array[3:] = 2
    np.testing.assert_array_equal(whole(open_source(path))[:, 0], [1, 1, 1, 2, 2, 2])


def test_nothing_is_written(path, tmp_path):
    zarr.create_array(path, data=A)
    before = sorted((str(file), file.stat().st_mtime_ns) for file in tmp_path.rglob("*"))
    whole(open_source(path))
    assert sorted((str(file), file.stat().st_mtime_ns) for file in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("place", ["compressor", "filters"])
def test_pickles_are_not_loaded(path, tmp_path, place):
    zarr.create_array(path, data=A, chunks=(60, 9), compressors=None, zarr_format=2)
    metadata = json.loads((tmp_path / "a.zarr/.zarray").read_text())
    codec = {"id": "pickle", "protocol": 5}
    metadata[place] = codec if place == "compressor" else [codec]
    (tmp_path / "a.zarr/.zarray").write_text(json.dumps(metadata))
    with pytest.raises(InputError, match="pick"):  # refused by the package, or by us
        open_source(path)
    with pytest.raises(NotAMatrixError, match="pickled; they are never loaded"):
        refuse_code({"zarr_format": 2, **metadata}, path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"zarr_format": 3}', '{"zarr_format": 9, "node_type": "array"}']
)
@pytest.mark.parametrize("name", ["zarr.json", ".zarray"])
def test_damaged_metadata(path, tmp_path, name, text):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / name).write_text(text)
    # zarr takes an empty object for an empty group.
    with pytest.raises(InputError, match=r"a\.zarr: .*cannot be read|datasets: none") as caught:
        open_source(path)
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize("dtype", ["c8", "U3", "M8[s]"])
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_types_that_are_not_compressed(path, dtype):
    zarr.create_array(path, shape=(3, 3), dtype=dtype)
    with pytest.raises(NotAMatrixError, match="not of a type"):
        open_source(path)


def test_a_damaged_chunk(path, tmp_path, version):
    zarr.create_array(path, data=A, chunks=(60, 9), zarr_format=version)
    chunk = tmp_path / "a.zarr" / ("0.0" if version == 2 else "c/0/0")
    chunk.write_bytes(chunk.read_bytes()[:20])
    with (
        open_source(path) as source,
        pytest.raises(InputError, match=r"a\.zarr: rows 0 to 59 cannot be read") as caught,
    ):
        list(source.map_blocks(lambda block: block.start))
    assert len(str(caught.value).splitlines()) <= 2


def test_a_damaged_archive(path, tmp_path):
    with zarr.storage.ZipStore(path, mode="w") as store:
        zarr.create_array(store, data=A)
    (tmp_path / "b").write_bytes((tmp_path / "a.zarr").read_bytes()[:-30])
    with pytest.raises(InputError, match="zip archive cannot be read"):
        open_source(str(tmp_path / "b"))


def test_without_the_package(path, monkeypatch):
    zarr.create_array(path, data=A)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'lplrcli\[zarr\]'") as caught:
        open_source(path)
    assert str(caught.value).startswith(path)


def test_other_folders_are_none(path, tmp_path):
    zarr.create_array(path, data=A)
    for folder in (tmp_path, tmp_path / "a.zarr" / "c"):
        with pytest.raises(InputError, match="is a directory"):
            open_source(str(folder))
    shutil.rmtree(path)
    with pytest.raises(InputError, match="No such file"):
        open_source(path)
