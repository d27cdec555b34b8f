"""What the commands read: other formats, raw numbers, several files as one."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.numpy
import scipy.sparse as sp
import zarr
from lplr_command import lplr

import lplrcli
from lplrcli.cli.inputs import Inputs
from lplrcli.errors import PlanError

PLAN = ("-r", 6, "-b", 4, "-q")


def done(*arguments, **options):
    result = lplr(*arguments, **options)
    assert result.code == 0, result.err
    return result


def described(path):
    (document,) = json.loads(done("inspect", "--json", path).text)["files"]
    (matrix,) = document["matrices"]
    return matrix


@pytest.fixture
def doors(work):
    """The matrix of ``a.npy`` in every format that is only read."""
    a = np.load("a.npy")
    np.savez("a.npz", u=a, t=a[0])
    zarr.create_array("a.zarr", data=a, chunks=(50, 80))
    safetensors.numpy.save_file({"u": a, "t": a[0]}, "a.safetensors")
    a.astype(">f4").tofile("a.bin")
    return work


RAW = ("--shape", "120x80", "--dtype", ">f4")
DOORS = {
    "a.npz": ("npz", ()),
    "a.zarr": ("zarr", ()),
    "a.safetensors": ("safetensors", ()),
    "a.bin": ("raw", RAW),
}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_leads_to_the_same_matrix(doors, name):
    key, options = DOORS[name]
    done("compress", "a.npy", *PLAN, "-fo", "b.lplr")
    done("compress", name, *options, *PLAN, "-f")
    matrix = described("a.lplr")
    assert (matrix["name"], matrix["source"]["format"]) == (name, key)
    done("decompress", "b.lplr", "-qo", "b.npy")
    done("decompress", "a.lplr", "-qf")  # what is only read comes back as .npy
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors"])
def test_a_name_chooses(doors, refuses, name):
    done("compress", name, "--dataset", "u", *PLAN, "-fo", "b.lplr")
    assert described("b.lplr")["name"] == f"{name}:u"
    refuses("compress", name, "--dataset", "w", *PLAN, "-o", "c.lplr",
            says=[name, "'w' does not exist", "u (120x80 float32)"])  # fmt: skip
    refuses("compress", "a.npy", "--dataset", "u", *PLAN, "-o", "c.lplr",
            says=["without a name", "NumPy .npz", "HDF5", "Zarr", "safetensors"])  # fmt: skip


def test_a_sparse_archive(work):
    sp.save_npz("s.npz", sp.coo_array(np.eye(30)))
    done("compress", "s.npz", "-r", 30, "-b", 2, "-q")
    assert described("s.lplr")["source"]["format"] == "npz"


def test_a_folder_with_a_slash(doors):
    done("compress", "a.zarr/", *PLAN, "-f")
    assert described("a.lplr")["name"] == "a.zarr"


def test_standard_input_is_raw_too(doors):
    done("compress", "-", *RAW, *PLAN, "-o", "b.lplr", stdin=(doors / "a.bin").read_bytes())
    assert described("b.lplr")["source"]["format"] == "raw"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--shape", "120x80"), ["both --shape and --dtype"]),
        (("--dtype", "f4"), ["both --shape and --dtype"]),
        (("--order", "F"), ["both --shape and --dtype"]),
        (("--shape", "120,80", "--dtype", "f4"), ["'120,80'", "16x24"]),
        (("--shape", "9600", "--dtype", "f4"), ["1-dimensional"]),
        (("--shape", "120x80", "--dtype", "f5"), ["no such type", "'f5'", "float32"]),
        (("--shape", "120x80", "--dtype", "c8"), ["the type given", "complex64"]),
        (("--shape", "120x80", "--dtype", "f4", "--order", "A"), ["'A'"]),
    ],
)
def test_wrong_usage_of_raw_numbers(doors, refuses, options, words):
    for command in ("compress", "plan", "compare"):
        rest = PLAN if command == "compress" else ()
        refuses(command, "a.bin", *options, *rest, code=2, says=words)
    refuses("inspect", "a.lplr", "--against", "a.bin", *options, code=2, says=words)


def test_a_raw_file_of_another_size(doors, refuses):
    refuses("compress", "a.bin", "--shape", "120x81", "--dtype", "f4", *PLAN, "-o", "b",
            says=["a.bin", "found 38400 bytes", "expected 38880"])  # fmt: skip
    refuses("compress", "a.bin", *PLAN, "-o", "b", says=["--shape and --dtype"])


# -- several files


@pytest.fixture
def parts(doors):
    a = np.load("a.npy")
    np.save("p-0.npy", a[:33])
    np.savez_compressed("p-1.npz", a[33:34])
    np.save("p-2.npy", a[34:])
    return ("p-0.npy", "p-1.npz", "p-2.npy")


@pytest.mark.parametrize("options", [{"bits": 4}, {"method": "lplr", "sketch": "srht"}])
def test_several_give_the_bytes_of_the_one_matrix(work, options):
    a = np.load("a.npy")
    paths = ["p-0.npy", "p-1.npy", "p-2.npy"]
    for path, part in zip(paths, np.split(a, [33, 34]), strict=True):
        np.save(path, part)
    for given, path in (("a.npy", "one.lplr"), (paths, "all.lplr")):
        lplrcli.compress(given, rank=6, **options).save(path)
    assert (work / "one.lplr").read_bytes() == (work / "all.lplr").read_bytes()


def test_what_is_stored_of_several(parts):
    done("compress", *parts, *PLAN, "-o", "all.lplr")
    matrix = described("all.lplr")
    assert matrix["shape"] == [120, 80]
    assert matrix["name"] == "p-0.npy ... p-2.npy"
    assert matrix["source"]["format"] == "mixed"
    done("decompress", "all.lplr", "-q")
    assert np.load("all.npy").shape == (120, 80)


def test_several_originals(parts):
    done("compress", *parts, *PLAN, "-o", "all.lplr")
    against = [word for part in parts for word in ("--against", part)]
    (document,) = json.loads(done("inspect", "--json", "all.lplr", *against).text)["files"]
    (matrix,) = document["matrices"]
    assert matrix["measured"]["against"] == "p-0.npy ... p-2.npy"
    found = matrix["measured"]["relative_frobenius_error"]
    assert found == pytest.approx(matrix["relative_frobenius_error"], rel=1e-6)
    (document,) = json.loads(
        done("inspect", "--json", "all.lplr", "--against", "a.bin", *RAW).text
    )["files"]
    assert document["matrices"][0]["measured"]["relative_frobenius_error"] == found


def test_several_are_planned_as_one(work):
    for name in ("q-0.npy", "q-1.npy"):
        np.save(name, np.arange(60.0).reshape(10, 6))
    document = json.loads(done("plan", "q-0.npy", "q-1.npy", "--json").text)
    assert document["input"] == "q-0.npy ... q-1.npy"
    assert document["shape"] == [20, 6]


def test_wrong_usage_of_several(parts, refuses):
    refuses("compress", *parts, *PLAN, code=2, says=["-o", "joined"])
    refuses("compress", "-", "a.npy", "-", *PLAN, "-o", "b", code=2, says=["standard input"])
    refuses("compress", *parts, *PLAN, "-fo", "p-1.npz", says=["never overwritten"])
    refuses("compress", "a.npy", "i.npy", *PLAN, "-o", "b",
            says=["i.npy", "type differs from that of a.npy", "int8", "float32"])  # fmt: skip
    refuses("inspect", "a.lplr", *RAW, code=2, says=["--against"])


def test_the_same_in_python(parts):
    options = {"rank": 6, "bits": 4}
    expected = lplrcli.compress("a.npy", **options)[...]
    for given, more in (
        (list(parts), {}),
        (tuple(parts), {}),
        ("a.bin", {"shape": (120, 80), "dtype": ">f4"}),
        ("a.safetensors", {"dataset": "u"}),
    ):
        np.testing.assert_array_equal(lplrcli.compress(given, **more, **options)[...], expected)
    for given, more in (
        ("a.bin", {"shape": (120, 80)}),
        (np.eye(3), {"shape": (3, 3), "dtype": "d"}),
    ):
        with pytest.raises(PlanError, match="both together"):
            lplrcli.compress(given, **more, **options)


@pytest.mark.parametrize(
    ("paths", "name", "dataset"),
    [
        (("in/run.h5",), "run.h5:/u", "/u"),
        (("in/run.h5",), "run.h5", None),
        (("run_12:30.h5",), "run_12:30.h5:/a:b", "/a:b"),
        (("renamed.h5",), "run_12:30.h5:/u", "/u"),
        (("a.h5", "b.h5"), "a.h5 ... b.h5:/u", "/u"),
        (("run_12:30.h5",), "run_12:30.h5", None),
        (("run.h5",), None, None),
    ],
)
def test_the_dataset_in_a_stored_name(paths, name, dataset):
    assert Inputs(paths, None, None).dataset_in(name) == dataset
