"""Arrays of three to five dimensions on the command line: unfolded, restored, sliced."""

from __future__ import annotations

import io
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from lplr_command import lplr, refused, shell

PLAN = ("-r", 6, "-b", 6)


def done(*arguments, stdin=b""):
    result = lplr(*arguments, stdin=stdin)
    assert result.code == 0, result.err
    return result


@pytest.fixture
def series(work):
    """``u.npy``, ``f.npy`` (Fortran order) and ``u.h5``: float32, 20 x 12 x 10; ``u.lplr``."""
    t, y, x = np.meshgrid(*(np.linspace(0, 1, n) for n in (20, 12, 10)), indexing="ij")
    u = (np.sin(7 * t + 3 * y) * np.cos(4 * x) + t * y * x).astype(np.float32)
    np.save("u.npy", u)
    np.save("f.npy", np.asfortranarray(u))
    with h5py.File("u.h5", "w") as file:
        file.create_dataset("flow/u", data=u, chunks=(7, 5, 4))
    done("compress", "u.npy", *PLAN, "-q")
    return u


@pytest.fixture
def whole(series):
    done("decompress", "u.lplr", "-qo", "whole.npy")
    return np.load("whole.npy")


# -- compress


@pytest.mark.parametrize(
    ("options", "matrix"),
    [((), "20 x 120"), (("--unfold", 1), "20 x 120"), (("--unfold", 2), "240 x 10")],
)
@pytest.mark.parametrize("name", ["u.npy", "f.npy", "u.h5"])
def test_the_summary_says_how_it_was_unfolded(series, name, options, matrix):
    result = done("compress", name, *PLAN, *options, "-fo", "b.lplr")
    assert f"b.lplr: 20 x 12 x 10 as {matrix} float32, rank " in result.err
    done("decompress", "b.lplr", "-qo", "b.npy")
    b = np.load("b.npy")
    assert b.shape == series.shape
    assert np.linalg.norm(b - series) < 0.05 * np.linalg.norm(series)


def test_a_matrix_is_told_as_before(work):
    assert ": 120 x 80 float32, rank" in done("compress", "a.npy", *PLAN, "-o", "b.lplr").err


def test_json(series):
    found = json.loads(done("compress", "u.npy", *PLAN, "-qfo", "b.lplr", "--json").text)
    assert (found["shape"], found["matrix_shape"], found["unfold"]) == ([20, 12, 10], [20, 120], 1)
    assert found["bits_per_coordinate"] == 8 * found["file_bytes"] / 2400


@pytest.mark.parametrize(
    "command", [("compress", "--bpc", 8, "--dry-run"), ("plan",), ("compare", "--method", "packed")]
)
def test_predictions_are_of_the_unfolded_array(series, command):
    name, *options = command
    text = done(name, "u.npy", *options, "--unfold", 2).text
    assert text.startswith("u.npy: 20 x 12 x 10 as 240 x 10 float32")
    found = json.loads(done(name, "u.npy", *options, "--unfold", 2, "--json").text)
    assert (found["shape"], found["matrix_shape"]) == ([20, 12, 10], [240, 10])


def test_grids_of_a_matrix(work):
    done("compress", "a.npy", *PLAN, "--row-grid", "10x12", "--col-grid", "4X20", "-qo", "b.lplr")
    (document,) = json.loads(done("inspect", "b.lplr", "--json").text)["files"]
    (matrix,) = document["matrices"]
    assert (matrix["shape"], matrix["unfold"]) == ([120, 80], 1)
    assert matrix["factors"]["left"]["grid"] == [10, 12]
    assert matrix["factors"]["right"]["grid"] == [4, 20]
    done("decompress", "b.lplr", "-qo", "b.npy")
    assert np.load("b.npy").shape == (120, 80)


@pytest.fixture
def layers(work):
    """``w.npy``: float32, 8 x 40 x 20, of rank 2 as 320 x 20, and of full rank as 8 x 800."""
    left, right = np.random.default_rng(0).standard_normal((2, 320, 2))
    w = (left @ right[:20].T).reshape(8, 40, 20).astype(np.float32)
    np.save("w.npy", w)
    return w


@pytest.mark.parametrize("asked", [("-e", 0.05), ("--bpc", 2), ("-e", 0.05, "--dry-run")])
def test_auto_takes_the_better_unfolding(layers, asked):
    result = done("compress", "w.npy", *asked, "--unfold", "auto", "-o", "b.lplr")
    assert "8 x 40 x 20 as 320 x 20 float32" in result.err + result.text


def test_auto_from_a_pipe(layers):
    options = ("-e", 0.05, "--unfold", "auto", "-vo", "b.lplr")
    result = lplr("compress", "-", *options, stdin=Path("w.npy").read_bytes())
    assert result.code == 0
    assert "1 axes as rows, 8 x 800:" in result.err
    assert "8 x 40 x 20 as 320 x 20 float32" in result.err


# -- decompress


@pytest.mark.parametrize("unfold", [1, 2])
@pytest.mark.parametrize("to", ["npy", "h5", "h5 --gzip"])
def test_formats_that_hold_arrays(series, to, unfold):
    done("compress", "u.npy", *PLAN, "--unfold", unfold, "-qfo", "b.lplr")
    done("decompress", "b.lplr", "-qo", "expected.npy")
    suffix, *gzip = to.split()
    done("decompress", "b.lplr", "-o", f"b.{suffix}", "-qf", *gzip)
    found = np.load("b.npy") if suffix == "npy" else h5py.File("b.h5")["matrix"][()]
    assert found.shape == series.shape
    np.testing.assert_array_equal(found, np.load("expected.npy"))


def test_the_format_it_came_from(series):
    done("compress", "u.h5", *PLAN, "-qfo", "b.lplr")
    done("decompress", "b.lplr", "-q")
    with h5py.File("b.h5") as file:
        assert file["matrix"].shape == (20, 12, 10)


SLICES = {
    "10,:,3:9": np.s_[10, :, 3:9],
    "10": np.s_[10],
    "...,-1": np.s_[..., -1],
    "::4,...": np.s_[::4, ...],
    " 1 , 2:8:3 ,-4:": np.s_[1, 2:8:3, -4:],
    ":,5,:": np.s_[:, 5, :],
    "-3:,1:2,0": np.s_[-3:, 1:2, 0],
    "1,2,3": np.s_[1, 2, 3],
    "15:99": np.s_[15:99],
    "...": np.s_[...],
}


@pytest.mark.parametrize("unfold", [1, 2])
@pytest.mark.parametrize("text", SLICES)
def test_slices_are_those_of_numpy(series, text, unfold):
    done("compress", "u.npy", *PLAN, "--unfold", unfold, "-qfo", "b.lplr")
    done("decompress", "b.lplr", "-qo", "b.npy")
    result = done("decompress", "b.lplr", f"--slice={text}", "-o", "part.npy", "--json")
    expected, found = np.load("b.npy")[SLICES[text]], np.load("part.npy")
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert json.loads(result.text)["shape"] == list(expected.shape)
    done("decompress", "b.lplr", f"--slice={text}", "-qo", "part.h5", "--gzip")
    with h5py.File("part.h5") as file:
        np.testing.assert_array_equal(file["matrix"][()], found)


@pytest.mark.parametrize("text", ["10,:,3:9", ":,5", "...,-1", "1:2,1,:"])
def test_a_slice_of_two_axes_is_a_matrix(whole, text):
    expected = eval(f"whole[{text}]")
    done("decompress", "u.lplr", f"--slice={text}", "-qo", "part.mtx")
    np.testing.assert_allclose(scipy.io.mmread("part.mtx"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("text", "rows", "cols"), [("5:9,:", "5:9", ":"), ("-2:,3:", "-2:", "3:")])
def test_a_slice_of_a_matrix_is_its_rows_and_columns(work, text, rows, cols):
    done("decompress", "a.lplr", f"--slice={text}", "-qo", "b.npy")
    done("decompress", "a.lplr", "--rows", rows, "--cols", cols, "-qo", "c.npy")
    np.testing.assert_array_equal(np.load("b.npy"), np.load("c.npy"))


def test_pipes(series):
    options = ("-r", 6, "-b", 6, "-qo", "-")
    file = lplr("compress", "-", "--unfold", 2, *options, stdin=Path("u.npy").read_bytes())
    result = lplr("decompress", "-", "--slice=3,:,2:5", "-qo", "-", stdin=file.out)
    assert (file.err, result.code, result.err) == ("", 0, "")
    np.testing.assert_allclose(np.load(io.BytesIO(result.out)), series[3, :, 2:5], atol=0.1)
    file = lplr("compress", "-", *options, stdin=Path("u.h5").read_bytes())
    Path("b.lplr").write_bytes(file.out)
    result = shell("cat b.lplr | lplr decompress - --to h5 -qo - | cat > b.h5", ".")
    assert (file.err, result.code, result.err) == ("", 0, "")
    with h5py.File("b.h5") as file:
        np.testing.assert_allclose(file["matrix"][()], series, atol=0.1)


# -- inspect


def test_inspect_shows_the_array(series):
    text = done("inspect", "u.lplr").text
    assert "20 x 12 x 10 as 20 x 120 float32" in text
    assert "on a grid 12 x 10" in text
    (document,) = json.loads(done("inspect", "u.lplr", "--json").text)["files"]
    (matrix,) = document["matrices"]
    assert (matrix["shape"], matrix["matrix_shape"], matrix["unfold"]) == (
        [20, 12, 10],
        [20, 120],
        1,
    )
    assert matrix["bits_per_coordinate"] == 8 * document["file_bytes"] / 2400


@pytest.mark.parametrize("unfold", [1, 2])
@pytest.mark.parametrize("original", ["u.npy", "f.npy", "u.h5"])
def test_against_the_original(series, original, unfold):
    done("compress", "u.npy", *PLAN, "--unfold", unfold, "-qfo", "b.lplr")
    (document,) = json.loads(done("inspect", "b.lplr", "--against", original, "--json").text)[
        "files"
    ]
    (matrix,) = document["matrices"]
    for key in ("relative_frobenius_error", "max_abs_error"):
        assert matrix["measured"][key] == pytest.approx(matrix[key], rel=1e-6)


@pytest.mark.parametrize(
    ("shape", "found"), [((20, 120), "20 x 120"), ((20, 10, 12), "20 x 10 x 12"), ((2400,), "2400")]
)
def test_against_another_shape(series, shape, found):
    np.save("b.npy", series.reshape(shape))
    refused(
        lplr("inspect", "u.lplr", "--against", "b.npy"),
        1,
        f"b.npy: the shape differs from that of the compressed array: found {found}, "
        "expected 20 x 12 x 10",
    )


# -- what is refused


@pytest.fixture
def wrong(series, refuses):
    return refuses


@pytest.mark.parametrize("unfold", [0, -1, 5, "x", "1.5", ""])
def test_axes_that_no_array_has(wrong, unfold):
    wrong("compress", "u.npy", *PLAN, "-f", "--unfold", unfold, code=2, says=["--unfold"])


def test_auto_needs_a_size_or_an_error(wrong):
    wrong("compress", "u.npy", *PLAN, "-f", "--unfold", "auto", code=2, says=["size or an error"])


@pytest.mark.parametrize("unfold", [3, 4])
def test_axes_that_this_array_has_not(wrong, unfold):
    words = [f"u.npy: this number of axes cannot become rows: found {unfold} of 3 axes", "1 to 2"]
    wrong("compress", "u.npy", *PLAN, "-f", "--unfold", unfold, says=words)
    wrong("compress", "a.npy", *PLAN, "-f", "--unfold", 2, says=["found 2 of 2 axes", "expected 1"])


@pytest.mark.parametrize("text", ["", "x", "3x", "3x-4", "0x4", "a", "3,4", "3x4.0", "²x60"])
@pytest.mark.parametrize("option", ["--row-grid", "--col-grid"])
def test_what_is_no_grid(wrong, option, text):
    wrong("compress", "a.npy", *PLAN, "-f", f"{option}={text}", code=2, says=[option, "16x24"])


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("--row-grid", "11x11", "found 11 x 11 = 121, expected a product of 120"),
        ("--col-grid", "10x12", "expected a product of 80, the number of columns"),
        ("--col-grid", "x".join(["1"] * 40 + ["80"]), "expected a product of 80"),
    ],
)
def test_grids_that_do_not_fit(wrong, option, text, words):
    wrong("compress", "a.npy", *PLAN, "-f", option, text, says=["a.npy: the grid", words])


def test_an_array_says_its_own_grids(wrong):
    wrong("compress", "u.npy", *PLAN, "-f", "--col-grid", "12x10", says=["--unfold"])


@pytest.mark.parametrize("shape", [(), (30,), (1, 2, 3, 1, 2, 3)])
def test_other_numbers_of_axes(series, refuses, shape):
    np.save("b.npy", np.ones(shape))
    refuses("compress", "b.npy", *PLAN, says=[f"found {len(shape)}-dimensional", "two to 5"])


@pytest.mark.parametrize(
    "text",
    ["", ",", "1,", "a", "1.0", "1:2:3:4", "::0", "::-1", "1;2", "None", "[1]", ":x", "...."],
)
def test_what_is_no_slice(wrong, text):
    wrong("decompress", "u.lplr", f"--slice={text}", "-o", "b.npy", code=2, says=["--slice"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2,3,4", "too many indices: the array has 3 axes, 4 were given"),
        ("...,1,2,3,4", "too many indices"),
        ("...,...", "single ellipsis"),
        ("20", "index 20 is out of range for an axis of size 20"),
        ("0,0,-11", "index -11 is out of range"),
        ("5:5", "chooses nothing: found a part of shape (0, 12, 10)"),
        (":,12:", "chooses nothing"),
        ("9" * 30, "out of range"),
    ],
)
def test_slices_that_are_not_there(wrong, text, words):
    wrong("decompress", "u.lplr", f"--slice={text}", "-o", "b.npy", says=["u.lplr: --slice", words])


@pytest.mark.parametrize("option", ["--rows", "--cols"])
def test_a_slice_says_all(wrong, option):
    wrong(
        *("decompress", "u.lplr", "--slice=1", option, "0:1", "-o", "b.npy"), code=2, says=[option]
    )


@pytest.mark.parametrize("option", ["--rows", "--cols"])
def test_rows_and_columns_are_of_matrices(wrong, option):
    wrong("decompress", "u.lplr", option, "0:1", "-o", "b.npy", says=["--rows", "--slice 0:1,..."])


def test_matrix_market_holds_no_arrays(wrong):
    words = ["found an array of shape (20, 12, 10)", "two dimensions", "--to npy"]
    wrong("decompress", "u.lplr", "-o", "b.mtx", says=words)
    wrong("decompress", "u.lplr", "--slice=1,1", "-o", "b.mtx", says=["shape (10,)"])


def test_nan_is_told_by_its_index(series, refuses):
    series[4, 5, 6] = np.nan
    np.save("b.npy", series)
    refuses("compress", "b.npy", *PLAN, says=["first at index (4, 5, 6)"])
