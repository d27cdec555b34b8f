"""``lplr compress --center``: what is stored, shown and refused."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from lplr_command import lplr

NAMES = {
    "mean-row": "mean row", "mean-column": "mean column", "both": "mean row and mean column"
}  # fmt: skip


@pytest.fixture
def strong(work):
    """``m.npy``: the matrix of the shop around a strong mean row and mean column."""
    a = np.load("a.npy").astype(np.float64)
    a += 9 * np.sin(np.arange(80)) + 5 * np.cos(np.arange(120))[:, None]
    np.save("m.npy", a.astype(np.float32))
    return a


def compressed(*options, source="m.npy"):
    result = lplr("compress", source, *options, "-fo", "m.lplr", "--json")
    assert result.code == 0, result.err
    return json.loads(result.text)


@pytest.mark.parametrize("center", NAMES)
def test_what_is_stored_is_shown(strong, center):
    plan = compressed("-e", 0.02, "--center", center)["plan"]
    assert plan["target"]["center"] == center
    text = lplr("inspect", "-v", "m.lplr").text
    assert f"{NAMES[center]} stored apart" in text
    (document,) = json.loads(lplr("inspect", "--json", "m.lplr").text)["files"]
    (matrix,) = document["matrices"]
    stored = {name for name in matrix["factors"] if name.startswith("mean")}
    assert stored == {name.replace(" ", "_") for name in NAMES[center].split(" and ")}
    for name, tag, length in (("mean_row", "MROW", 80), ("mean_column", "MCOL", 120)):
        assert (name in stored) == (tag in matrix["section_bytes"])
        if name in stored:
            assert matrix["factors"][name]["length"] == length
            assert f"{name.replace('_', ' ')} " in text
    assert lplr("decompress", "m.lplr", "-fqo", "b.npy").code == 0
    off = np.linalg.norm(np.load("b.npy") - strong) / np.linalg.norm(strong)
    assert off <= 0.02


def test_measuring_and_parts(strong):
    compressed("-e", 0.02, "--center", "both")
    (document,) = json.loads(lplr("inspect", "--json", "m.lplr", "--against", "m.npy").text)[
        "files"
    ]
    (matrix,) = document["matrices"]
    measured = matrix["measured"]["relative_frobenius_error"]
    assert measured == pytest.approx(matrix["relative_frobenius_error"], rel=1e-6)
    assert lplr("decompress", "m.lplr", "-fqo", "b.npy").code == 0
    part = ("--rows", "30:50", "--cols", "10:20", "-fqo", "part.npy")
    assert lplr("decompress", "m.lplr", *part).code == 0
    np.testing.assert_allclose(np.load("part.npy"), np.load("b.npy")[30:50, 10:20], rtol=1e-5)
    assert lplr("decompress", "m.lplr", "--to", "h5", "-fqo", "b.h5").code == 0
    with h5py.File("b.h5") as file:
        assert np.array_equal(file["matrix"][...], np.load("b.npy"))


def test_the_spectrum_is_that_of_the_fluctuation(strong):
    compressed("-e", 0.001, "--center", "mean-column", "--mode", "factors")
    text = lplr("inspect", "--spectrum", "m.lplr").text
    assert "m.lplr: energy of L R, without the mean column, by mode" in text
    (document,) = json.loads(lplr("inspect", "--spectrum", "--json", "m.lplr").text)["files"]
    first = document["matrices"][0]["spectrum"][0]["singular_value"]
    expected = np.linalg.svd(strong - strong.mean(axis=1, keepdims=True), compute_uv=False)[0]
    assert first == pytest.approx(expected, rel=1e-3)
    compressed("-e", 0.001, "--center", "both", "--mode", "factors+residual")
    text = lplr("inspect", "--spectrum", "m.lplr").text
    assert "without the mean row and the mean column and the residual, by mode" in text


def test_the_explanation_names_the_means(strong):
    result = lplr("compress", "m.npy", "-e", 0.05, "--center", "both", "-vfo", "m.lplr")
    assert "mean row and mean column stored apart" in result.err
    assert "mean row 80 x 1, trellis quantizer" in result.err


def test_auto_and_a_dry_run_agree(strong):
    options = ("-e", 0.02, "--center", "auto")
    result = lplr("compress", "m.npy", *options, "--dry-run", "--json")
    chosen = json.loads(result.text)["target"]["center"]
    assert compressed(*options)["plan"]["target"]["center"] == chosen


def test_an_array_unfolded_where_it_pays(work):
    g = np.random.default_rng(0)
    np.save("u.npy", g.standard_normal((6, 8, 40)) + 9 * g.standard_normal(40))
    asked = ("-e", 0.2, "--center", "mean-row", "--unfold", "auto")
    found = compressed(*asked, source="u.npy")
    assert found["unfold"] == 2
    assert lplr("decompress", "m.lplr", "--slice", "2,:,3:9", "-fqo", "b.npy").code == 0
    assert np.abs(np.load("b.npy") - np.load("u.npy")[2, :, 3:9]).max() < 12


@pytest.mark.parametrize("center", ["none", *NAMES])
def test_a_sparse_matrix_is_refused(work, refuses, center):
    scipy.io.mmwrite("s.mtx", sp.random(60, 50, 0.1, random_state=0))
    if center == "none":
        assert lplr("compress", "s.mtx", "-e", 0.1, "--center", center, "-q").code == 0
        return
    refuses("compress", "s.mtx", "-e", 0.1, "--center", center, says=["sparse", center])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-r", 3, "--center", "both"), ["method packed stores no means apart"]),
        (("--method", "nq", "--center", "auto"), ["method nq stores no means apart"]),
        (("-e", 0.1, "--center", "rows"), ["--center", "mean-row"]),
    ],
)
def test_contradictions_are_wrong_usage(refuses, options, words):
    refuses("compress", "a.npy", *options, code=2, says=words)
