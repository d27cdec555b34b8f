"""What is written comes back, bit for bit, in one forward pass of predicted size."""

from __future__ import annotations

import dataclasses
import gzip
import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import factor, factorization, read_all, written

from lplrcli.container.byte_layout import CHUNK_TAGS
from lplrcli.container.reader import open_container
from lplrcli.container.writer import container_size, write_container
from lplrcli.errors import CorruptSectionError


def assert_same(a, b):
    for key in ("shape", "dtype", "plan", "report", "source", "rank", "array_shape", "unfold"):
        assert getattr(a, key) == getattr(b, key)
    for side in CHUNK_TAGS:
        one, other = a.parts.get(side), b.parts.get(side)
        assert (one is None) == (other is None)
        if one is not None:
            for f in dataclasses.fields(one):
                if f.name not in ("chunks", "basis"):
                    assert getattr(one, f.name) == getattr(other, f.name)
            assert list(one.chunks) == list(other.chunks)


@st.composite
def factorizations(draw):
    mode = draw(st.sampled_from(["factors", "direct", "factors+residual"]))
    quantizer = draw(st.sampled_from(["uniform", "normal", "deadzone", "trellis"]))
    depth = st.integers(1, 16)
    bits = draw(st.lists(depth, max_size=4))
    if quantizer == "uniform":
        bits = [draw(depth)] * len(bits)
    extent = st.integers(4, 40) if quantizer in ("deadzone", "trellis") else st.integers(1, 40)
    shape = draw(st.tuples(extent, extent))
    means = draw(st.sets(st.sampled_from(["row", "column"]))) if bits else ()
    exponent = draw(st.integers(-1100, 1100))
    return factorization(shape, bits, mode, quantizer, means=means, exponent=exponent)


@settings(max_examples=60, deadline=None)
@given(st.lists(factorizations(), min_size=1, max_size=3))
def test_round_trip(matrices):
    raw = written(*matrices)
    assert len(raw) == container_size(matrices)
    found = read_all(raw)
    assert len(found) == len(matrices)
    for given_, read in zip(matrices, found, strict=True):
        assert_same(given_, read)
    assert written(*found) == raw


class Pipe:
    """A pipe that takes a few bytes at a time and can do nothing else."""

    def __init__(self):
        self.parts = []

    def write(self, data):
        self.parts.append(bytes(data[:7]))
        return len(self.parts[-1])


def test_writes_forward_only():
    pipe, f = Pipe(), factorization()
    size = write_container(pipe, [f])
    assert b"".join(pipe.parts) == written(f)
    assert size == len(written(f)) == sum(map(len, pipe.parts))


def test_name_and_creation_time_are_stored_only_if_asked():
    f = factorization()
    plain = open_container(io.BytesIO(written(f)), "x").metadata()
    assert "created" not in plain and "name" not in plain["array"] and "user" not in plain
    options = {"names": ["w"], "created": "2024-02-29T12:00:00Z"}
    raw = written(f, **options)
    full = open_container(io.BytesIO(raw), "x").metadata()
    assert (full["array"]["name"], full["created"]) == ("w", options["created"])
    assert len(raw) == container_size([f], **options)


def test_control_characters_of_names_are_replaced():
    f = dataclasses.replace(factorization(), source={"format": "npy", "name": "a\x1b[2J\udc80"})
    container = open_container(io.BytesIO(written(f, names=["x\ny"])), "x")
    assert container.metadata()["source"]["name"] == "a\ufffd[2J\ufffd"
    assert container.metadata()["array"]["name"] == "x\ufffdy"


def test_bytes_are_accounted_for():
    raw = written(factorization(), factorization(mode="direct"))
    container = open_container(io.BytesIO(raw), "x")
    assert (container.count, container.version, container.file_bytes) == (2, (1, 0), len(raw))
    parts = [container.section_bytes(i) for i in (0, 1, None)]
    assert [list(p) for p in parts] == [
        ["META", "COMP", "LEFT", "RGHT"], ["META", "COMP", "RESD"], ["INDX", "LEND"],
    ]  # fmt: skip
    assert 32 + sum(sum(p.values()) for p in parts) == len(raw)
    assert all(s.offset % 64 == 0 for s in container.sections)
    with pytest.raises(IndexError, match="matrices 0 to 1"):
        container.metadata(2)


@pytest.mark.parametrize("kind", ["plain", "unbuffered", "memory", "gzip"])
def test_reads_any_seekable_file_from_many_threads(tmp_path, kind):
    f = factorization((4000, 10))
    raw = written(f)
    (tmp_path / "a.lplr").write_bytes(raw)
    (tmp_path / "a.gz").write_bytes(gzip.compress(raw))
    file = {
        "plain": lambda: (tmp_path / "a.lplr").open("rb"),
        "unbuffered": lambda: (tmp_path / "a.lplr").open("rb", buffering=0),
        "memory": lambda: io.BytesIO(raw),
        "gzip": lambda: gzip.GzipFile(tmp_path / "a.gz"),
    }[kind]()
    with open_container(file, "a") as container, ThreadPoolExecutor(4) as pool:
        chunks = container.factorization().left.chunks
        start = threading.Barrier(4)

        def every(_):
            start.wait()
            return list(chunks)

        assert all(found == f.left.chunks for found in pool.map(every, range(4)))
        assert chunks[-1] == f.left.chunks[-1] and list(chunks[1:3]) == f.left.chunks[1:3]
    assert file.closed


def test_the_writer_refuses_what_the_reader_would():
    f = factorization()
    short = dataclasses.replace(f.left, chunks=[b"x", *f.left.chunks[1:]])
    few = dataclasses.replace(f.left, chunks=f.left.chunks[1:])
    wide = dataclasses.replace(f.left, tables=bytes([17, 1]))
    long = factor(20, (3, 1))
    report = dataclasses.replace(f.report, source_norm=float("nan"))
    for wrong, name in [
        (dataclasses.replace(f, left=short), "length of chunk 0"),
        (dataclasses.replace(f, left=few), "number of chunks"),
        (dataclasses.replace(f, left=wide), "bits"),
        (dataclasses.replace(f, left=long), "left.length"),
        (dataclasses.replace(f, dtype="complex64"), "array.dtype"),
        (dataclasses.replace(f, report=report), "source_norm"),
    ]:
        with pytest.raises(CorruptSectionError, match=name):
            written(wrong)
    with pytest.raises(ValueError, match="at least one matrix"):
        written()


def test_inspection_needs_no_numpy(tmp_path):
    path = tmp_path / "a.lplr"
    path.write_bytes(written(factorization()))
    code = (
        "import sys; from lplrcli.container.reader import open_container\n"
        f"c = open_container(open({str(path)!r}, 'rb'), 'a'); c.metadata(0); c.section_bytes(0)\n"
        "c.close(); assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=dict(os.environ))


def test_an_array_and_its_unfolding():
    f = factorization((12, 10))
    assert (f.array_shape, f.unfold) == ((12, 10), 1)
    f = dataclasses.replace(
        f,
        left=dataclasses.replace(f.left, grid=(4, 3)),
        right=dataclasses.replace(f.right, grid=(5, 2)),
        array_shape=(4, 3, 5, 2),
        unfold=2,
    )
    raw = written(f)
    assert container_size([f]) == len(raw)
    assert_same(open_container(io.BytesIO(raw), "a.lplr").factorization(), f)
    for wrong in ({"array_shape": (4, 3, 5)}, {"unfold": 1}, {"unfold": 5}):
        with pytest.raises(CorruptSectionError, match=r"metadata: (array|matrix)"):
            written(dataclasses.replace(f, **wrong))
