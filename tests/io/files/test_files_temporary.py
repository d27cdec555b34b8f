"""Temporary files: gone with their output, and what killed processes left of them too."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

from lplrcli.io.files import temporary
from lplrcli.io.files.temporary import temporary_file


def left_behind(folder, content=b"half"):
    """What a killed process leaves: a file whose lock is gone with it."""
    path = folder / f"{temporary._prefix()}{os.urandom(6).hex()}.tmp"
    path.write_bytes(content)
    return path


def test_a_file_without_a_name_afterwards(tmp_path):
    with temporary_file(tmp_path, 0o440) as (stream, path):
        stream.write(b"abc")
        stream.flush()
        assert path.read_bytes() == b"abc"
        assert path.stat().st_mode & 0o777 == 0o640  # it can be locked by whoever may replace it
    assert not list(tmp_path.iterdir())


def test_what_killed_processes_left_is_removed(tmp_path):
    left_behind(tmp_path)
    left_behind(tmp_path, b"")
    with temporary_file(tmp_path, None) as (_, path):
        assert list(tmp_path.iterdir()) == [path]


def test_what_is_in_use_stays(tmp_path):
    with temporary_file(tmp_path, None) as (_, first):
        with temporary_file(tmp_path, None) as (_, second):
            assert set(tmp_path.iterdir()) == {first, second}
        assert list(tmp_path.iterdir()) == [first]


def test_what_is_not_ours_stays(tmp_path):
    elsewhere = tmp_path / f".lplr-{'0' * 8}-{'0' * 12}.tmp"  # of another machine
    notes, link, pipe = tmp_path / ".lplr-notes.tmp", left_behind(tmp_path), left_behind(tmp_path)
    elsewhere.write_bytes(b"half")
    notes.write_bytes(b"mine")
    link.unlink()
    link.symlink_to(notes)
    pipe.unlink()
    os.mkfifo(pipe)
    before = set(tmp_path.iterdir())
    with temporary_file(tmp_path, None):
        pass
    assert set(tmp_path.iterdir()) == before
    assert notes.read_bytes() == b"mine"


def test_a_file_taken_for_abandoned_before_it_was_locked(tmp_path, monkeypatch):
    lock, removed = fcntl.flock, []

    def late(descriptor, operation):
        if not removed and operation == fcntl.LOCK_EX:
            (path,) = tmp_path.iterdir()
            path.unlink()
            removed.append(path)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with temporary_file(tmp_path, None) as (stream, path):
        assert removed != [path] == list(tmp_path.iterdir())
        assert os.path.samestat(os.fstat(stream.fileno()), path.stat())
    assert not list(tmp_path.iterdir())


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def unsupported(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    other = left_behind(tmp_path)  # nobody can tell
    with temporary_file(tmp_path, None) as (_, path):
        assert set(tmp_path.iterdir()) == {other, path}
    assert list(tmp_path.iterdir()) == [other]


def test_a_system_without_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(temporary, "fcntl", None)
    other = left_behind(tmp_path)
    with temporary_file(tmp_path, None) as (_, path):
        assert set(tmp_path.iterdir()) == {other, path}
    assert list(tmp_path.iterdir()) == [other]


def test_all_of_a_process_that_ends(tmp_path):
    with pytest.raises(ZeroDivisionError), temporary_file(tmp_path, None) as (_, path):
        temporary.remove_own()
        assert not path.exists()
        raise ZeroDivisionError
    assert path not in temporary._own
