"""HDF5 datasets against h5py."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import h5py
import hdf5plugin
import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, MissingDependencyError, NotAMatrixError, OutputError
from lplrcli.io import create_sink, open_source

A = np.random.default_rng(1).standard_normal((60, 9)).astype(np.float32)


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.h5")


@pytest.mark.parametrize("dtype", [*"?bBhHiIqQefd", ">f4", ">i8", ml_dtypes.bfloat16], ids=str)
def test_every_type(path, dtype):
    a = np.arange(60).reshape(12, 5).astype(dtype)
    with h5py.File(path, "w") as file:
        file["group/x"] = a
    source = open_source(path)
    assert source.dtype == a.dtype.newbyteorder("=")
    assert source.dtype.isnative
    np.testing.assert_array_equal(whole(source), a)


def test_enum_is_its_integer(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2, 2), dtype=h5py.enum_dtype({"A": 1}, "i2"))
    source = open_source(path)
    assert source.dtype == np.int16
    assert source.dtype.metadata is None


@pytest.mark.parametrize("block", [512, 4096])
def test_user_block(path, block):
    with h5py.File(path, "w", userblock_size=block) as file:
        file["x"] = A
    np.testing.assert_array_equal(whole(open_source(path)), A)


@pytest.mark.parametrize("chunks", [None, (7, 100), (3000, 1), (1000, 250), (64, 64), (3000, 500)])
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks(path, chunks, threads):
    a = np.arange(3000 * 500, dtype=np.float64).reshape(3000, 500)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=a, chunks=chunks)
    source = open_source(path, threads=threads)
    np.testing.assert_array_equal(whole(source), a)


def test_no_chunk_is_decompressed_twice(path):
    a = np.zeros((4000, 1200))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=a, chunks=(4000, 10), compression="gzip")
    source = open_source(path)
    with source:
        list(source.map_blocks(lambda block: None))
        _, size, _ = source._handle._array.id.get_access_plist().get_chunk_cache()
        assert size >= a.nbytes


def test_the_only_matrix_among_other_things(path):
    with h5py.File(path, "w") as file:
        file["deep/down/matrix"] = A
        file["vector"] = A[0]
        file["six"] = A.reshape(6, 1, 1, 1, 10, 9)
        file["text"] = np.array([[b"some", b"words"]])
        file["complex"] = A.astype(complex)
        file["none"] = h5py.Empty("f4")
        file["no_rows"] = A[:0]
        file["type"] = np.dtype("f4")
        file["circle"] = h5py.SoftLink("/")
        file["deep/up"] = h5py.SoftLink("/deep")
        file["again"] = h5py.SoftLink("/deep/down/matrix")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file["outside"] = h5py.ExternalLink("other.h5", "/x")
        file["deep/same_group"] = file["deep"]
    np.testing.assert_array_equal(whole(open_source(path)), A)
    for name in ("again", "/deep/up/down/matrix"):
        np.testing.assert_array_equal(whole(open_source(path, dataset=name)), A)
    for name, text in [
        ("vector", "1-dimensional"),
        ("six", "6-dimensional"),
        ("complex", "complex64|complex128"),
        ("text", "not of a type"),
        ("none", "empty"),
        ("no_rows", "empty"),
        ("missing", r"does not exist; arrays in the file: /deep/down/matrix \(60x9 float32\)"),
        ("deep", "not a dataset"),
        ("type", "not a dataset"),
        ("dangling", "does not exist"),
        ("outside", "does not exist"),
        ("again\0", "does not exist"),
        ("", "does not exist"),
    ]:
        with pytest.raises(NotAMatrixError, match=text) as caught:
            open_source(path, dataset=name)
        assert len(str(caught.value).splitlines()) <= 2


def test_a_cube_beside_a_matrix_is_a_choice(path):
    with h5py.File(path, "w") as file:
        file["mask"] = A
        file["u"] = A.reshape(6, 10, 9)
    with pytest.raises(NotAMatrixError, match=r"2 arrays: /mask .*, /u \(6x10x9 float32\)"):
        open_source(path)
    source = open_source(path, dataset="u")
    assert source.shape == (6, 90)
    assert source.unfolding.array_shape == (6, 10, 9)
    np.testing.assert_array_equal(whole(source), A.reshape(6, 90))


def test_several_and_none(path):
    with h5py.File(path, "w") as file:
        for i in range(11):
            file[f"m{i:02}"] = A
    with pytest.raises(
        NotAMatrixError, match=r"/m00 \(60x9 float32\).*/m07.* and 3 more"
    ) as caught:
        open_source(path)
    assert "--dataset /m00" in str(caught.value)
    with h5py.File(path, "w") as file:
        file["v"] = A[0]
    with pytest.raises(NotAMatrixError, match=r"no matrix.*/v \(9 float32\)"):
        open_source(path)
    with h5py.File(path, "w"):
        pass
    with pytest.raises(NotAMatrixError, match="datasets: none"):
        open_source(path)


FILTERS = {
    "blosc": hdf5plugin.Blosc(),
    "bitshuffle": hdf5plugin.Bitshuffle(),
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
    "zfp": hdf5plugin.Zfp(reversible=True),
    "blosc2": hdf5plugin.Blosc2(),
}


@pytest.mark.parametrize("installed", [True, False])
def test_filters_of_hdf5plugin(tmp_path, installed):
    for name, compression in FILTERS.items():
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("x", data=A, chunks=(8, 9), compression=compression)
    code = """
import sys
import numpy as np
from lplrcli.errors import MissingDependencyError
from lplrcli.io import open_source
installed, *names = sys.argv[1:]
if not eval(installed):
    sys.modules["hdf5plugin"] = None
for name in names:
    try:
        with open_source(name) as source:
            print(float(sum(source.map_blocks(lambda b: b.values.sum(dtype=float)))))
    except MissingDependencyError as error:
        assert f"({name})" in str(error) and "lplrcli[hdf5plugin]" in str(error), error
        print("missing")
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(installed), *FILTERS],
        capture_output=True,
        check=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    found = run.stdout.split()
    if installed:
        np.testing.assert_allclose(np.array(found, float), [A.sum(dtype=float)] * len(FILTERS))
    else:
        assert found == ["missing"] * len(FILTERS)


def test_a_filter_nobody_has(path):
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4, 4))
        plist.set_filter(40000, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((8, 8))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, space, plist)
    with pytest.raises(MissingDependencyError, match=r"40000 \(unknown\)"):
        open_source(path)


def test_built_in_filters_need_no_plugin(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=A, compression="gzip", shuffle=True, fletcher32=True)
    code = (
        "import sys; from lplrcli.io import open_source; open_source(sys.argv[1]).close();"
        "assert 'hdf5plugin' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, path], check=True)


def test_damaged_files(path, tmp_path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.random.default_rng(0).random((200, 90)), fletcher32=True)
        offset = file["x"].id.get_chunk_info(0).byte_offset
    data = (tmp_path / "a.h5").read_bytes()
    for damaged in (data[:8], data[:1000], data[: len(data) // 2]):
        (tmp_path / "a.h5").write_bytes(damaged)
        with pytest.raises(InputError, match="cannot be read"):
            open_source(path)
    (tmp_path / "a.h5").write_bytes(data[:offset] + b"\xff" * 8 + data[offset + 8 :])
    with open_source(path) as source, pytest.raises(InputError, match="rows 0 to 199 cannot"):
        list(source.map_blocks(lambda block: None))


class Pipe(io.RawIOBase):
    """Takes bytes forwards and nothing else."""

    def __init__(self):
        super().__init__()
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    step=st.integers(1, 41),
    dtype=st.sampled_from(["?", "i1", "u8", "f2", "f4", "f8", ml_dtypes.bfloat16]),
    gzip=st.booleans(),
    pipe=st.booleans(),
)
def test_writes_what_h5py_reads(tmp_path, rows, columns, step, dtype, gzip, pipe):
    a = (np.arange(rows * columns).reshape(rows, columns) % 2).astype(dtype)
    stream = Pipe() if pipe else io.BytesIO()
    sink = create_sink("hdf5", stream, a.shape, a.dtype, dataset="g/x", gzip=gzip)
    assert sink.order == "rows"
    for start in range(0, rows, step):
        sink.write(a[start : start + step])
    sink.close()
    data = stream.data if pipe else stream.getvalue()
    assert not stream.closed
    with h5py.File(io.BytesIO(data)) as file:
        assert file["g/x"].compression == ("gzip" if gzip else None)
    (tmp_path / "a.h5").write_bytes(data)
    source = open_source(str(tmp_path / "a.h5"))
    assert source.dtype == a.dtype
    np.testing.assert_array_equal(whole(source), a)


@pytest.mark.parametrize("dataset", ["", "/", ".", "a/..", "a\0b"])
def test_sink_refuses_bad_names(dataset):
    with pytest.raises(OutputError):
        create_sink("hdf5", io.BytesIO(), (2, 2), "f4", dataset=dataset)


def test_a_signal_within_the_library_is_handled_after_it(tmp_path):
    class Interrupted(BaseException):
        pass

    def handle(number, frame):
        raise Interrupted

    class Signalling(io.FileIO):
        def write(self, data):
            signal.raise_signal(signal.SIGTERM)
            return super().write(data)

    before = signal.signal(signal.SIGTERM, handle)
    try:
        with Signalling(tmp_path / "a.h5", "w+") as stream, pytest.raises(Interrupted):
            sink = create_sink("hdf5", stream, (5000, 400), np.float64, gzip=True)
            for _ in range(50):
                sink.write(np.random.default_rng(0).standard_normal((100, 400)))
            sink.close()
        assert signal.getsignal(signal.SIGTERM) is handle
    finally:
        signal.signal(signal.SIGTERM, before)
