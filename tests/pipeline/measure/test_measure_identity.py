"""Kept entries held against an original: bit for bit, so that NaN are no hindrance."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from lplr_command import lplr

import lplrcli

ARRAY = np.random.default_rng(0).normal(size=(30, 20))
HOLES = np.where(ARRAY > 1, np.nan, ARRAY)


@pytest.fixture(params=["plain", "nan", "sparse"])
def saved(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if request.param == "sparse":
        sp.save_npz("a.npz", sp.random(90, 40, 0.1, random_state=0, format="csr"))
        name = "a.npz"
    else:
        np.save("a.npy", ARRAY if request.param == "plain" else HOLES)
        name = "a.npy"
    assert lplr("compress", name, "-e", "0", "-o", "a.lplr").code == 0
    return name


def test_an_original_is_recognised(saved):
    result = lplr("verify", "a.lplr", "--against", saved)
    assert result.code == 0, result.err
    shown = lplr("inspect", "a.lplr", "--against", saved)
    assert shown.code == 0 and "as they are" in shown.text


def test_another_original_is_not(saved):
    if saved.endswith(".npy"):
        array = np.nan_to_num(np.load(saved))
        array[3, 4] += 1
        np.save("b.npy", array)
    else:
        sp.save_npz("b.npz", sp.random(90, 40, 0.1, random_state=1, format="csr"))
    result = lplr("verify", "a.lplr", "--against", saved.replace("a.", "b."))
    assert result.code != 0


def test_lost_chunks_leave_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lplrcli.pipeline.encode.kept_chunks.CHUNK_BYTES", 1600)
    lplrcli.compress(HOLES, rel_error=0).save("a.lplr")
    raw = bytearray((tmp_path / "a.lplr").read_bytes())
    at = raw.index(b"KEPT") + 60
    raw[at] ^= 0xFF
    (tmp_path / "a.lplr").write_bytes(raw)
    assert lplr("verify", "a.lplr").code == 3
    assert lplr("recover", "a.lplr", "-o", "b.npy").code in (0, 3)
    found = np.load("b.npy")
    assert np.isnan(found[:10]).all()
    assert np.array_equal(found[10:], HOLES[10:], equal_nan=True)
