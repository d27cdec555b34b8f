"""``--against`` a file with several arrays: the compressed file knows from which it was made."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from lplr_command import lplr, refused


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """``run.h5`` and ``run.npz`` with u, v and labels; u.lplr of u in each."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    arrays = {
        "labels": rng.integers(0, 9, (90, 30)),
        "u": rng.standard_normal((60, 20)).astype("f4"),
        "v": rng.standard_normal((60, 20)).astype("f4"),
    }
    np.savez("run.npz", **arrays)
    with h5py.File("run.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    np.save("u.npy", arrays["u"])
    return tmp_path


@pytest.fixture(params=[("run.h5", "/u"), ("run.npz", "u")], ids=["hdf5", "npz"])
def made(request, folder):
    """The original, the name of its dataset, and the file made of it."""
    original, dataset = request.param
    result = lplr("compress", original, "--dataset", dataset, "--bpc", "8", "-qo", "u.lplr")
    assert result.code == 0, result.err
    return original, dataset


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_the_dataset_need_not_be_said_again(command, made):
    original, dataset = made
    with_it = lplr(command, "u.lplr", "--against", original, "--dataset", dataset, "--json")
    without = lplr(command, "u.lplr", "--against", original, "--json")
    assert (without.code, without.err) == (with_it.code, with_it.err)
    assert without.code == 0
    assert without.text == with_it.text


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_another_copy_may_be_a_file_of_one_array_or_have_another_name(command, made, folder):
    original, dataset = made
    assert lplr(command, "u.lplr", "--against", "u.npy").code == 0
    renamed = folder / f"renamed-{original}"
    (folder / original).rename(renamed)
    assert lplr(command, "u.lplr", "--against", renamed).code == 0
    # What is said is what is done.
    other = lplr(command, "u.lplr", "--against", renamed, "--dataset", dataset.replace("u", "v"))
    assert other.code == (0 if command == "inspect" else 3)
    assert "1.4" in other.text if command == "inspect" else "error" in other.err


def test_a_file_that_lacks_it_is_refused_as_before(made, folder):
    np.savez("others.npz", v=np.eye(3), w=np.eye(3))
    refused(lplr("inspect", "u.lplr", "--against", "others.npz"), 1, "holds 2 arrays", "--dataset")
