"""Writing a file: forward only, of the size told before, and nothing that a reader would refuse."""

from __future__ import annotations

import dataclasses
import io

import pytest
from lplr_samples import factor, factorization, written

from lplrcli.container.reader import open_container
from lplrcli.container.writer import container_size, write_container
from lplrcli.errors import CorruptSectionError


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


def test_the_writer_refuses_what_the_reader_would():
    f = factorization()
    short = dataclasses.replace(f.left, chunks=[b"x", *f.left.chunks[1:]])
    few = dataclasses.replace(f.left, chunks=f.left.chunks[1:])
    wide = dataclasses.replace(f.left, coding_parameters=bytes([17, 1]))
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
