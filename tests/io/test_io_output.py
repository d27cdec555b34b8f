"""Output files appear whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lplrcli.errors import OutputError
from lplrcli.io import AtomicOutput


@pytest.fixture(autouse=True)
def nothing_left(tmp_path):
    yield
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".lplr-")]


def put(path, data=b"new", **options):
    with AtomicOutput(str(path), **options) as stream:
        stream.write(data)


def test_new_file_honours_the_umask(tmp_path):
    previous = os.umask(0o027)
    try:
        put(tmp_path / "a")
    finally:
        os.umask(previous)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_stream_can_be_read_back_and_sought(tmp_path):
    with AtomicOutput(str(tmp_path / "a")) as stream:
        stream.write(b"abc")
        stream.seek(1)
        assert stream.read() == b"bc"
        assert not (tmp_path / "a").exists()


def test_existing_file(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(0o606)
    with pytest.raises(OutputError, match="-f"):
        put(target)
    assert target.read_bytes() == b"old"
    put(target, force=True)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o606


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("existing", [False, True])
def test_after_an_error_all_is_as_before(tmp_path, error, existing):
    target = tmp_path / "a"
    if existing:
        target.write_bytes(b"old")
    with pytest.raises(error), AtomicOutput(str(target), force=True) as stream:
        stream.write(b"half")
        raise error
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([b"old"] if existing else [])


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    with (
        pytest.raises(OutputError, match="exists"),
        AtomicOutput(str(tmp_path / "a")) as stream,
    ):
        stream.write(b"new")
        (tmp_path / "a").write_bytes(b"other")
    assert (tmp_path / "a").read_bytes() == b"other"


@pytest.mark.parametrize("spelling", ["same", "dots", "symlink", "hard link"])
def test_never_the_input(tmp_path, spelling):
    source = tmp_path / "in"
    source.write_bytes(b"input")
    target = tmp_path / "out"
    if spelling == "same":
        target = source
    elif spelling == "dots":
        (tmp_path / "d").mkdir()
        target = f"{tmp_path}/d/../in"
    elif spelling == "symlink":
        target.symlink_to(source)
    else:
        target.hardlink_to(source)
    with pytest.raises(OutputError, match="input file"):
        put(target, force=True, inputs=["-", str(tmp_path / "gone"), str(source)])
    assert source.read_bytes() == b"input"


def test_symlinks_are_written_through(tmp_path):
    (tmp_path / "d").mkdir()
    link, pointed = tmp_path / "link", tmp_path / "d" / "file"
    link.symlink_to("d/file")
    put(link)
    assert link.is_symlink()
    assert pointed.read_bytes() == b"new"
    put(link, b"newer", force=True)
    assert link.is_symlink()
    assert pointed.read_bytes() == b"newer"


def test_bad_targets(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (tmp_path / "file").write_bytes(b"")
    for target, text in [
        (str(tmp_path), "directory"),
        (str(tmp_path / "none" / "a"), "No such file"),
        (str(tmp_path / "file" / "a"), "Not a directory"),
        (f"{tmp_path}/new/", "not the name of a file"),
        ("", "not the name of a file"),
        ("a\0b", "null"),
        (str(tmp_path / ("x" * 300)), "too long"),
        (str(loop), "symbolic links"),
    ]:
        with pytest.raises(OutputError, match=text):
            put(target, force=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        put(tmp_path / "a")
    tmp_path.chmod(0o700)


def test_special_files_are_written_directly(tmp_path):
    put("/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    put(fifo)
    reader.join()
    assert got == [b"new"]


@pytest.mark.parametrize("limit", [0, 5000, 100_000])
@pytest.mark.parametrize("key", ["none", "npy", "hdf5", "hdf5-gzip", "mtx"])
def test_a_full_disk_is_an_output_error(tmp_path, limit, key):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    code = """
import resource, sys
import numpy as np
from lplrcli.errors import OutputError
from lplrcli.io import AtomicOutput, create_sink
path, limit, key = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
a = np.random.default_rng(0).standard_normal((200, 200))
try:
    with AtomicOutput(path, force=True) as stream:
        if key == "none":
            stream.write(a.tobytes())
        else:
            sink = create_sink(key.split("-")[0], stream, a.shape, a.dtype, gzip="-" in key)
            sink.write(a)
            sink.close()
except OutputError as error:
    assert error.path == path and "File too large" in str(error), error
else:
    raise SystemExit("written")
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(target), str(limit), key], check=True
    )
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


def test_failure_to_sync(tmp_path, monkeypatch):
    def failing(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OutputError, match="No space left") as caught:
        put(tmp_path / "a")
    assert caught.value.path == str(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


class Stdout:
    closed = False

    def __init__(self, terminal=False):
        self.buffer = io.BytesIO()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


def test_standard_output(monkeypatch):
    stdout = Stdout()
    monkeypatch.setattr(sys, "stdout", stdout)
    put("-")
    assert stdout.buffer.getvalue() == b"new"
    monkeypatch.setattr(sys, "stdout", Stdout(terminal=True))
    with pytest.raises(OutputError, match="terminal"):
        put("-")


def test_standard_output_fails(monkeypatch):
    class Full(io.BytesIO):
        number = errno.ENOSPC

        def write(self, data):
            raise OSError(self.number, os.strerror(self.number))

    stdout = Stdout()
    stdout.buffer = Full()
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(OutputError, match="<stdout>: cannot be written: No space"):
        put("-")
    Full.number = errno.EPIPE
    with pytest.raises(BrokenPipeError):
        put("-")
