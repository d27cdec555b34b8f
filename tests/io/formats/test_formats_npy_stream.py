"""Matrices read from a pipe as they come, against the same ones from a file."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading

import numpy as np
import pytest
from ml_dtypes import bfloat16

from lplrcli.errors import InputError, LplrError
from lplrcli.io import open_source
from lplrcli.io.handles.base import BLOCK_BYTES
from lplrcli.pipeline.compress import compress


def content_of(array, fortran=False):
    stream = io.BytesIO()
    np.save(stream, np.asfortranarray(array) if fortran else array)
    return stream.getvalue()


@pytest.fixture
def stdin(monkeypatch):
    """Standard input holds these bytes."""

    def give(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))

    return give


@pytest.fixture
def uncopied(monkeypatch):
    """No temporary file of ours is made; Numba makes some for its cache."""
    make = tempfile.TemporaryFile

    def only_others(**options):
        assert "prefix" not in options, "copied to a temporary file"
        return make(**options)

    monkeypatch.setattr(tempfile, "TemporaryFile", only_others)


def blocks_of(source):
    return list(source.map_blocks(lambda block: block.values.copy()))


@pytest.mark.usefixtures("uncopied")
@pytest.mark.parametrize("dtype", [np.float32, ">f8", np.uint8, bfloat16, bool])
@pytest.mark.parametrize("threads", [1, 5])
def test_blocks_are_those_of_a_file(stdin, tmp_path, dtype, threads):
    a = np.arange(3 * BLOCK_BYTES // 8 * 7 // 5 // 25 * 25).reshape(-1, 25) % 7
    content = content_of(a.astype(dtype))
    (tmp_path / "a.npy").write_bytes(content)
    stdin(content)
    with (
        open_source("-", once=True, threads=threads) as found,
        open_source(str(tmp_path / "a.npy")) as expected,
    ):
        assert (found.name, found.format) == ("<stdin>", "npy")
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        for ours, theirs in zip(blocks_of(found), blocks_of(expected), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert found.bytes_read == a.size * found.dtype.itemsize
        with pytest.raises(InputError, match="once"):
            blocks_of(found)


@pytest.mark.usefixtures("uncopied")
def test_a_pipe_gives_the_same_factors_as_the_file(tmp_path):
    a = np.random.default_rng(0).standard_normal((40, 5, 6)).astype(np.float32)
    np.save(tmp_path / "a.npy", a)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=((tmp_path / "a.npy").read_bytes(),))
    writer.start()
    results = []
    for path in (pipe, tmp_path / "a.npy"):
        with open_source(str(path), once=True) as source:
            results.append(compress(source, rank=3, bits=4, passes=1))
    writer.join()
    assert results[0].source == {"format": "npy"}
    for name in ("left", "right"):
        parts = [getattr(result, name) for result in results]
        assert [*parts[0].chunks] == [*parts[1].chunks]
        assert parts[0].side == parts[1].side
    assert results[0].report == results[1].report


@pytest.mark.parametrize(
    "content",
    [
        content_of(np.ones((4, 3)), fortran=True),
        b"%%MatrixMarket matrix array real general\n1 2\n1.0\n1.0\n",
    ],
    ids=["fortran", "mtx"],
)
def test_what_cannot_be_read_forwards_is_copied(stdin, content):
    stdin(content)
    with open_source("-", once=True) as source:
        for _ in range(2):
            assert set(np.concatenate(blocks_of(source)).ravel()) == {1.0}


@pytest.mark.usefixtures("uncopied")
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: content[: len(content) // 2], "cut short"),
        (lambda content: content[:128], "cut short"),
        (lambda content: content + b"x", "bytes follow"),
        (lambda content: content[:100], "ends within it"),
        (lambda content: content[:9], "ends within it"),
        (lambda content: content[:6] + b"\x07" + content[7:], "version is unknown"),
    ],
)
def test_damage_is_named(stdin, change, says, threads):
    stdin(change(content_of(np.ones((300_000, 5)))))
    with (
        pytest.raises(LplrError, match=says) as caught,
        open_source("-", once=True, threads=threads) as source,
    ):
        blocks_of(source)
    assert caught.value.path == "<stdin>"


def test_nothing_at_all(stdin):
    stdin(b"")
    with pytest.raises(InputError, match="nothing to read"):
        open_source("-", once=True)
