"""``lplr decompress``: formats, types, ranges, names."""

from __future__ import annotations

import gzip
import json
import re
import shutil

import h5py
import ml_dtypes
import numpy as np
import pytest
import scipy.io
from lplr_command import lplr, on_terminal
from lplr_samples import Draft, factorization, written

KEYS = {
    "input", "output", "format", "shape", "dtype", "relative_frobenius_error", "max_abs_error",
    "exact", "bits_per_coordinate", "seconds",
}  # fmt: skip


def decompress(*arguments):
    result = lplr("decompress", *arguments)
    assert result.code == 0, result.err
    return result


@pytest.fixture
def full(work):
    decompress("a.lplr", "-qo", "full.npy")
    return np.load("full.npy")


def test_default_name_and_format(work):
    (work / "a.npy").unlink()
    result = decompress("a.lplr")
    assert np.load("a.npy").shape == (120, 80)
    assert result.out == b""
    assert re.fullmatch(
        r"a\.lplr -> a\.npy: 120 x 80 float32, stored error [\d.e-]+, [\d.]+ bits/coordinate, "
        r"[\d.]+ s, [\d.]+ .?B/s\n",
        result.err,
    ), result.err


@pytest.mark.parametrize(
    ("name", "to", "expected"),
    [
        ("x.lplr", "npy", "x.npy"),
        ("x.LPLR", "h5", "x.h5"),
        ("x", "mtx", "x.mtx"),
        ("x.lplr", "hdf5", "x.h5"),
        ("sub/x.lplr", "npy", "sub/x.npy"),
    ],
)
def test_names_by_format(work, name, to, expected):
    (work / "sub").mkdir()
    shutil.copy("a.lplr", name)
    decompress(name, "--to", to)
    assert (work / expected).is_file()


@pytest.mark.parametrize(
    ("options", "output", "kind"),
    [
        ((), "b.npy", "npy"),
        ((), "b.h5", "hdf5"),
        ((), "b.hdf5", "hdf5"),
        ((), "b.MTX", "mtx"),
        ((), "b.mtx.gz", "mtx"),
        (("--to", "h5"), "b", "hdf5"),
        (("--to", "mtx"), "b.dat", "mtx"),
        (("--to", "npy"), "b.h5", "npy"),
    ],
)
def test_format_by_suffix_or_option(work, full, options, output, kind):
    result = decompress("a.lplr", "-o", output, *options, "--json")
    assert json.loads(result.text)["format"] == kind
    start = (work / output).read_bytes()
    if start.startswith(b"\x1f\x8b"):
        start = gzip.decompress(start)
    signature = {"npy": b"\x93NUMPY", "hdf5": b"\x89HDF", "mtx": b"%%MatrixMarket matrix array"}
    assert start.startswith(signature[kind])
    if kind == "npy":
        back = np.load(output)
    elif kind == "hdf5":
        with h5py.File(output) as file:
            back = file["matrix"][:]
    else:
        (work / "plain.mtx").write_bytes(start)
        back = scipy.io.mmread("plain.mtx").astype(np.float32)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, full)


@pytest.mark.parametrize("to", ["npy", "h5", "mtx"])
def test_the_input_can_be_piped_and_so_can_the_output(work, full, to):
    piped = lplr("decompress", "-", "-o", "-", "--to", to, stdin=(work / "a.lplr").read_bytes())
    assert piped.code == 0, piped.err
    decompress("a.lplr", "-o", "b", "--to", to)
    assert piped.out == (work / "b").read_bytes()
    assert piped.err.startswith("- -> -: ")


def test_dataset_and_gzip(work, full):
    decompress("a.lplr", "-o", "b.h5", "--dataset", "/deep/er/u", "--gzip")
    with h5py.File("b.h5") as file:
        assert file["deep/er/u"].compression == "gzip"
        np.testing.assert_array_equal(file["deep/er/u"][:], full)


def test_gzip_of_matrix_market(work, full):
    decompress("a.lplr", "-o", "b.mtx", "--gzip")
    assert (work / "b.mtx").read_bytes().startswith(b"\x1f\x8b")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "b.npy", "--gzip"), [".npy"]),
        (("-o", "b.npy", "--dataset", "/u"), ["dataset"]),
        (("-o", "b.mtx", "--dataset", "/u"), ["dataset"]),
        (("-o", "b.h5", "--dataset", "/"), ["dataset", "/"]),
        (("-o", "b.h5", "--dataset", ""), ["dataset"]),
        (("-o", "b.npy", "--matrix", 1), ["a.lplr", "--matrix 1"]),
    ],
)
def test_options_that_make_no_sense(work, options, words):
    result = lplr("decompress", "a.lplr", *options)
    assert result.code in (1, 2), result
    assert {path.name for path in work.iterdir()} == {"a.npy", "a.lplr", "i.npy", "i.lplr"}
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


# -- types


def test_integers_come_back_rounded_and_clamped(work):
    decompress("i.lplr", "-o", "b.npy")
    decompress("i.lplr", "-o", "f.npy", "--dtype", "float32")
    back, values = np.load("b.npy"), np.load("f.npy")
    assert back.dtype == np.int8
    assert values.dtype == np.float32
    assert np.abs(values).max() > 127  # there is something to clamp
    np.testing.assert_array_equal(back, np.clip(np.rint(values), -128, 127).astype(np.int8))


@pytest.mark.parametrize("dtype", ["float16", "float64", "uint8", "int64", "uint64", "bool"])
def test_other_types(work, full, dtype):
    result = decompress("a.lplr", "-o", "b.npy", "--dtype", dtype, "--json")
    assert json.loads(result.text)["dtype"] == dtype
    back = np.load("b.npy")
    assert back.dtype == dtype
    if dtype == "bool":
        expected = full >= 0.5
    elif back.dtype.kind in "iu":
        limits = np.iinfo(back.dtype)
        expected = np.clip(np.rint(full), max(limits.min, -1000), min(limits.max, 1000))
    else:
        expected = full.astype(dtype)
    np.testing.assert_array_equal(back, expected)


def test_bfloat16(work, full):
    decompress("a.lplr", "-o", "b.npy", "--dtype", "bfloat16")
    back = np.load("b.npy").view(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(back, full.astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize("dtype", ["float16", "int64", "uint64", "int8", "float64"])
def test_values_beyond_the_type_are_clamped(work, dtype):
    a = np.outer(np.linspace(-1, 1, 40), np.ones(30)).astype(np.float32) * np.float32(1e25)
    np.save("big.npy", a)
    assert lplr("compress", "big.npy", "-r", 2, "-b", 12, "-q").code == 0
    result = decompress("big.lplr", "-o", "b.npy", "--dtype", dtype)
    assert len(result.err.splitlines()) == 1
    back = np.load("b.npy")
    if back.dtype.kind == "f":
        assert np.isfinite(back).all()
        limits = np.finfo(dtype)
    else:
        limits = np.iinfo(dtype)
    assert back[-1].min() == (limits.max if dtype != "float64" else back[-1].max())
    assert back[0].max() == (limits.min if dtype != "float64" else back[0].min())


# -- parts


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ("3:17", None),
        (None, "70:80"),
        ("-5:", ":-70"),
        (":", ":"),
        (":1", "79:"),
        ("-120:-119", "0:80"),
        ("119:120", "-1:"),
        ("0:120", "40:41"),
    ],
)
@pytest.mark.parametrize("to", ["npy", "h5"])
def test_a_part_equals_the_slice_of_the_whole(work, full, rows, columns, to):
    def part(text):
        return slice(*(int(end) if end else None for end in text.split(":"))) if text else slice(0)

    options = ("--rows", rows) if rows else ()
    options += ("--cols", columns) if columns else ()
    result = decompress("a.lplr", *options, "-o", f"b.{to}", "--json")
    expected = full[part(rows) if rows else slice(None), part(columns) if columns else slice(None)]
    assert json.loads(result.text)["shape"] == list(expected.shape)
    if to == "npy":
        back = np.load("b.npy")
    else:
        with h5py.File("b.h5") as file:
            back = file["matrix"][:]
    np.testing.assert_allclose(back, expected, rtol=1e-6, atol=1e-6)


def test_a_part_as_matrix_market(work, full):
    decompress("a.lplr", "--rows", "5:9", "--cols", "-3:", "-o", "b.mtx")
    np.testing.assert_allclose(scipy.io.mmread("b.mtx"), full[5:9, -3:], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("range_", ["5", "1:2:3", "a:b", "", "1.5:2", "1-2", "::"])
@pytest.mark.parametrize("option", ["--rows", "--cols"])
def test_what_is_not_a_range(refuses, option, range_):
    refuses("decompress", "a.lplr", option, range_, "-o", "b", code=2, says=[option, range_, "a:b"])


@pytest.mark.parametrize("range_", ["0:121", "120:", "5:5", "9:3", "-121:", ":-120", "999999999:"])
def test_a_range_outside_the_matrix(refuses, range_):
    refuses("decompress", "a.lplr", "--rows", range_, "-o", "b", says=["a.lplr", "rows", "0:120"])


def test_a_range_is_reported_as_it_was_written(refuses):
    refuses("decompress", "a.lplr", "--rows", "-500:5", "-o", "b", says=["-500:5"])


# -- what it says, what it keeps


def test_json(work):
    result = decompress("a.lplr", "-o", "b.npy", "--json", "-q")
    found = json.loads(result.text)
    assert result.err == ""
    assert set(found) == KEYS
    assert (found["input"], found["output"]) == ("a.lplr", "b.npy")
    assert (found["shape"], found["dtype"]) == ([120, 80], "float32")
    assert found["bits_per_coordinate"] == 8 * (work / "a.lplr").stat().st_size / 9600


def test_json_and_data_do_not_mix(refuses):
    refuses("decompress", "a.lplr", "--json", "-o", "-", code=2, says=["--json", "standard output"])


def test_quiet(work):
    result = decompress("a.lplr", "-qo", "b.npy")
    assert (result.out, result.err) == (b"", "")


def test_verbose(work):
    result = decompress("a.lplr", "-vo", "b.npy")
    assert result.out == b""
    assert len(result.err.splitlines()) > 1


def test_an_existing_file_is_kept_unless_forced(work, refuses):
    refuses("decompress", "a.lplr", says=["a.npy", "exists", "-f"])
    before = (work / "a.npy").read_bytes()
    decompress("a.lplr", "-f")
    assert (work / "a.npy").read_bytes() != before


def test_threads_change_no_byte(work):
    for threads in (1, 2):
        decompress("i.lplr", "-T", threads, "-o", f"{threads}.npy")
    assert (work / "1.npy").read_bytes() == (work / "2.npy").read_bytes()


def test_progress(work):
    result, shown = on_terminal("decompress", "a.lplr", "-fo", "b.npy", cwd=work)
    assert result.code == 0, shown
    assert "decompressing" in shown
    assert "a.lplr -> b.npy: " in shown
    shown = lplr("decompress", "a.lplr", "-fo", "b.npy", "--no-progress", terminal=True).err
    assert "\x1b" not in shown
    assert lplr("decompress", "a.lplr", "-fqo", "b.npy").err == ""
    assert "decompressing" in lplr("decompress", "a.lplr", "-fqo", "b", "--progress").err


def test_names_are_no_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    victim = tmp_path / "victim.npy"
    victim.write_bytes(b"kept")
    draft = Draft(written(factorization(), names=[str(victim)]))
    draft.edit_json(lambda document: document["source"].update(name=str(victim)))
    (tmp_path / "a.lplr").write_bytes(draft.build())
    assert lplr("decompress", "a.lplr").code == 0
    assert victim.read_bytes() == b"kept"
    assert {path.name for path in tmp_path.iterdir()} == {"victim.npy", "a.lplr", "a.npy"}


def test_no_byte_goes_out_before_the_memory_limit_is_kept(work):
    refused = lplr("decompress", "a.lplr", "--rows", "1:2", "-o", "-", "-M", "1M")
    assert (refused.code, refused.out) == (1, b"")
    assert "memory limit" in refused.err
