"""``lplr inspect --spectrum``: energy by mode, of one matrix and of several."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from lplr_command import lplr

import lplrcli
from lplrcli.container.reader import open_container
from lplrcli.container.writer import write_container


def spectrum(*arguments, stdin=b""):
    result = lplr("inspect", "--spectrum", *arguments, stdin=stdin)
    assert (result.code, result.err) == (0, "")
    return result.text


def listed(*arguments, stdin=b""):
    files = json.loads(spectrum("--json", *arguments, stdin=stdin))["files"]
    return [matrix["spectrum"] for document in files for matrix in document["matrices"]]


def rows(text):
    """Numbers of the table that comes last."""
    table = text.rstrip().split("\n\n")[-1].splitlines()
    assert table[1].split() == ["mode", "singular", "value", "energy,", "%", "cumulative,", "%"]
    return table[0], [line.split() for line in table[2:]]


def compressed(name, array, *options):
    np.save("x.npy", array)
    result = lplr("compress", "x.npy", *options, "-qo", name)
    assert result.code == 0, result.err


def test_json_is_the_svd_of_what_decodes(work):
    (modes,) = listed("a.lplr")
    assert lplr("decompress", "a.lplr", "-qo", "b.npy").code == 0
    expected = np.linalg.svd(np.load("b.npy").astype(float), compute_uv=False)[: len(modes)]
    values = [mode["singular_value"] for mode in modes]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-5 * expected[0])
    energies = np.square(values) / np.square(values).sum()
    np.testing.assert_allclose([mode["energy_share"] for mode in modes], energies)
    np.testing.assert_allclose([mode["cumulative_share"] for mode in modes], np.cumsum(energies))
    assert [mode["mode"] for mode in modes] == list(range(1, len(modes) + 1))
    assert set(modes[0]) == {"mode", "singular_value", "energy_share", "cumulative_share"}
    with lplrcli.open("a.lplr") as c:
        np.testing.assert_allclose(values, c.singular_values, rtol=1e-12)


def test_the_table_follows_the_listing(work):
    text = spectrum("a.lplr")
    assert text.startswith(lplr("inspect", "a.lplr").text)
    title, lines = rows(text)
    assert title == "a.lplr: energy of L R by mode"
    (modes,) = listed("a.lplr")
    assert len(lines) == len(modes)
    for line, mode in zip(lines, modes, strict=True):
        assert int(line[0]) == mode["mode"]
        assert float(line[1]) == pytest.approx(mode["singular_value"], rel=1e-5)
        assert float(line[2]) == pytest.approx(100 * mode["energy_share"], rel=1e-3)
        assert float(line[3]) == pytest.approx(100 * mode["cumulative_share"], abs=1e-6)
    assert lines[-1][-1] == "100.000000"


def test_headers_alone_have_no_spectrum(work):
    (document,) = json.loads(lplr("inspect", "--json", "a.lplr").text)["files"]
    assert "spectrum" not in document["matrices"][0]


@pytest.mark.parametrize("rank", [20, 21, 22, 40])
def test_long_tables_are_cut(work, rank):
    matrix = np.random.default_rng(0).standard_normal((90, 60))
    compressed("long.lplr", matrix, "--method", "lsvd", "-r", rank, "-b", 6)
    title, lines = rows(spectrum("long.lplr"))
    numbers = [line[0] for line in lines]
    first = [str(i) for i in range(1, 21)]
    last = {20: [], 21: ["21"]}.get(rank, ["...", str(rank)])
    assert numbers == first + last
    assert (f"the first 20 and the last of {rank}; --json lists all" in title) == (rank > 21)
    assert len(listed("long.lplr")[0]) == rank


def test_several_files_and_matrices(work):
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as one:
        factorization = one.factorization()
        with (work / "two.lplr").open("wb") as out:
            write_container(out, [factorization, factorization])
    text = spectrum("i.lplr", "two.lplr")
    for name in ("i.lplr", "two.lplr[0]", "two.lplr[1]"):
        assert f"\n\n{name}: energy of L R by mode\n" in text
    of_i, first, second = listed("i.lplr", "two.lplr")
    assert first == second == listed("a.lplr")[0]
    assert of_i != first


def test_standard_input_and_a_measurement_beside_it(work):
    raw = (work / "a.lplr").read_bytes()
    assert listed("-", stdin=raw) == listed("a.lplr")
    assert "-: energy of L R by mode" in spectrum("-", stdin=raw)
    text = spectrum("a.lplr", "--against", "a.npy")
    assert "relative error, measured" in text
    assert "cumulative" in text


def test_threads_do_not_change_a_digit(work):
    assert spectrum("--json", "a.lplr", "-T", 1) == spectrum("--json", "a.lplr", "-T", 2)


def test_a_residual_is_left_out(work):
    low = np.outer(np.arange(1.0, 61), np.arange(1.0, 41))
    noise = np.random.default_rng(0).standard_normal((60, 40))
    compressed("r.lplr", low + noise, "--bpc", 8, "--mode", "factors+residual")
    title, lines = rows(spectrum("r.lplr"))
    assert title == "r.lplr: energy of L R, without the residual, by mode"
    assert float(lines[0][1]) == pytest.approx(np.linalg.norm(low), rel=0.01)


def test_a_matrix_of_zeros_has_no_modes(work):
    compressed("zero.lplr", np.zeros((40, 30)), "-r", 2)
    assert spectrum("zero.lplr").endswith("\n\nzero.lplr: no modes, L R is zero\n")
    assert listed("zero.lplr") == [[]]


def test_very_large_and_small_entries(work):
    for scale in (1e200, 1e-200):
        name = f"{scale}.lplr"
        compressed(name, np.outer(np.arange(1.0, 51), np.ones(30)) * scale, "-r", 1)
        (modes,) = listed(name)
        expected = scale * np.linalg.norm(np.arange(1, 51)) * np.sqrt(30)
        assert modes[0]["singular_value"] == pytest.approx(expected, rel=0.05)
        assert modes[0]["cumulative_share"] == 1.0


def test_components_that_decode_to_zero(work):
    """Of factors of zeros the energy is unknown: not infinite, and no error."""
    compressed("some.lplr", np.load("a.npy"), "--method", "lsvd", "-r", 2)
    with (work / "some.lplr").open("rb") as file, open_container(file, "some.lplr") as container:
        made = container.factorization()
        side = bytes(16)  # of the quantizer `uniform`: lowest value and step
        with (work / "null.lplr").open("wb") as out:
            write_container(
                out, [replace(made, left=replace(made.left, quantizer_parameters=side))]
            )
    (modes,) = listed("null.lplr")
    assert [mode["singular_value"] for mode in modes] == [0.0, 0.0]
    assert {mode["energy_share"] for mode in modes} == {None}
    assert [line[1:] for line in rows(spectrum("null.lplr"))[1]] == [["0", "-", "-"]] * 2


# -- what is refused


def test_a_matrix_coded_directly_has_none(work, refuses):
    compressed("d.lplr", np.load("a.npy"), "--bpc", 3, "--mode", "direct")
    says = ["d.lplr: a matrix coded directly has no factors", "factors+residual"]
    for more in ((), ("--json",), ("--against", "a.npy")):
        refuses("inspect", "--spectrum", "d.lplr", *more, says=says)
    result = lplr("inspect", "--spectrum", "a.lplr", "d.lplr")
    assert result.code == 1
    assert "a.lplr: energy of L R by mode" in result.text
    assert "lplr: d.lplr: a matrix coded directly" in result.err


def test_nothing_but_lplr_files(refuses):
    refuses("inspect", "--spectrum", "a.npy", code=3, says=["a.npy", "not an .lplr file"])
    refuses("inspect", "--spectrum", "none.lplr", says=["none.lplr", "No such file"])
    refuses("inspect", "--spectrum", code=2, says=["FILE"])


def test_damaged_factors_are_named(work, refuses):
    raw = bytearray((work / "a.lplr").read_bytes())
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as container:
        place = next(s.offset for s in container.sections if s.tag == "LEFT")
    raw[place + 5] ^= 1
    (work / "bad.lplr").write_bytes(raw)
    assert lplr("inspect", "bad.lplr").code == 0
    refuses("inspect", "--spectrum", "bad.lplr", code=3, says=["bad.lplr", "LEFT"])


def test_the_help_says_that_factors_are_decoded(work):
    text = " ".join(lplr("inspect", "--help").text.split())
    assert "--spectrum Decode the factors" in text
