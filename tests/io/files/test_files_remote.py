"""Files behind URLs, read by ranges; fsspec's own store in memory stands for all others."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from lplrcli.errors import InputError, MissingDependencyError
from lplrcli.io import UnfoldingRequest, open_source

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def store():
    """Writes the bytes that a function puts into a file; gives the URL."""
    files = fsspec.filesystem("memory")

    def write(name, put):
        with files.open(f"/{name}", "wb") as stream:
            put(stream)
        return f"memory://{name}"

    yield write
    files.store.clear()


def read(url, **options):
    with open_source(url, threads=2, **options) as source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "u1", "?"])
def test_npy_is_read_by_ranges(store, dtype):
    a = (100 * np.random.default_rng(0).random((6, 50_000, 3))).astype(dtype)
    url = store("a.npy", lambda stream: np.save(stream, a))
    assert np.array_equal(read(url), a.reshape(6, -1))
    assert np.array_equal(read(url, request=UnfoldingRequest(2)), a.reshape(-1, 3))


def test_blocks_are_those_of_a_file(store, tmp_path):
    a = np.zeros((3000, 500), np.float32)
    np.save(tmp_path / "a.npy", a)
    starts = [
        list(source.map_blocks(lambda block: block.start))
        for source in (
            open_source(str(tmp_path / "a.npy")),
            open_source(store("a.npy", lambda stream: np.save(stream, a))),
            open_source(f"file://{tmp_path}/a.npy"),
        )
    ]
    assert len(starts[0]) > 2
    assert starts[0] == starts[1] == starts[2]


def test_other_formats_are_read_through_a_file_object(store):
    a = np.arange(12.0).reshape(4, 3)

    def put(stream):
        with h5py.File(stream, "w") as file:
            file["a"] = a

    assert np.array_equal(read(store("a.h5", put)), a)
    text = b"%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n"
    assert np.array_equal(read(store("a.mtx", lambda s: s.write(text))), [[1, 3], [2, 4]])


def test_what_cannot_be_read_is_named(store, monkeypatch):
    fortran = store("f.npy", lambda s: np.save(s, np.asfortranarray(np.ones((4, 3)))))
    shortened = store("s.npy", lambda s: np.save(s, np.ones((4, 3))))
    for url, kind, said in (
        ("memory://absent.npy", InputError, "memory://absent.npy: cannot be opened"),
        ("nosuch://a.npy", InputError, "Protocol not known"),
        (fortran, InputError, "Fortran order"),
    ):
        with pytest.raises(kind, match=said):
            open_source(url)
    with open_source(shortened) as source:
        fsspec.filesystem("memory").pipe_file("/s.npy", b"x" * 130)
        with pytest.raises(InputError, match="shortened: found 2 bytes, expected 96"):
            list(source.map_blocks(len))
        fsspec.filesystem("memory").rm("/s.npy")
        with pytest.raises(InputError, match="rows 0 to 3 cannot be read"):
            list(source.map_blocks(len))
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(MissingDependencyError, match="fsspec"):
        open_source(fortran)
