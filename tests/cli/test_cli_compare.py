"""``lplr compare``: every method at equal file sizes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from lplr_command import lplr, refused, run, shell

from lplrcli.pipeline import compare

METHODS = ["lplr", "lsvd", "dsvd", "nq", "packed", "rate-distortion"]
KEYS = {
    "input", "shape", "matrix_shape", "dtype", "bits_per_coordinate", "methods", "notes", "seconds",
}  # fmt: skip
FILE_KEYS = {
    "file_bytes", "bits_per_coordinate", "relative_frobenius_error", "mode", "rank", "bits",
    "bits_right",
}  # fmt: skip


def compared(*options):
    result = lplr("compare", *options, "--json")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.text)
    assert set(found) == KEYS
    return found


def test_every_method_stays_within_the_size(work):
    found = compared("a.npy", "--bpc", 5, "--bpc", 2.5)
    assert found["bits_per_coordinate"] == [2.5, 5]
    assert list(found["methods"]) == METHODS
    for method, row in found["methods"].items():
        assert len(row) == 2
        for bpc, file in zip(found["bits_per_coordinate"], row, strict=True):
            assert set(file) == FILE_KEYS, method
            assert file["bits_per_coordinate"] == 8 * file["file_bytes"] / 9600 <= bpc
            assert 0 < file["relative_frobenius_error"] < 10
    *papers, _, engine = found["methods"].values()
    for row in papers:
        for mine, other in zip(engine, row, strict=True):
            assert mine["relative_frobenius_error"] < other["relative_frobenius_error"]


@pytest.mark.parametrize("method", METHODS)
def test_a_file_is_the_one_that_compress_writes(work, method):
    ((file,),) = compared("a.npy", "--bpc", 3, "--method", method)["methods"].values()
    options = {
        "rate-distortion": ("--bpc", 3),
        "nq": ("--method", "nq", "-b", file["bits"]),
    }.get(method, ("--method", method, "-r", file["rank"], "-b", file["bits"]))
    if file["bits_right"] is not None:
        options += ("--bits-right", file["bits_right"])
    result = lplr("compress", "a.npy", *options, "-qfo", "b.lplr", "--json")
    assert result.code == 0, result.err
    written = json.loads(result.text)
    assert file["file_bytes"] == (work / "b.lplr").stat().st_size
    for key in ("relative_frobenius_error", "mode"):
        assert file[key] == written[key]
    assert file["rank"] == (written["plan"]["target"]["rank"] or written["rank"])


def test_a_larger_rank_would_not_fit(work):
    ((file,),) = compared("a.npy", "--bpc", 3, "--method", "lplr")["methods"].values()
    options = ("-b", file["bits"], "--bits-right", file["bits_right"], "-r", file["rank"] + 1)
    assert lplr("compress", "a.npy", "--method", "lplr", *options, "-qo", "b.lplr").code == 0
    assert (work / "b.lplr").stat().st_size > 3 * 9600 / 8


def test_the_tables(work):
    result = lplr("compare", "a.npy", "--bpc", 1, "--bpc", 4)
    assert (result.code, result.err) == (0, "")
    lines = result.text.splitlines()
    assert lines[0].startswith("a.npy: 120 x 80 float32")
    assert lines[1].split() == ["bits/coord.", "1", "4"]
    assert [line.split()[0] for line in lines[2:8]] == METHODS
    assert lines[5].split() == ["nq", "-", lines[5].split()[2]]  # a bit an entry does not fit
    assert "settings" in lines[10]
    for words in ("rank ", "/8 bits", "factors"):
        assert words in result.text
    assert "None" not in result.text
    assert max(map(len, lines)) <= 110


def test_sizes_that_nothing_fits(work):
    found = compared("a.npy", "--bpc", 0.1)
    assert all(row == [None] for row in found["methods"].values())
    assert lplr("compare", "a.npy", "--bpc", 0.1).code == 0


def test_too_large_for_a_full_decomposition(work, monkeypatch):
    monkeypatch.setattr(compare, "_SVD_PRODUCTS", 1000)
    found = compared("a.npy", "--bpc", 3)
    assert set(found["notes"]) == {"lsvd", "dsvd"}
    assert list(found["methods"]) == ["lplr", "nq", "packed", "rate-distortion"]
    text = lplr("compare", "a.npy", "--bpc", 3).text
    assert "lsvd: skipped: the matrix is too large" in text


@pytest.mark.parametrize(
    "matrix", [np.zeros((30, 20)), np.ones((1, 1)), np.eye(9, 12)], ids=["zeros", "1x1", "eye"]
)
def test_ordinary_but_small(work, matrix):
    np.save("s.npy", matrix)
    found = compared("s.npy", "--bpc", 60)
    assert list(found["methods"]) == METHODS
    assert lplr("compare", "s.npy", "--bpc", 60).code == 0


def test_standard_input(work):
    result = shell("lplr compare - --bpc 3 --method packed --json < a.npy", work)
    assert (result.code, result.err) == (0, "")
    piped = json.loads(result.text)["methods"]["packed"]
    assert piped[0]["file_bytes"] <= 3 * 9600 / 8


def test_nothing_but_the_plot_is_written(work):
    before = {path.name for path in work.iterdir()}
    options = ("--bpc", 3, "--bpc", 6, "--method", "packed", "--method", "lplr")
    assert lplr("compare", "a.npy", *options, "--plot", "p.svg").code == 0
    assert {path.name for path in work.iterdir()} - before == {"p.svg"}
    text = (work / "p.svg").read_text()
    assert "packed" in text
    assert "lplr" in text
    assert "dsvd" not in text


def test_an_existing_plot_is_kept(work, refuses):
    (work / "p.svg").write_bytes(b"old")
    refuses("compare", "a.npy", "--plot", "p.svg", says=["p.svg", "exists", "-f"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bpc", 0), ["--bpc"]),
        (("--bpc", "x"), ["--bpc", "x"]),
        (("--bpc", "nan"), ["--bpc"]),
        (("--method", "svd"), ["--method", "lsvd"]),
        (("--plot", "p.pdf"), ["--plot", ".png"]),
        (("-r", 3), ["-r"]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_wrong_usage(refuses, options, words):
    refuses("compare", "a.npy", *options, code=2, says=["lplr compare --help", *words])


def test_wrong_input(work, refuses):
    bad = np.load("a.npy")
    bad[3, 4] = np.nan
    np.save("bad.npy", bad)
    refuses("compare", "bad.npy", says=["bad.npy", "row 3, column 4"])
    refuses("compare", "none.npy", says=["none.npy", "No such file"])
    refuses("compare", "bad.npy", "--plot", "p.svg", says=["bad.npy"])
    refused(run("compare", "-", cwd=work), 1, "<stdin>", "nothing to read")
