"""``lplr plan``: what it says of a matrix, what it predicts, and its plot."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
from lplr_command import lplr

from lplrcli.pipeline import forecast

MODES = ["factors", "factors+residual", "direct"]
KEYS = {
    "input", "shape", "matrix_shape", "dtype", "source_norm", "directions", "complete", "found_by",
    "ranks",
    "stable_rank", "singular_values", "tail", "lattice", "sizes", "errors", "passes", "seconds",
}  # fmt: skip
OUTCOME_KEYS = {"file_bytes", "bits_per_coordinate", "relative_frobenius_error", "bound"}


@pytest.fixture
def field(work):
    """A matrix whose files are large beside their headers: 300 x 200, a slope and some noise."""
    rng = np.random.default_rng(7)
    left, _ = np.linalg.qr(rng.standard_normal((300, 200)))
    right, _ = np.linalg.qr(rng.standard_normal((200, 200)))
    values = 100 * np.exp(-np.arange(200) / 20) + 1
    np.save(work / "f.npy", ((left * values) @ right).astype(np.float32))
    return values


def planned(*options):
    result = lplr("plan", *options, "--json")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.text)
    assert set(found) == KEYS
    for row in found["sizes"] + found["errors"]:
        assert all(set(outcome) == OUTCOME_KEYS for outcome in row["modes"].values())
    return found


def test_the_spectrum(work, field):
    found = planned("f.npy")
    energies = field**2
    shares = np.cumsum(energies) / energies.sum()
    assert found["source_norm"] == pytest.approx(np.sqrt(energies.sum()), rel=1e-5)
    assert found["directions"] == 200
    assert found["complete"] is True
    assert found["tail"] < 1e-4
    for share, rank in found["ranks"].items():
        assert rank == np.searchsorted(shares, float(share)) + 1
    assert found["stable_rank"] == pytest.approx(energies.sum() / energies[0], rel=1e-4)
    np.testing.assert_allclose(found["singular_values"], field[:8], rtol=1e-5)
    assert found["lattice"] is None


def test_singular_values_are_those_of_the_matrix_at_any_scale(work, field):
    np.save("g.npy", np.load("f.npy").astype(float) * 1e30)
    found = planned("g.npy")
    np.testing.assert_allclose(found["singular_values"], 1e30 * field[:8], rtol=1e-5)


def test_sizes_and_errors(work, field):
    found = planned("f.npy")
    assert [row["bits_per_coordinate"] for row in found["sizes"]] == [0.25, 0.5, 1, 2, 4, 8]
    assert [row["relative_frobenius_error"] for row in found["errors"]] == [0.1, 0.01, 0.001]
    for mode in MODES:
        outcomes = [row["modes"][mode] for row in found["sizes"]]
        errors = [outcome["relative_frobenius_error"] for outcome in outcomes]
        assert errors == sorted(errors, reverse=True)
        assert all(outcome["bound"] < outcome["relative_frobenius_error"] for outcome in outcomes)
        sizes = [row["modes"][mode]["file_bytes"] for row in found["errors"]]
        assert sizes == sorted(sizes)
        for row in found["errors"]:
            assert row["modes"][mode]["bound"] < row["modes"][mode]["bits_per_coordinate"]


def test_what_is_predicted_comes_true(work, field):
    sizes = planned("f.npy")["sizes"]
    for bpc in (1, 2, 4):
        (row,) = (row for row in sizes if row["bits_per_coordinate"] == bpc)
        best = min(outcome["relative_frobenius_error"] for outcome in row["modes"].values())
        result = lplr("compress", "f.npy", "--bpc", bpc, "-qfo", "f.lplr", "--json")
        error = json.loads(result.text)["relative_frobenius_error"]
        assert error == pytest.approx(best, rel=0.25), bpc


def test_the_tables(work, field):
    result = lplr("plan", "f.npy")
    assert (result.code, result.err) == (0, "")
    text = result.text
    assert text.startswith("f.npy: 300 x 200 float32\n")
    for words in ("Frobenius norm", "rank at 90 / 99 / 99.9 % of the energy", "of 200",
                  "stable rank", "leading singular values", "lattice", "bits/coord.", "bound",
                  "factors+residual", "direct", "10 %", "0.1 %"):  # fmt: skip
        assert words in text, (words, text)
    assert "None" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_lattice_and_its_lossless_size(work):
    found = planned("i.npy")
    lattice = found["lattice"]
    assert lattice["step"] == 1
    done = lplr("compress", "i.npy", "-e", 0, "-qfo", "b.lplr", "--json")
    assert lattice["file_bytes"] == pytest.approx(json.loads(done.text)["file_bytes"], rel=0.2)
    finest = found["errors"][-1]["modes"]["direct"]
    assert finest["relative_frobenius_error"] == 0
    assert finest["file_bytes"] == lattice["file_bytes"]
    text = lplr("plan", "i.npy").text
    assert "all entries are multiples of 1 " in text
    assert "lossless about" in text


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((30, 20)), np.ones((1, 1)), np.ones((1, 50)), np.ones((40, 1)), np.eye(9, 12)],
    ids=["zeros", "1x1", "row", "column", "identity"],
)
def test_ordinary_but_small(work, matrix):
    np.save("s.npy", matrix)
    found = planned("s.npy")
    assert found["source_norm"] == np.linalg.norm(matrix)
    assert lplr("plan", "s.npy").code == 0


def test_where_the_spectrum_is_too_dear(work, monkeypatch):
    monkeypatch.setattr(forecast, "_MOST_DIRECTIONS", 100)
    rng = np.random.default_rng(8)
    a = rng.standard_normal((300, 30)) @ rng.standard_normal((30, 1200))
    np.save("wide.npy", (a + rng.standard_normal(a.shape)).astype(np.float32))
    found = planned("wide.npy")
    assert (found["found_by"], found["complete"]) == ("sketch", False)
    assert 100 <= found["directions"] < 300
    assert found["ranks"]["0.9"] < 100
    assert found["ranks"]["0.999"] is None
    assert 0 < found["tail"] < 0.3
    text = lplr("plan", "wide.npy").text
    assert f"beyond the {found['directions']} directions known" in text
    assert f">{found['directions']} of 300" in text
    assert "None" not in text


def test_standard_input_and_threads(work):
    by_name = planned("a.npy")
    piped = lplr("plan", "-", "--json", "-T", 1, stdin=(work / "a.npy").read_bytes())
    assert (piped.code, piped.err) == (0, "")
    found = json.loads(piped.text)
    for key in ("sizes", "errors", "singular_values"):
        assert found[key] == by_name[key]


def test_nothing_is_written(work):
    before = sorted(path.name for path in work.iterdir())
    planned("a.npy")
    assert sorted(path.name for path in work.iterdir()) == before


# -- plots


@pytest.mark.parametrize(("name", "start"), [("p.svg", b"<?xml"), ("p.PNG", b"\x89PNG")])
def test_a_plot(work, name, start):
    assert lplr("plan", "a.npy", "--plot", name).code == 0
    content = (work / name).read_bytes()
    assert content.startswith(start)
    if start == b"<?xml":
        assert lplr("plan", "a.npy", "--plot", name, "-f").code == 0
        assert (work / name).read_bytes() == content
        for words in (*MODES, "a.npy", "bits per coordinate", "relative Frobenius error", "bound"):
            assert words in content.decode()


def test_an_existing_plot_is_kept(work, refuses):
    (work / "p.svg").write_bytes(b"old")
    refuses("plan", "a.npy", "--plot", "p.svg", says=["p.svg", "exists", "-f"])
    shutil.copy("a.npy", "a.svg")
    refuses("plan", "a.svg", "--plot", "a.svg", "-f", says=["a.svg", "input"])


def test_no_part_of_a_plot_stays(work, refuses):
    refuses("plan", "none.npy", "--plot", "p.svg", says=["none.npy", "No such file"])
    refuses("plan", "a.npy", "--plot", "no/p.svg", says=["no/p.svg"])


def test_matplotlib_is_optional(work, refuses, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    says = ["p.svg", "matplotlib", 'pip install "lplrcli[plot]"']
    refuses("plan", "a.npy", "--plot", "p.svg", says=says)
    assert lplr("plan", "a.npy").code == 0


def test_wrong_usage(refuses):
    for name in ("p.pdf", "p", "svg", "-", ""):
        refuses("plan", "a.npy", "--plot", name, code=2, says=["--plot", ".svg"])
    refuses("plan", code=2, says=["INPUT"])
    refuses("plan", "a.npy", "--bpc", 1, code=2, says=["--bpc"])


def test_wrong_input(work, refuses):
    bad = np.load("a.npy")
    bad[3, 4] = np.inf
    np.save("bad.npy", bad)
    refuses("plan", "bad.npy", says=["bad.npy", "row 3, column 4"])
    refuses("plan", "a.lplr", says=["a.lplr", "decompress"])
    refuses("plan", "-", says=["<stdin>", "nothing to read"])


@pytest.mark.parametrize(("unfold", "matrix"), [(1, (40, 480)), (2, (800, 24))])
def test_an_array_is_told_as_the_matrix_that_it_unfolds_to(work, unfold, matrix):
    array = np.random.default_rng(3).integers(-9, 9, (40, 20, 24))
    np.save(work / "u.npy", array.astype(np.float32))
    found = planned("u.npy", "--unfold", str(unfold))
    assert (found["shape"], found["matrix_shape"]) == ([40, 20, 24], list(matrix))
    text = lplr("plan", "u.npy", "--unfold", str(unfold)).text
    assert f" of {min(matrix)}\n" in text
    file_bytes = found["lattice"]["file_bytes"]
    assert f"about {file_bytes} bytes ({8 * file_bytes / array.size:.4g} bits/coordinate)" in text
