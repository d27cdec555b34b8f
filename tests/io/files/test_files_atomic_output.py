"""Output files appear whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import pty
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lplrcli.errors import OutputError
from lplrcli.io import AtomicOutput
from lplrcli.io.files import atomic_output, temporary


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


@pytest.mark.parametrize("key", ["none", "npy", "hdf5", "hdf5-gzip", "mtx"])
def test_a_full_disk_is_an_output_error(tmp_path, key):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    code = """
import resource, sys
import numpy as np
from lplrcli.errors import OutputError
from lplrcli.io import AtomicOutput, create_sink
path, key = sys.argv[1:]
a = np.random.default_rng(0).standard_normal((200, 200))
for limit in (0, 5000, 100_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
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
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(target), key], check=True)
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


# -- a crash at every step


class Crash(BaseException):
    """The process is gone: nothing that it calls afterwards has any effect."""


class Steps:
    """Calls to the system, each of which can be the one that fails, or the last.

    Parameters
    ----------
    failing : int
        Which one, from 0 on; before and after a call are two, half a write is one more.
    error : OSError, optional
        What it fails with; without, the process crashes.
    """

    CALLS = ("open", "fchmod", "fsync", "replace", "link", "unlink")

    def __init__(self, failing, error=None):
        self.failing, self.error = failing, error
        self.taken = 0
        self.at = None

    def install(self, patch):
        for name in self.CALLS:
            patch.setattr(os, name, self.wrapped(name, getattr(os, name)))
        patch.setattr(os, "fdopen", self.fdopen)

    def fdopen(self, descriptor, mode):
        steps = self

        class Raw(io.FileIO):
            def write(self, data):
                steps.step("write")
                with memoryview(data) as view:
                    half = super().write(view[: len(view) // 2])
                    steps.step("rest of a write")
                    written = half + super().write(view[half:])
                steps.step("after a write")
                return written

        assert mode == "w+b"
        return io.BufferedRandom(Raw(descriptor, "r+"), 16)

    def wrapped(self, name, call):
        def stepping(*arguments, **options):
            self.step(name)
            result = call(*arguments, **options)
            if self.error is None:
                self.step(f"after {name}")
            return result

        return stepping

    def step(self, name):
        if self.error is None and self.at is not None:
            raise Crash
        self.taken += 1
        if self.taken == self.failing + 1:
            self.at = name
            raise self.error or Crash


NEW = b"the new content, " * 3


def attempt(target, steps, monkeypatch, **options):
    """Write the target with a failure on the way; whether all was done without meeting it."""
    with monkeypatch.context() as patch:
        steps.install(patch)
        try:
            with AtomicOutput(str(target), **options) as stream:
                for start in range(0, len(NEW), 10):
                    stream.write(NEW[start : start + 10])
        except (Crash, OutputError) as error:
            return error
    return None


@pytest.fixture(params=["new", "old", "through a link"])
def target(request, tmp_path):
    """Path of an output, whether -f is needed, and what is there before."""
    path = tmp_path / "a"
    if request.param == "new":
        return path, False, None
    path.write_bytes(b"old")
    if request.param == "old":
        return path, True, b"old"
    link = tmp_path / "link"
    link.symlink_to(path)
    return link, True, b"old"


def content(path):
    return path.read_bytes() if path.exists() else None


def test_a_crash_at_any_step_leaves_all_or_nothing(tmp_path, target, monkeypatch):
    path, force, old = target
    met = set()
    for failing in range(100):
        if old is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(old)
        steps = Steps(failing)
        error = attempt(path, steps, monkeypatch, force=force)
        assert content(path) in (old, NEW)
        if error is None:
            break
        assert isinstance(error, Crash)
        met.add(steps.at)
        others = {each.name for each in tmp_path.iterdir()} - {"a", "link"}
        assert all(name.startswith(".lplr-") for name in others)
    assert steps.at is None
    assert content(path) == NEW
    naming = "replace" if force else "link"
    assert met >= {"open", "after open", "write", "rest of a write", "fsync", "after fsync",
                   naming, f"after {naming}"}  # fmt: skip


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_failure_at_any_step_is_told_and_leaves_all_or_nothing(
    tmp_path, target, monkeypatch, number
):
    path, force, old = target
    met = set()
    for failing in range(100):
        if old is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(old)
        steps = Steps(failing, OSError(number, os.strerror(number)))
        error = attempt(path, steps, monkeypatch, force=force)
        if steps.at is None:
            break
        met.add(steps.at)
        if error is None:
            # Other ways are open: no link but a rename; and what cannot be removed or, for want
            # of rights, not be synced is no loss.
            assert steps.at in ("link", "unlink", "open", "fsync")
            assert content(path) == NEW
        else:
            assert error.path == str(path)
            assert os.strerror(number) in str(error)
            assert (number == errno.EIO) == (error.advice is None) or "synced" in str(error)
            assert content(path) == (NEW if "is written" in str(error) else old)
    assert steps.at is None
    assert met >= {"open", "write", "fsync", "replace" if force else "link"}


def test_two_that_write_the_same_file(tmp_path):
    target = str(tmp_path / "a")
    with pytest.raises(OutputError, match="exists"), AtomicOutput(target) as first:
        first.write(b"first")
        with AtomicOutput(target) as second:
            second.write(b"second")
    assert (tmp_path / "a").read_bytes() == b"second"
    with AtomicOutput(target, force=True) as first:
        first.write(b"first")
        put(target, b"second", force=True)
        assert (tmp_path / "a").read_bytes() == b"second"
    assert (tmp_path / "a").read_bytes() == b"first"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_is_full(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (small / "a").write_bytes(b"old")
        with pytest.raises(OutputError, match=r"a: cannot be written: No space left.*\n.*room"):
            put(small / "a", bytes(1 << 20), force=True)
        assert [path.read_bytes() for path in small.iterdir()] == [b"old"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


# -- inputs under other names


def test_standard_input_is_not_overwritten(tmp_path, monkeypatch):
    source = tmp_path / "in"
    source.write_bytes(b"input")
    with source.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        for name in (str(source), f"/proc/self/fd/{stream.fileno()}"):
            if Path(name).exists():
                with pytest.raises(OutputError, match="input file"):
                    put(name, force=True, inputs=["-"])
    assert source.read_bytes() == b"input"


def test_standard_output_that_is_the_input(tmp_path, monkeypatch):
    source = tmp_path / "in"
    source.write_bytes(b"input")
    with source.open("a") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(OutputError, match="<stdout>: the output is the input"):
            put("-", inputs=[str(source)])
    assert source.read_bytes() == b"input"


def test_a_file_of_an_input_that_is_a_folder(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    part = tmp_path / "a.zarr" / "0.0"
    part.write_bytes(b"input")
    with pytest.raises(OutputError, match="input file"):
        put(part, force=True, inputs=[str(tmp_path / "a.zarr")])
    assert part.read_bytes() == b"input"
    put(tmp_path / "b", inputs=[str(tmp_path / "a.zarr")])


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="not Linux")
def test_an_open_file_without_a_name(tmp_path):
    with (tmp_path / "a").open("w+b") as stream:
        (tmp_path / "a").unlink()
        put(f"/proc/self/fd/{stream.fileno()}")
        stream.seek(0)
        assert stream.read() == b"new"
        other = f"/proc/{os.getpid()}/task/{os.getpid()}/fd/{stream.fileno()}"
        put(other, b"newer", force=True)  # by a name of which that is not known
        stream.seek(0)
        assert stream.read() == b"newer"
    assert not list(tmp_path.iterdir())


# -- names of what is open already


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")
def test_an_open_file_is_written_where_its_next_byte_goes(tmp_path):
    name = tmp_path / "a"
    name.write_bytes(b"old ")
    (tmp_path / "link").symlink_to("/dev/fd")
    for mode, content in (("ab", b"old newnew"), ("wb", b"newnew"), ("r+b", b"newnew")):
        with name.open(mode) as stream:
            put(f"/dev/fd/{stream.fileno()}")
            put(tmp_path / "link" / str(stream.fileno()), force=True)
            with pytest.raises(OutputError, match="input file"):
                put(f"/dev/fd/{stream.fileno()}", inputs=[str(name)])
        assert name.read_bytes() == content


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")
def test_what_cannot_be_written_by_such_a_name(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    cannot = pytest.raises(OutputError, match=r"fd/\d+: cannot be written")
    with (tmp_path / "a").open("rb") as stream, cannot:
        put(f"/dev/fd/{stream.fileno()}")
    assert (tmp_path / "a").read_bytes() == b"old"
    monkeypatch.setattr(sys, "__stdout__", None)  # closed, and its number may be another file's
    with pytest.raises(OutputError, match="/dev/stdout: it was closed"):
        put("/dev/stdout")
    primary, secondary = pty.openpty()
    try:
        with pytest.raises(OutputError, match="terminal"):
            put(f"/dev/fd/{secondary}")
    finally:
        os.close(primary)
        os.close(secondary)


# -- systems that have less


def test_permissions_and_names_where_files_have_no_locks(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fchmod")
    monkeypatch.setattr(temporary, "fcntl", None)
    renamed = []
    monkeypatch.setattr(atomic_output, "_name", lambda *names: renamed.append(names))
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o640)
    with AtomicOutput(str(tmp_path / "a"), force=True) as stream:
        stream.write(b"new")
        (made,) = set(tmp_path.iterdir()) - {tmp_path / "a"}
        stream.flush()
    assert stream.closed
    ((path, target, _, force),) = renamed
    assert (path, target, force) == (made, tmp_path / "a", True)
