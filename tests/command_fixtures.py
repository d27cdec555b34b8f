"""Matrices and files for the command line to work on; made once, and never changed."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from lplr_command import lplr, refused, temporary_files


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A folder with ``a.npy`` (float32, 120 x 80), ``a.lplr``, ``i.npy`` (int8) and ``i.lplr``."""
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal((120, 20)), rng.standard_normal((20, 80))
    a = (left * np.exp(-np.arange(20) / 3)) @ right
    np.save(folder / "a.npy", a.astype(np.float32))
    np.save(folder / "i.npy", np.clip(np.rint(60 * a), -128, 127).astype(np.int8))
    for name in "ai":
        result = lplr("compress", folder / f"{name}.npy", "-r", 12, "-b", 6, "-q")
        assert result.code == 0, result.err
    return folder


@pytest.fixture
def work(shop, tmp_path, monkeypatch):
    """An own copy of the shop, as the working folder; no temporary file may stay in it."""
    folder = tmp_path / "work"
    shutil.copytree(shop, folder)
    monkeypatch.chdir(folder)
    yield folder
    assert not temporary_files(folder)


@pytest.fixture
def refuses(work):
    """Run a command that must be refused, and see that it leaves the folder as it was."""

    def check(*arguments, code=1, says=(), stdin=b""):
        before = {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()}
        result = lplr(*arguments, stdin=stdin)
        refused(result, code, *says)
        after = {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()}
        assert after == before
        return result

    return check


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """A folder with ``b.npy`` (float32, 10000 x 1000) and ``b.lplr``: seconds of work."""
    folder = tmp_path_factory.mktemp("large")
    b = np.random.default_rng(2).standard_normal((10_000, 1000), dtype=np.float32)
    np.save(folder / "b.npy", b)
    result = lplr("compress", folder / "b.npy", "-r", 16, "-b", 2, "-q")
    assert result.code == 0, result.err
    return folder
