"""``lplr inspect``: table, JSON, the measured error."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest
from lplr_command import lplr, on_terminal

from lplrcli.container.reader import open_container
from lplrcli.container.writer import write_container

FILE_KEYS = {"path", "file_bytes", "format_version", "matrices"}
MATRIX_KEYS = {
    "name", "shape", "matrix_shape", "unfold", "dtype", "mode", "method", "rank",
    "bits_per_factor_entry", "bytes",
    "section_bytes", "bits_per_coordinate", "compression_ratio", "relative_frobenius_error",
    "max_abs_error", "exact", "source_norm", "passes", "bound", "plan", "factors", "source", "tool",
}  # fmt: skip
MEASURED_KEYS = {
    "against", "relative_frobenius_error", "max_abs_error", "exact", "source_norm",
}  # fmt: skip
FILE_HEADER_BYTES = 32


def inspect(*arguments, stdin=b""):
    result = lplr("inspect", *arguments, stdin=stdin)
    assert result.code == 0, result.err
    assert result.err == ""
    return result


def documents(*arguments, stdin=b""):
    found = json.loads(inspect("--json", *arguments, stdin=stdin).text)
    assert set(found) == {"files"}
    for document in found["files"]:
        assert set(document) >= FILE_KEYS
        for matrix in document["matrices"]:
            assert set(matrix) - {"measured"} >= MATRIX_KEYS
    return found["files"]


def table(text):
    """Label to text of the listing of one file."""
    return dict(line.split("  ", 1) for line in text.splitlines())


def test_one_file(work):
    shown = {label: text.strip() for label, text in table(inspect("a.lplr").text).items()}
    size = (work / "a.lplr").stat().st_size
    assert shown["file"].startswith("a.lplr")
    assert shown["shape"] == "120 x 80 float32"
    assert shown["method"].startswith("packed")
    assert 1 <= int(shown["rank"]) <= 12
    assert 0 < float(shown["bits per factor entry"]) <= 7
    assert shown["size"].startswith(f"{size} bytes")
    assert float(shown["bits per coordinate"]) == pytest.approx(8 * size / 9600, rel=1e-3)
    assert float(shown["compression ratio"]) == pytest.approx(38400 / size, rel=1e-3)
    assert 0 < float(shown["relative error, stored"]) < 0.1
    for tag in ("META", "COMP", "LEFT", "RGHT"):
        assert shown[f"section {tag}"].endswith(" bytes")


def test_verbose_shows_the_plan(work):
    text = inspect("a.lplr", "-v").text
    for word in ("basis", "seed", "passes"):
        assert word in text
    assert "None" not in text  # a Python word, which says nothing to a user


def test_json(work):
    (document,) = documents("a.lplr")
    assert document["path"] == "a.lplr"
    assert document["file_bytes"] == (work / "a.lplr").stat().st_size
    (matrix,) = document["matrices"]
    assert (matrix["name"], matrix["shape"], matrix["dtype"]) == ("a.npy", [120, 80], "float32")
    assert matrix["plan"]["target"]["bits"] == 6
    assert set(matrix["factors"]) == {"left", "right"}
    assert matrix["source"]["format"] == "npy"
    assert matrix["bits_per_coordinate"] == 8 * document["file_bytes"] / 9600


def test_sizes_by_section_add_up(work):
    (document,) = documents("a.lplr")
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as container:
        of_the_file = container.section_bytes(None)
    own = document["matrices"][0]["section_bytes"]
    assert min(own.values()) > 0
    assert not set(own) & set(of_the_file)
    total = sum(own.values()) + sum(of_the_file.values()) + FILE_HEADER_BYTES
    assert total == document["file_bytes"]


def test_the_listing_accounts_for_every_byte(work):
    shown = table(inspect("a.lplr").text)
    parts = [text for label, text in shown.items() if label.startswith(("section", "file header"))]
    total = sum(int(text.split()[0]) for text in parts)
    assert total == (work / "a.lplr").stat().st_size


def test_standard_input(work):
    (document,) = documents("-", stdin=(work / "a.lplr").read_bytes())
    (expected,) = documents("a.lplr")
    assert document["matrices"] == expected["matrices"]


@pytest.mark.parametrize("original", ["a.npy", "-", "a.h5"])
def test_against_the_original(work, original):
    with h5py.File("a.h5", "w") as file:
        file["u"] = np.load("a.npy")
        file["v"] = np.zeros((2, 2))
    options = ("--dataset", "/u") if original == "a.h5" else ()
    stdin = (work / "a.npy").read_bytes() if original == "-" else b""
    (document,) = documents("a.lplr", "--against", original, *options, stdin=stdin)
    (matrix,) = document["matrices"]
    measured = matrix["measured"]
    assert set(measured) >= MEASURED_KEYS
    for key in ("relative_frobenius_error", "max_abs_error", "source_norm"):
        assert measured[key] == pytest.approx(matrix[key], rel=1e-9)
    assert measured["exact"] is True
    assert lplr("decompress", "a.lplr", "-qo", "b.npy").code == 0
    a, b = np.load("a.npy").astype(float), np.load("b.npy").astype(float)
    error = np.linalg.norm(a - b) / np.linalg.norm(a)
    assert measured["relative_frobenius_error"] == pytest.approx(error, rel=1e-6)
    assert measured["max_abs_error"] == pytest.approx(np.abs(a - b).max(), rel=1e-6)


def test_against_shows_both_errors(work):
    shown = {k: v.strip() for k, v in table(inspect("a.lplr", "--against", "a.npy").text).items()}
    assert shown["relative error, measured"] == shown["relative error, stored"]
    assert shown["largest error, measured"] == shown["largest error, stored"]


def test_against_another_matrix_measures_another_error(work):
    (document,) = documents("i.lplr", "--against", "a.npy")
    matrix = document["matrices"][0]
    assert matrix["measured"]["relative_frobenius_error"] > 1
    assert matrix["relative_frobenius_error"] < 0.2


def test_against_a_wrong_shape(work, refuses):
    np.save("w.npy", np.ones((80, 120)))
    says = ["w.npy", "80 x 120", "120 x 80"]
    refuses("inspect", "a.lplr", "--against", "w.npy", says=says)
    refuses("inspect", "a.lplr", "--against", "none.npy", says=["none.npy"])


def test_against_something_not_finite(work, refuses):
    bad = np.load("a.npy")
    bad[3, 4] = np.nan
    np.save("bad.npy", bad)
    refuses("inspect", "a.lplr", "--against", "bad.npy", says=["bad.npy", "row 3, column 4"])


def test_several_files_make_a_table(work):
    shutil.copy("a.lplr", "a file with a rather long name, which is not cut.lplr")
    names = ["a.lplr", "i.lplr", "a file with a rather long name, which is not cut.lplr"]
    lines = inspect(*names).text.splitlines()
    assert len(lines) == 1 + len(names)
    for word in ("file", "shape", "method", "rank", "bytes", "ratio", "error"):
        assert word in lines[0]
    for line, name in zip(lines[1:], names, strict=True):
        assert line.startswith(name)
        assert "120 x 80" in line
        assert str((work / name).stat().st_size) in line
    assert len(documents(*names)) == 3


def test_the_table_on_a_terminal_keeps_names_whole(work):
    _, shown = on_terminal("inspect", "a.lplr", "i.lplr", terminal=("stdout",), cwd=work)
    assert "a.lplr" in shown, shown
    assert "i.lplr" in shown


def test_a_file_of_several_matrices(work):
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as one:
        factorization = one.factorization()
        with (work / "two.lplr").open("wb") as out:
            write_container(out, [factorization, factorization], names=["u", "v"])
    lines = inspect("two.lplr").text.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["two.lplr[0]", "two.lplr[1]"]
    (document,) = documents("two.lplr")
    assert [matrix["name"] for matrix in document["matrices"]] == ["u", "v"]
    result = lplr("decompress", "two.lplr", "-o", "b.npy")
    assert (result.code, "--matrix" in result.err, "two.lplr" in result.err) == (1, True, True)
    assert lplr("decompress", "two.lplr", "--matrix", 1, "-o", "b.npy").code == 0
    assert lplr("decompress", "two.lplr", "--matrix", 2, "-o", "c.npy").code in (1, 2)


def test_nothing_but_lplr_files(refuses):
    refuses("inspect", "a.npy", code=3, says=["a.npy", "not an .lplr file"])
    refuses("inspect", "none.lplr", says=["none.lplr", "No such file"])
    refuses("inspect", code=2, says=["FILE"])


def test_one_bad_file_among_good_ones_is_named_and_fails(work):
    result = lplr("inspect", "a.lplr", "a.npy", "i.lplr")
    assert result.code == 3
    assert "a.npy: " in result.err
    assert "Traceback" not in result.err


def test_options_that_need_each_other(refuses):
    refuses("inspect", "a.lplr", "--dataset", "/u", code=2, says=["--dataset", "--against"])
    refuses("inspect", "-", "--against", "-", code=2, says=["standard input"])
    refuses("inspect", "-", "-", code=2, says=["standard input"], stdin=b"x")
