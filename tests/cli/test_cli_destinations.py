"""Where a restored matrix goes: format and name from what was asked, and whether it fits."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click
import pytest

from lplrcli.cli.destinations import (
    DTYPES,
    FORMATS,
    check_size,
    check_streams,
    destination,
    goes_to_stdout,
    is_a_stream,
)
from lplrcli.errors import OutputError
from lplrcli.pipeline.decode.reconstruction import entry_dtype


@pytest.mark.parametrize(
    ("source", "output", "to", "original", "expected"),
    [
        ("a.lplr", None, None, "npy", ("npy", "a.npy")),
        ("a.lplr", None, None, "mtx", ("mtx", "a.mtx")),
        ("a.LPLR", None, None, "hdf5", ("hdf5", "a.h5")),
        ("a.lplr", None, None, "zarr", ("npy", "a.npy")),
        ("a.lplr", None, None, None, ("npy", "a.npy")),
        ("folder/a", None, "mtx", "npy", ("mtx", "folder/a.mtx")),
        ("a.lplr", "b.h5", None, "npy", ("hdf5", "b.h5")),
        ("a.lplr", "b.hdf5", None, "npy", ("hdf5", "b.hdf5")),
        ("a.lplr", "b.h5", "npy", "mtx", ("npy", "b.h5")),
        ("a.lplr", "b.mtx.gz", None, "npy", ("mtx", "b.mtx.gz")),
        ("a.lplr", "b", None, "mtx", ("npy", "b")),
        ("a.lplr", "-", None, "mtx", ("npy", "-")),
        ("a.lplr", "-", "h5", "mtx", ("hdf5", "-")),
        ("-", None, None, "mtx", ("npy", "-")),
        ("-", "b.mtx", None, "npy", ("mtx", "b.mtx")),
    ],
)
def test_format_and_name(source, output, to, original, expected):
    assert destination(source, output, to, original) == expected


def test_a_suffix_of_no_format_is_wrong_usage_and_named():
    with pytest.raises(click.UsageError, match=r"\.txt"):
        destination("a.lplr", "b.txt", None, "npy")
    assert destination("a.lplr", "b.txt", "h5", "npy") == ("hdf5", "b.txt")


def test_what_cannot_be_taken_back_is_a_stream(tmp_path):
    fifo, file = tmp_path / "fifo", tmp_path / "file"
    os.mkfifo(fifo)
    file.write_bytes(b"")
    assert [is_a_stream(name) for name in ("-", str(fifo), "/dev/null")] == [True] * 3
    assert [is_a_stream(name) for name in (str(file), str(tmp_path / "none"))] == [False] * 2


def test_options_that_leave_no_place_for_something():
    check_streams("hdf5", "b.h5", "a/b", as_json=True)
    check_streams("npy", "-", None, as_json=False)
    with pytest.raises(click.UsageError, match="--dataset"):
        check_streams("npy", "b.npy", "a/b", as_json=False)
    with pytest.raises(click.UsageError, match="--json"):
        check_streams("npy", "-", None, as_json=True)


def test_what_is_larger_than_allowed_or_than_the_disk_is_refused(tmp_path):
    target = str(tmp_path / "b.npy")
    free = shutil.disk_usage(tmp_path).total
    check_size(100, 100, target, "advice")
    check_size(100, None, target, "advice")
    with pytest.raises(OutputError, match="101 bytes") as caught:
        check_size(101, 100, target, "Take a part.")
    assert "Take a part." in str(caught.value)
    with pytest.raises(OutputError, match="at most"):
        check_size(free + 1, None, target, "advice")
    for stream in ("-", "/dev/null", str(tmp_path / "no folder" / "b.npy")):
        check_size(free + 1, None, stream, "advice")  # no disk is known, so none is too small


def test_every_type_that_may_be_asked_for_is_one():
    for name in DTYPES:
        assert entry_dtype(name).name == name
    assert len(set(DTYPES)) == len(DTYPES)
    assert set(FORMATS.values()) == {"npy", "hdf5", "mtx"}


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")
def test_standard_output_under_any_name(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    for name in ("-", "/dev/stdout", "/dev/fd/1"):
        assert goes_to_stdout(name)
        assert is_a_stream(name)
        with pytest.raises(click.UsageError, match="standard output"):
            check_streams("npy", name, None, as_json=True)
    with (tmp_path / "a").open() as stream:
        assert not goes_to_stdout(f"/dev/fd/{stream.fileno()}")
        assert is_a_stream(f"/dev/fd/{stream.fileno()}")
    assert not is_a_stream(str(tmp_path / "a"))
