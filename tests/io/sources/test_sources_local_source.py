"""Recognition, standard input, arrays of the caller, and who maps the blocks."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.sparse as sp
import zarr
import zarr.storage

from lplrcli.errors import InputError, NotAMatrixError, OutputError, UnknownFormatError
from lplrcli.io import (
    FORMATS,
    create_sink,
    format_of_suffix,
    open_array,
    open_source,
    suffix_of_format,
)
from lplrcli.io.formats.raw import RawLayout
from lplrcli.io.handles.base import chunked_block_rows, dense_block_rows, sparse_block_rows
from lplrcli.model.source import Unfolding
from lplrcli.runtime.tree_sum import TreeSum

TESTDATA = Path(__file__).parents[3] / "testdata"


def whole(source):
    with source:
        if source.sparse:
            return sp.vstack(list(source.map_blocks(csr_of))).toarray()
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


def csr_of(block):
    v = block.values
    return sp.csr_array((v.data, v.indices, v.indptr), shape=v.shape)


A = np.random.default_rng(3).standard_normal((30, 7))


def bytes_of(key):
    stream = io.BytesIO()
    if key == "npz":
        np.savez_compressed(stream, A)
        return stream.getvalue()
    if key == "safetensors":
        return safetensors.numpy.save({"a": A})
    if key == "zarr":
        return zipped_zarr()
    sink = create_sink(key, stream, A.shape, A.dtype)
    sink.write(A)
    sink.close()
    return stream.getvalue()


def zipped_zarr():
    with tempfile.TemporaryDirectory() as folder:
        with zarr.storage.ZipStore(f"{folder}/a", mode="w") as store:
            zarr.create_array(store, data=A, chunks=(8, 7))
        return Path(folder, "a").read_bytes()


@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize("name", ["plain", "a.npy", "a.h5", "a.mtx"])
def test_content_decides_the_format_not_the_name(tmp_path, key, name):
    (tmp_path / name).write_bytes(bytes_of(key))
    source = open_source(str(tmp_path / name))
    assert source.format == key
    assert source.name == str(tmp_path / name)
    np.testing.assert_array_equal(whole(source), A)


@pytest.mark.parametrize("key", FORMATS)
def test_standard_input_can_be_read_twice(tmp_path, key):
    code = """
import numpy as np
from lplrcli.io import open_source
from lplrcli.runtime.tree_sum import TreeSum
with open_source("-") as source:
    total = [sum(source.map_blocks(lambda b: float(b.values.sum()))) for _ in range(2)]
assert total[0] == total[1] and source.name == "<stdin>"
print(source.format, source.shape)
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        input=bytes_of(key),
        capture_output=True,
        check=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert run.stdout.decode().split() == [key, "(30,", "7)"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("stored.npz", {"dataset": "values"}),
        ("deflated.npz", {}),
        ("a.safetensors", {}),
        ("v2.zarr", {}),
        ("v3.zarr", {}),
        ("big_endian.bin", {"layout": RawLayout.of((24, 16), ">f4")}),
    ],
)
def test_the_doors_of_testdata(name, options):
    expected = np.load(TESTDATA / "dtypes" / "float32.npy")
    np.testing.assert_array_equal(
        whole(open_source(str(TESTDATA / "doors" / name), **options)), expected
    )


def test_the_sparse_door_of_testdata():
    expected = whole(open_source(str(TESTDATA / "west0067.mtx")))
    found = open_source(str(TESTDATA / "doors" / "west0067.npz"))
    np.testing.assert_array_equal(whole(found), expected)


def test_standard_input_empty_and_terminal(monkeypatch):
    class Stdin:
        closed = False
        buffer = io.BytesIO()

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stdin", Stdin())
    with pytest.raises(InputError, match="nothing to read"):
        open_source("-")
    monkeypatch.setattr(Stdin, "isatty", lambda self: True)
    with pytest.raises(InputError, match="terminal"):
        open_source("-")


def test_a_fifo_is_spooled(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    feeder = threading.Thread(target=fifo.write_bytes, args=(bytes_of("npy"),))
    feeder.start()
    np.testing.assert_array_equal(whole(open_source(str(fifo))), A)
    feeder.join()


def test_paths_that_cannot_be_opened(tmp_path):
    for path, text in [
        (str(tmp_path / "none.npy"), "No such file"),
        (str(tmp_path), "is a directory"),
        ("/dev/null", "not a regular file"),
        ("", "name is empty"),
        ("a\0b", "null"),
        (str(tmp_path / ("x" * 300)), "too long"),
    ]:
        with pytest.raises(InputError, match=text):
            open_source(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b"")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        open_source(str(path))


def zip_bytes():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "hello")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.csv", b"1,2,3\n", "first bytes b'1,2,3"),
        ("a.npy", b"1,2,3\n", "the name says NumPy .npy"),
        ("a.npz", zip_bytes(), "zip archive without .npy"),
        ("a.npz", b"PK\x05\x06" + bytes(18), "empty zip archive"),
        ("a.json", b'{"a": 1, "b": 2}', "first bytes"),
        ("a.txt", b"package {\n}", "first bytes"),
        ("a.gz", gzip.compress(b"hello", mtime=0), "gunzip"),
        ("a.gz", b"\x1f\x8b", "gunzip"),
        ("a.lplr", b"\x89LPLR\r\n\x1a\n", "lplr decompress"),
        ("a.bin", b"", "empty"),
        ("a.mat", b"MATLAB 5.0 MAT-file", "v7.3"),
    ],
)
def test_unknown_content(tmp_path, name, data, text):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnknownFormatError, match=text) as caught:
        open_source(str(tmp_path / name))
    assert all(entry.title in str(caught.value) for entry in FORMATS.values())
    assert len(str(caught.value).splitlines()) <= 2


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


# Arrays of the caller


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


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dia"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, bool])
def test_open_sparse(kind, dtype):
    dense = (np.abs(A) > 1).astype(dtype)
    source = open_array(sp.coo_array(dense).asformat(kind))
    assert source.sparse
    assert source.dtype == dtype
    working = np.float32 if np.dtype(dtype).itemsize < 8 else np.float64
    assert {b.data.dtype for b in source.map_blocks(lambda b: b.values)} == {np.dtype(working)}
    np.testing.assert_array_equal(whole(source), dense)


def test_sparse_duplicates_are_summed_in_a_copy():
    given = sp.csr_array((np.ones(4), [1, 0, 1, 2], [0, 3, 4]), shape=(2, 3))
    (rows,) = open_array(given).map_blocks(lambda block: block.values)
    assert rows.indices.tolist() == [0, 1, 2]
    assert rows.data.tolist() == [1, 2, 1]
    assert rows.indptr.dtype == np.int64
    assert given.data.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8])
def test_columns_of_a_sparse_matrix_are_rows_of_its_transpose(dtype):
    a = sp.random_array((70, 30), density=0.2, rng=0)
    a.data = np.ceil(a.data * 9)
    with open_array(a.astype(dtype)) as source:
        found = source.columns()
        assert found is source.columns()  # made once
    turned = sp.csr_array((found.data, found.indices, found.indptr), found.shape)
    np.testing.assert_array_equal(turned.toarray(), a.toarray().T)
    assert open_array(A).columns() is None


def test_sparse_blocks():
    matrix = sp.csr_array(sp.eye_array(5000, 40))
    source = open_array(matrix)
    blocks = list(source.map_blocks(lambda block: (block.start, block.values)))
    assert [start for start, _ in blocks] == [0, 1024, 2048, 3072, 4096]
    assert all(v.indptr[0] == 0 for _, v in blocks)
    np.testing.assert_array_equal(whole(source), matrix.toarray())


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


# The backend


def test_block_heights():
    assert dense_block_rows((10**6, 1000), np.dtype("f4")) == 524 // 8 * 8
    assert dense_block_rows((10, 1 << 22), np.dtype("f4")) == 1
    assert dense_block_rows((10, 1 << 18), np.dtype("f4")) == 2
    assert [sparse_block_rows(n) for n in (1, 10**5, 10**8)] == [1024, 3125, 65536]
    f4 = np.dtype("f4")
    tall = Unfolding.of((10**5, 1000))
    assert chunked_block_rows(tall, f4, (100, 10)) == 500
    assert chunked_block_rows(tall, f4, (2000, 10)) == 2000
    assert chunked_block_rows(tall, f4, (10**5, 1)) == 524 // 8 * 8
    assert chunked_block_rows(tall, f4, None) == 524 // 8 * 8
    # Layers of 3 times 50 rows.
    assert chunked_block_rows(Unfolding.of((900, 50, 1000), 2), f4, (3, 7, 10)) == 450


def tall():
    return np.broadcast_to(np.arange(4000, dtype=np.float64)[:, None], (4000, 1000))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_order_bounds_and_observer(threads):
    seen, at_work, most = [], [0], [0]
    lock = threading.Lock()

    def task(block):
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.002 * (block.start % 3))
        return block.start

    source = open_array(tall(), threads=threads, observer=lambda *done: seen.append(done))
    starts = []
    for start in source.map_blocks(task):
        starts.append(start)
        with lock:
            at_work[0] -= 1
    assert starts == list(range(0, 4000, 256))
    assert most[0] <= threads + 1
    assert seen == [(min(start + 256, 4000), 4000) for start in starts]


def test_an_error_in_a_task_comes_through_and_ends_the_pass():
    done = []

    def task(block):
        if block.start:
            raise KeyError("mine")
        done.append(block.start)

    with pytest.raises(KeyError, match="mine"):
        list(open_array(tall(), threads=1).map_blocks(task))
    assert done == [0]
    assert not [t for t in threading.enumerate() if t.name.startswith("lplr-block")]


def test_dropping_the_iterator_stops_the_threads():
    results = open_array(tall(), threads=2).map_blocks(lambda block: block.start)
    assert next(results) == 0
    results.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("lplr-block")]


def test_a_failing_read_is_an_input_error():
    class Failing:
        shape, dtype = (10, 10), np.dtype("f4")

        def __getitem__(self, rows):
            raise OSError("the tape broke")

    with pytest.raises(InputError, match="rows 0 to 9 cannot be read: the tape broke"):
        list(open_array(Failing()).map_blocks(len))


@pytest.mark.parametrize("threads", [1, 3])
def test_rows_are_expected_before_they_are_read(threads, monkeypatch):
    events = []
    source = open_array(tall(), threads=threads)
    monkeypatch.setattr(source._handle, "expect", lambda *rows: events.append(rows))
    starts = list(source.map_blocks(lambda block: block.start))
    ahead = (threads + 1) * 256
    expected = [(start + ahead, min(start + ahead + 256, 4000)) for start in starts]
    assert sorted(events) == [rows for rows in expected if rows[0] < 4000]


def test_columns_of_the_array_beside_come_with_the_rows():
    beside = np.arange(8000.0).reshape(2, 4000)
    source = open_array(tall(), threads=2)
    parts = source.map_blocks(lambda block: (block.start, block.beside), beside)
    for start, part in parts:
        assert np.array_equal(part, beside[:, start : start + part.shape[1]])


@pytest.mark.parametrize("threads", [1, 2])
def test_sums_are_those_of_the_tree_and_what_is_kept_is_in_order(threads):
    source, kept = open_array(tall(), threads=threads), []
    total = source.sum_blocks(
        lambda block: (block.start, block.values.sum(axis=0, keepdims=True)), kept.append
    )
    assert kept == list(range(0, 4000, 256))
    tree = TreeSum()
    for part in open_array(tall()).map_blocks(lambda b: b.values.sum(axis=0, keepdims=True)):
        tree.add(part)
    assert np.array_equal(total, tree.total())
    assert np.allclose(total[0], np.asarray(tall()).sum(axis=0, dtype=float))
