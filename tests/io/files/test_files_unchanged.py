"""A file that is read and then replaced."""

from __future__ import annotations

import os

import pytest

from lplrcli.errors import OutputError
from lplrcli.io.files.unchanged import Unchanged


def test_what_nobody_touched(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    for name in (path, "-", tmp_path / "none", "a\0b"):
        Unchanged(str(name)).check()


@pytest.mark.parametrize("how", ["written", "replaced", "removed", "created"])
def test_what_somebody_changed(tmp_path, how):
    path, other = tmp_path / "a", tmp_path / "b"
    if how != "created":
        path.write_bytes(b"old")
        os.utime(path, ns=(0, 0))
    unchanged = Unchanged(str(path))
    if how == "removed":
        path.unlink()
    elif how == "replaced":
        other.write_bytes(b"old")
        other.replace(path)
    else:
        path.write_bytes(b"new")
    with pytest.raises(OutputError, match="changed by another program"):
        unchanged.check()
