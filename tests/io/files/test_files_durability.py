"""Written files that survive a loss of power: folders are synced where that is possible."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from lplrcli.errors import OutputError
from lplrcli.io.files import durability


def test_a_file_is_written_back_while_it_grows(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        with durability.written_back(file.fileno()):
            file.write(bytes(1 << 20))
            names = [thread.name for thread in threading.enumerate()]
        if hasattr(os, "posix_fadvise"):  # as on Linux, where this is done by a thread
            assert "lplr-write-back" in names
        assert "lplr-write-back" not in [thread.name for thread in threading.enumerate()]
    assert (tmp_path / "a").read_bytes() == bytes(1 << 20)


def test_a_folder_is_synced(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_ino))
    durability.sync_folder(tmp_path, "a")
    assert synced == [tmp_path.stat().st_ino]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.EROFS])
def test_a_file_system_that_cannot_is_no_error(tmp_path, number, monkeypatch):
    def failing(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    durability.sync_folder(tmp_path, "a")


def test_a_disk_that_fails_is_an_error(tmp_path, monkeypatch):
    def failing(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OutputError, match="cannot be synced: Input/output error") as caught:
        durability.sync_folder(tmp_path, "b.npy")
    assert caught.value.path == "b.npy"
