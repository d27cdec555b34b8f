"""Names of files that are open already: told from all others, behind links too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lplrcli.io.files.descriptors import descriptor_of, is_closed

pytestmark = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("/dev/stdin", 0),
        ("/dev/stdout", 1),
        ("/dev/stderr", 2),
        ("/dev//./stdout", 1),
        ("/dev/fd/1", 1),
        ("/proc/self/fd/2", 2),
        ("/proc/PID/fd/0", 0),
        ("/proc/1234567/fd/0", None),
        ("/dev/fd/987654", None),
        ("/dev/null", None),
        ("-", None),
        ("", None),
        ("a\0b", None),
        ("stdout", None),
    ],
)
def test_names(name, number):
    name = name.replace("PID", str(os.getpid()))
    if name.startswith("/proc/") and not Path("/proc/self/fd").exists():
        pytest.skip("no /proc")
    assert descriptor_of(name) == number


def test_links(tmp_path):
    (tmp_path / "out").symlink_to("/dev/stdout")
    (tmp_path / "further").symlink_to("out")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "named").symlink_to("file")
    assert descriptor_of(str(tmp_path / "further")) == 1
    for name in ("round", "file", "named", "nothing"):
        assert descriptor_of(str(tmp_path / name)) is None


def test_a_standard_stream_that_was_closed(monkeypatch):
    monkeypatch.setattr(sys, "__stderr__", None)
    assert is_closed(2)
    assert not is_closed(3)
    monkeypatch.setattr(sys, "__stdout__", sys.stdout)
    assert not is_closed(1)
