"""Files that can be read as often as needed, from files, pipes and standard input."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading

import numpy as np
import pytest
from foreign_samples import A, bytes_of, whole

from lplrcli.errors import InputError
from lplrcli.io import (
    FORMATS,
    open_source,
)
from lplrcli.io.files.seekable import close_stream, open_stream, spooled


@pytest.fixture
def piped(monkeypatch, tmp_path):
    """Standard input is a pipe, which a thread fills; temporary files lie in `tmp_path`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = []

    def feed(content):
        read, write = os.pipe()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(open(read, "rb")))  # noqa: PTH123, SIM115

        def fill():
            with open(write, "wb") as stream:  # noqa: PTH123
                stream.write(content)

        threads.append(threading.Thread(target=fill))
        threads[0].start()

    yield feed
    threads[0].join()
    sys.stdin.close()


@pytest.mark.parametrize("key", FORMATS)
def test_standard_input_can_be_read_twice(tmp_path, key, piped):
    piped(bytes_of(key))
    with open_source("-") as source:
        assert (source.format, source.shape, source.name) == (key, (30, 7), "<stdin>")
        totals = [sum(source.map_blocks(lambda b: float(b.values.sum()))) for _ in range(2)]
        assert list(tmp_path.iterdir()) == []  # what it is copied to has no name
    assert totals[0] == totals[1] == pytest.approx(A.sum())


def test_standard_input_empty_and_terminal(monkeypatch):
    class Stdin:
        closed = False
        buffer = io.BytesIO()

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stdin", Stdin())
    with pytest.raises(InputError, match="nothing to read"):
        open_source("-")
    monkeypatch.setattr(Stdin, "isatty", lambda self: True)
    with pytest.raises(InputError, match="terminal"):
        open_source("-")


def test_a_fifo_is_spooled(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    feeder = threading.Thread(target=fifo.write_bytes, args=(bytes_of("npy"),))
    feeder.start()
    np.testing.assert_array_equal(whole(open_source(str(fifo))), A)
    feeder.join()


def test_paths_that_cannot_be_opened(tmp_path):
    for path, text in [
        (str(tmp_path / "none.npy"), "No such file"),
        (str(tmp_path), "is a directory"),
        ("/dev/null", "not a regular file"),
        ("", "name is empty"),
        ("a\0b", "null"),
        (str(tmp_path / ("x" * 300)), "too long"),
    ]:
        with pytest.raises(InputError, match=text):
            open_source(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b"")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        open_source(str(path))


def test_a_copy_begins_with_what_was_read_already(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with spooled(io.BytesIO(b"rest"), "a", start=b"start, ") as copy:
        assert copy.read() == b"start, rest"
        assert copy.seekable()
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="nothing to read"):
        spooled(io.BytesIO(), "a")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(InputError, match="No such file"):
        spooled(io.BytesIO(b"x"), "a")


def test_a_stream_that_fails_is_named_and_its_copy_closed():
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match=r"a\.npy: cannot be read: Input/output error"):
        spooled(Failing(), "a.npy")


def test_standard_input_is_not_closed_and_others_are(tmp_path, piped):
    piped(b"content")
    file, name, again = open_stream("-")
    close_stream(file)
    assert (name, again, file.closed) == ("<stdin>", False, False)
    (tmp_path / "a").write_bytes(b"x")
    file, name, again = open_stream(str(tmp_path / "a"))
    close_stream(file)
    assert (again, file.closed) == (True, True)
