"""Reading .npy files, against NumPy's own reader."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
import zstandard

from lplrcli.errors import InputError, NotAMatrixError
from lplrcli.io import open_source

DTYPES = [np.dtype(t) for t in "?bBhHiIqQefd"] + [np.dtype(ml_dtypes.bfloat16)]


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


def some(shape, dtype):
    return (
        np.random.default_rng(5)
        .integers(0, 2 if np.dtype(dtype).kind == "b" else 100, shape)
        .astype(dtype)
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("order", "CF")
def test_reads_what_numpy_saves(tmp_path, dtype, order):
    a = np.asarray(some((37, 11), dtype), order=order)
    np.save(tmp_path / "a.npy", a)
    source = open_source(str(tmp_path / "a.npy"))
    assert (source.shape, source.dtype, source.format) == ((37, 11), dtype, "npy")
    assert not source.sparse
    got = whole(source)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, a)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("descr", [">f4", ">f8", ">i2", ">u8", ">f2"])
def test_big_endian_becomes_native(tmp_path, descr, order):
    a = np.asarray(some((20, 9), descr), dtype=descr, order=order)
    np.save(tmp_path / "a.npy", a)
    source = open_source(str(tmp_path / "a.npy"))
    assert source.dtype.isnative
    blocks = list(source.map_blocks(lambda block: block.values.copy()))
    assert all(block.dtype.isnative for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), a)


def test_blocks_of_a_c_order_file_are_views(tmp_path):
    np.save(tmp_path / "a.npy", some((50, 8), np.float32))
    source = open_source(str(tmp_path / "a.npy"))
    (owns,) = source.map_blocks(lambda block: block.values.flags.owndata)
    (kind,) = source.map_blocks(lambda block: type(block.values))
    assert not owns
    assert kind is np.ndarray


@pytest.mark.parametrize("order", "CF")
def test_many_blocks_twice(tmp_path, order):
    a = np.asarray(some((3000, 1500), np.int64), order=order)
    np.save(tmp_path / "a.npy", a)
    with open_source(str(tmp_path / "a.npy"), threads=3) as source:
        for _ in range(2):
            parts = list(source.map_blocks(lambda block: (block.start, block.values.copy())))
            assert [start for start, _ in parts] == list(range(0, 3000, 168))
            np.testing.assert_array_equal(np.concatenate([v for _, v in parts]), a)


REFUSED = {
    "complex": (np.zeros((2, 2), complex), "real and the imaginary"),
    "object": (np.array([[{}, 1]], object), "astype"),
    "string": (np.array([["a", "b"]]), "Text"),
    "bytes": (np.array([[b"a", b"b"]]), "Text"),
    "structured": (np.zeros((2, 2), "i4,f4"), "one field"),
    "date": (np.zeros((2, 2), "M8[s]"), "int64"),
    "duration": (np.zeros((2, 2), "m8[ns]"), "int64"),
    "longdouble": (np.zeros((2, 2), np.longdouble), "float64"),
    "void": (np.zeros((2, 2), "V3"), "float32"),
    "scalar": (np.array(1.0), "single number"),
    "one": (np.zeros(3), "Reshape"),
    "six": (np.zeros((2, 1, 1, 1, 1, 1)), "two to 5 dimensions"),
    "no rows": (np.zeros((0, 2)), "at least one row"),
    "no columns": (np.zeros((2, 0)), "at least one row"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_is_no_matrix(tmp_path, case):
    array, advice = REFUSED[case]
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(NotAMatrixError, match=advice) as caught:
        open_source(str(tmp_path / "a.npy"))
    assert str(caught.value).startswith(str(tmp_path / "a.npy"))
    assert len(str(caught.value).splitlines()) <= 2


def test_reading_imports_neither_h5py_nor_scipy_and_stays_small(tmp_path):
    for order in "CF":
        a = np.zeros((4000, 4000), np.float32, order=order)
        a += 1
        np.save(tmp_path / f"{order}.npy", a)
    code = """
import resource, sys
from lplrcli.io import open_source
assert "numpy" not in sys.modules
import numpy, concurrent.futures.thread, lplrcli.io.sources.local_source, lplrcli.io.formats.npy
def peak():
    # Of this program alone: ru_maxrss starts with what the parent had.
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])
before = peak()
for path in sys.argv[1:]:
    with open_source(path, threads=2) as source:
        assert sum(source.map_blocks(lambda block: float(block.values.sum()))) == 16e6
assert peak() - before < 40_000, (before, peak())
assert not {"h5py", "scipy", "ml_dtypes"} & set(sys.modules)
"""
    paths = [str(tmp_path / "C.npy"), str(tmp_path / "F.npy")]
    subprocess.run([sys.executable, "-W", "error", "-c", code, *paths], check=True)


# -- compressed as a whole

COMPRESS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}


def saved(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("order", "CF")
def test_compressed_files(tmp_path, suffix, order):
    a = np.asarray(np.random.default_rng(1).standard_normal((300, 40)), order=order)
    path = tmp_path / f"a.npy.{suffix}"
    path.write_bytes(COMPRESS[suffix](saved(a)))
    with open_source(str(path)) as source:
        assert (source.format, source.name) == ("npy", str(path))
        found = np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))
    np.testing.assert_array_equal(found, a)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_damaged_compressed_files(tmp_path, suffix):
    content = saved(np.random.default_rng(1).standard_normal((300, 40)))
    path = tmp_path / "a.npy"
    for data, fault in {
        COMPRESS[suffix](content)[:-20]: r"data are damaged|found (zstd|bzip2), damaged",
        COMPRESS[suffix](content[:-1]): "cut short",
        COMPRESS[suffix](content + b"1"): "bytes follow",
        COMPRESS[suffix](content[:70]): "header",
    }.items():
        path.write_bytes(data)
        with pytest.raises(InputError, match=fault) as caught:
            open_source(str(path))
        assert str(caught.value).startswith(str(path))


def test_no_more_is_inflated_than_the_header_accounts_for(tmp_path, monkeypatch):
    content = saved(np.zeros((2, 2))) + bytes(1 << 28)
    (tmp_path / "a.npy").write_bytes(zstandard.compress(content))
    copied = []

    def counting(stream, name):
        copied.append(len(stream.read()))
        return io.BytesIO(b"x")

    monkeypatch.setattr("lplrcli.io.formats.npy.spooled", counting)
    with pytest.raises(InputError, match="cut short"):
        open_source(str(tmp_path / "a.npy"))
    assert copied == [128 + 32]
