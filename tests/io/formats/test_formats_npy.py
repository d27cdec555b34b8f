"""The .npy reader and writer against NumPy's own."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError, NotAMatrixError, OutputError
from lplrcli.io import create_sink, open_source

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


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_header_version(tmp_path, version):
    a = some((5, 3), np.float32)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, a, version=version)
    np.testing.assert_array_equal(whole(open_source(str(tmp_path / "a.npy"))), a)


def write_npy(path, header, data, version=1):
    text = header.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + text + data)
    return str(path)


def test_header_of_python_2_and_unaligned_data(tmp_path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L)}"
    assert (10 + len(header)) % 8
    path = write_npy(tmp_path / "a.npy", header, np.arange(6.0).tobytes())
    source = open_source(path)
    values = list(source.map_blocks(lambda block: block.values))
    assert values[0].flags.aligned
    np.testing.assert_array_equal(values[0], np.arange(6.0).reshape(2, 3))


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


@pytest.mark.parametrize(("change", "fault"), [(-1, "cut short"), (+1, "bytes follow")])
def test_refuses_another_size(tmp_path, change, fault):
    path = tmp_path / "a.npy"
    np.save(path, some((10, 10), np.float32))
    data = path.read_bytes()
    path.write_bytes(data[:change] if change < 0 else data + b"\0" * change)
    with pytest.raises(InputError, match=fault) as caught:
        open_source(str(path))
    assert caught.value.found == f"{len(data) + change} bytes"
    assert str(len(data)) in str(caught.value.expected)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, True)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': '<f4', 'shape': (2, 3)}",
        "{'descr': '<q4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': 'f4,f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': 7, 'fortran_order': False, 'shape': (2, 3)}",
        "__import__('os').abort()",
        "[" * 5000,
        "'\\d",
        "",
    ],
)
def test_refuses_a_damaged_header(tmp_path, header):
    path = write_npy(tmp_path / "a.npy", header, b"\0" * 24)
    with pytest.raises(InputError, match="header is damaged"):
        open_source(path)


def test_lying_sizes_allocate_nothing(tmp_path):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**15}, {10**15})}}"
    path = write_npy(tmp_path / "a.npy", header, b"\0" * 24)
    with pytest.raises(InputError, match="cut short"):
        open_source(path)
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"{" * 100)
    with pytest.raises(InputError, match="ends within"):
        open_source(str(tmp_path / "b.npy"))
    (tmp_path / "c.npy").write_bytes(b"\x93NUMPY\x02\x00" + struct.pack("<I", 20000) + b" " * 30000)
    with pytest.raises(InputError, match="too long"):
        open_source(str(tmp_path / "c.npy"))
    (tmp_path / "d.npy").write_bytes(b"\x93NUMPY\x09\x00" + b" " * 300)
    with pytest.raises(InputError, match="version"):
        open_source(str(tmp_path / "d.npy"))


VALID = io.BytesIO()
np.save(VALID, some((4, 3), np.float32))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(
        st.binary(max_size=200).map(lambda tail: b"\x93NUMPY" + tail),
        st.tuples(st.integers(6, 127), st.binary(min_size=1, max_size=12)).map(
            lambda edit: VALID.getvalue()[: edit[0]] + edit[1] + VALID.getvalue()[edit[0] + 1 :]
        ),
        st.text(max_size=60).map(
            lambda text: (
                b"\x93NUMPY\x03\x00"
                + struct.pack("<I", len(text.encode("utf8", "replace")))
                + text.encode("utf8", "replace")
            )
        ),
    )
)
@example(data=b"\x93NUMPY")
def test_arbitrary_bytes_raise_only_our_errors(tmp_path, data):
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    try:
        source = open_source(str(path))
    except LplrError:
        return
    whole(source)


def sink_bytes(a, step):
    stream = io.BytesIO()
    sink = create_sink("npy", stream, a.shape, a.dtype)
    assert sink.order == "rows"
    for start in range(0, len(a), step):
        sink.write(a[start : start + step])
    sink.close()
    return stream.getvalue()


@settings(max_examples=60)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    step=st.integers(1, 41),
    dtype=st.sampled_from(DTYPES),
)
def test_writes_the_bytes_of_numpy(rows, columns, step, dtype):
    a = some((rows, columns), dtype)
    expected = io.BytesIO()
    np.save(expected, a)
    assert sink_bytes(a, step) == expected.getvalue()


def test_writes_columns_major_and_converted_slabs():
    a = some((12, 5), np.float64)
    stream = io.BytesIO()
    sink = create_sink("npy", stream, a.shape, np.float32)
    sink.write(np.asfortranarray(a))
    sink.close()
    np.testing.assert_array_equal(np.load(io.BytesIO(stream.getvalue())), a.astype(np.float32))


def test_sink_refuses_what_does_not_fit():
    sink = create_sink("npy", io.BytesIO(), (3, 2), np.float32)
    with pytest.raises(ValueError, match="slab of shape"):
        sink.write(np.zeros((1, 3)))
    sink.write(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="2 of 3 rows"):
        sink.close()
    with pytest.raises(ValueError, match="more rows"):
        sink.write(np.zeros((2, 2)))
    with pytest.raises(OutputError, match="not compressed"):
        create_sink("npy", io.BytesIO(), (3, 2), np.float32, gzip=True)


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
