"""``lplr compress`` for a size or an error: what is kept, what is said, what is refused."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
from lplr_command import lplr, refused

from lplrcli.container.reader import open_container

ENTRIES = 120 * 80
PROSPECT_KEYS = {
    "mode", "rank", "file_bytes", "bits_per_coordinate", "compression_ratio",
    "relative_frobenius_error",
}  # fmt: skip


def compressed(*options, source="a.npy"):
    result = lplr("compress", source, *options, "-fo", "b.lplr", "--json")
    assert result.code == 0, result.err
    return json.loads(result.text), result.err


def decoded():
    result = lplr("decompress", "b.lplr", "-fqo", "b.npy")
    assert result.code == 0, result.err
    return np.load("b.npy").astype(float)


def relative_error(found, a):
    a = a.astype(float)
    return np.linalg.norm(found - a) / np.linalg.norm(a)


# -- sizes


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (("--bpc", 2), 2 * ENTRIES // 8),
        (("--bpc", 1.5), 1.5 * ENTRIES // 8),
        (("--ratio", 20), 4 * ENTRIES // 20),
        (("--size", 2000), 2000),
        (("--size", "2Ki"), 2048),
    ],
)
def test_the_file_is_as_small_as_asked(work, options, most):
    found, _ = compressed(*options)
    size = (work / "b.lplr").stat().st_size
    assert found["file_bytes"] == size
    assert found["plan"]["target"]["size"] == most
    # Sections begin at multiples of 64 bytes, which is 3 % of so small a file.
    assert 0.9 * most <= size <= most
    assert found["relative_frobenius_error"] == pytest.approx(
        relative_error(decoded(), np.load("a.npy")), rel=1e-5
    )


@pytest.mark.parametrize(
    ("size", "most"),
    [
        ("2k", 2000),
        ("2K", 2000),
        ("1.5KiB", 1536),
        ("0.002M", 2000),
        (".002Mi", 2097),
        ("0.000002 GB", 2000),
    ],
)
def test_units_of_a_size(work, size, most):
    result = lplr("compress", "a.npy", "--size", size, "--dry-run", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.text)["target"]["size"] == most


def test_a_larger_file_has_less_error(work):
    errors = [compressed("--bpc", bpc)[0]["relative_frobenius_error"] for bpc in (1, 2, 4)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.3 * errors[0]


def test_the_name_of_the_matrix_counts(work):
    name = "m" * 150 + ".npy"
    (work / name).write_bytes((work / "a.npy").read_bytes())
    for size in (1200, 1264, 1300, 1328):
        compressed("--size", size, source=name)
        assert (work / "b.lplr").stat().st_size <= size


# -- errors


@pytest.mark.parametrize("error", [0.3, 0.05, 0.001])
def test_the_error_is_kept(work, error):
    found, said = compressed("-e", error)
    assert found["plan"]["target"]["relative_error"] == error
    assert found["relative_frobenius_error"] <= error
    assert relative_error(decoded(), np.load("a.npy")) <= error * (1 + 1e-6)
    assert f"(target {error:g})" in said


@pytest.mark.parametrize("bound", [2.0, 0.1, 0.001])
def test_the_largest_error_is_kept(work, bound):
    found, said = compressed("--max-abs-error", bound)
    assert found["max_abs_error"] <= bound
    assert np.abs(decoded() - np.load("a.npy")).max() <= bound
    assert f"(target {bound:g})" in said


def test_a_smaller_error_takes_a_larger_file(work):
    sizes = [compressed("-e", error)[0]["file_bytes"] for error in (0.2, 0.02, 0.002)]
    assert sizes == sorted(sizes)


def test_integers_come_back_whole(work):
    found, said = compressed("-e", 0, source="i.npy")
    assert found["relative_frobenius_error"] == 0
    assert found["mode"] in ("direct", "kept")
    assert f"mode {found['mode']}, error 0 (target 0)" in said
    np.testing.assert_array_equal(decoded(), np.load("i.npy"))


# -- together with others


@pytest.mark.parametrize("mode", ["factors", "factors+residual", "direct"])
def test_a_mode_that_is_forced(work, mode):
    noise = np.random.default_rng(5).standard_normal((120, 80)).astype(np.float32)
    np.save("noisy.npy", np.load("a.npy") + noise)
    found, said = compressed("--bpc", 4, "--mode", mode, source="noisy.npy")
    assert found["mode"] == found["plan"]["mode"] == mode
    assert f"mode {mode}" in said
    assert (found["rank"] > 0) == (mode != "direct")


def test_a_rank_limits_the_components(work):
    found, _ = compressed("-e", 0.2, "-r", 5)
    assert found["rank"] <= 5
    assert found["relative_frobenius_error"] <= 0.2
    assert found["plan"]["target"]["rank"] == 5


def test_seed_and_sketch_go_with_a_size(work):
    found, _ = compressed("--bpc", 2, "--seed", 5, "--sketch", "srht", "--power-iterations", 3)
    assert found["plan"]["seed"] == 5


# -- what is said


def test_the_summary_is_one_line(work):
    result = lplr("compress", "a.npy", "--bpc", 2, "-o", "b.lplr")
    assert (result.code, result.out) == (0, b"")
    assert re.fullmatch(
        r"a\.npy -> b\.lplr: 120 x 80 float32, mode factors(\+residual)?, rank \d+, "
        r"error [\d.]+, [\d.]+ bits/coordinate, .*\n",
        result.err,
    ), result.err


def test_verbose_says_what_was_chosen_and_why(work):
    said = lplr("compress", "a.npy", "--bpc", 2, "-vo", "b.lplr").err
    for words in (
        "asked: at most 2400 bytes (2 bits/coordinate)",
        "method rate-distortion",
        "passes over the data",
        "predicted error at this size: factors 0.",
        "(chosen)",
        "left factor 120 x",
        "step ",
        "coding rans",
        "exact spectrum from the Gram matrix",
    ):
        assert words in said, (words, said)
    said = lplr("compress", "a.npy", "-e", 0.1, "-vfo", "b.lplr").err
    assert "asked: relative error at most 0.1" in said
    assert "predicted bits/coordinate at this error: " in said


def test_inspect_says_so_too(work):
    compressed("--bpc", 2)
    text = lplr("inspect", "b.lplr").text
    assert re.search(r"left factor +120 x \d+, trellis quantizer, rans coding\n", text), text
    assert re.search(r"right factor +80 x \d+, trellis quantizer, rans coding\n", text), text
    assert "predicted" not in text
    text = lplr("inspect", "-v", "b.lplr").text
    assert re.search(r"target +at most 2400 bytes \(2 bits/coordinate\)\n", text), text
    assert re.search(r"predicted error at this size +factors 0\.\d+.* \(chosen\)", text), text
    assert "None" not in text
    compressed("--max-abs-error", 0.1)
    text = lplr("inspect", "-v", "b.lplr").text
    assert re.search(r"target +no entry off by more than 0.1\n", text), text
    assert re.search(r"residual +120 x 80, deadzone quantizer, rans coding\n", text), text


# -- the dry run


@pytest.mark.parametrize(
    "options",
    [
        ("--bpc", 2),
        ("-e", 0.05),
        ("--max-abs-error", 0.1),
        ("--bpc", 2, "--mode", "direct"),
        ("--size", 1500, "-r", 6),
        ("-r", 6, "-b", 5),
        ("--method", "nq", "-b", 3),
        ("--method", "lplr", "-r", 9),
    ],
    ids=lambda options: " ".join(map(str, options)),
)
def test_a_dry_run_writes_nothing_and_comes_close(work, options):
    before = sorted(path.name for path in work.iterdir())
    result = lplr("compress", "a.npy", *options, "-o", "b.lplr", "--dry-run", "--json")
    assert (result.code, result.err) == (0, "")
    assert sorted(path.name for path in work.iterdir()) == before
    told = json.loads(result.text)
    assert told["dry_run"] is True
    assert set(told) >= PROSPECT_KEYS
    assert all(set(mode) == PROSPECT_KEYS for mode in told["modes"])
    done, _ = compressed(*options)
    assert told["target"] == done["plan"]["target"]
    if told["exact"]:
        assert told["file_bytes"] == done["file_bytes"]
        assert told["relative_frobenius_error"] == done["relative_frobenius_error"]
    # Of so small a file a third is headers and tables.
    assert 0.6 < told["file_bytes"] / done["file_bytes"] < 1.4
    assert 0.55 < told["relative_frobenius_error"] / done["relative_frobenius_error"] < 1.4


def test_the_table_of_a_dry_run(work):
    before = (work / "a.lplr").read_bytes()
    result = lplr("compress", "a.npy", "--bpc", 2, "--dry-run")
    assert (result.code, result.err) == (0, "")
    lines = result.text.splitlines()
    assert lines[0] == "a.npy: 120 x 80 float32, asked: at most 2400 bytes (2 bits/coordinate)"
    assert [line.split()[0] for line in lines[2:-1]] != []
    assert "chosen" in lines[2]
    assert "chosen" not in lines[3]
    assert lines[-1] == "predicted; nothing written to a.lplr"
    assert (work / "a.lplr").read_bytes() == before


def test_a_dry_run_knows_a_lossless_file(work):
    result = lplr("compress", "i.npy", "-e", 0, "--dry-run", "--json")
    told = json.loads(result.text)
    assert told["exact"] and told["relative_frobenius_error"] == 0
    done = compressed("-e", 0, source="i.npy")[0]
    assert (told["mode"], told["file_bytes"]) == (done["mode"], done["file_bytes"])


def test_a_dry_run_of_zeros(work):
    np.save("z.npy", np.zeros((30, 20)))
    for options in (("--bpc", 80), ("-e", 0.1), ("--max-abs-error", 1)):
        result = lplr("compress", "z.npy", *options, "--dry-run", "--json")
        assert json.loads(result.text)["relative_frobenius_error"] == 0


def test_a_dry_run_of_standard_input(work):
    result = lplr("compress", "-", "--bpc", 2, "--dry-run", stdin=(work / "a.npy").read_bytes())
    assert (result.code, result.err) == (0, "")
    assert result.text.startswith("-: 120 x 80")


# -- pipes


def test_a_size_through_pipes(work):
    file = lplr("compress", "-", "--bpc", 2, "-o", "-", stdin=(work / "a.npy").read_bytes())
    assert (file.code, file.err.count("\n")) == (0, 1)
    result = lplr("decompress", "-", "-qo", "-", stdin=file.out)
    assert (result.code, result.err) == (0, "")
    assert relative_error(np.load(io.BytesIO(result.out)), np.load("a.npy")) < 0.2


def test_standard_input_gives_what_the_file_gives(work):
    rows = (work / "a.npy").read_bytes()
    assert lplr("compress", "-", "-e", 0.1, "-qo", "b.lplr", stdin=rows).code == 0
    piped = decoded()
    compressed("-e", 0.1)
    np.testing.assert_array_equal(piped, decoded())


def test_the_number_of_threads_changes_no_byte(work):
    files = []
    for threads in (1, 2):
        compressed("--bpc", 2, "-T", threads)
        files.append((work / "b.lplr").read_bytes())
    assert files[0] == files[1]


# -- what is refused


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bpc", 1, "-e", 0.1), ["one target at a time", "--bpc", "--rel-error"]),
        (("--size", "1k", "--ratio", 3), ["--size", "--ratio"]),
        (("-e", 0.1, "--max-abs-error", 1), ["--rel-error", "--max-abs-error"]),
        (("--bpc", 0), ["--bpc", "0"]),
        (("--bpc", -1), ["--bpc"]),
        (("--bpc", "nan"), ["bpc", "nan"]),
        (("--bpc", "inf"), ["bpc", "inf"]),
        (("--ratio", 0), ["--ratio"]),
        (("--size", 0), ["--size", "0"]),
        (("--size", "12x"), ["--size", "12x", "Ki"]),
        (("--size", "-3k"), ["--size"]),
        (("--size", ""), ["--size"]),
        (("--size", "0.2"), ["--size"]),
        (("-e", -0.1), ["--rel-error"]),
        (("-e", "x"), ["--rel-error", "x"]),
        (("--max-abs-error", "nan"), ["max_abs_error", "nan"]),
        (("--mode", "direct"), ["--bpc"]),
        (("--mode", "both", "--bpc", 1), ["--mode", "factors+residual"]),
        (("-r", 4, "--mode", "direct"), ["packed", "modes"]),
        (("--bpc", 1, "--mode", "direct", "-r", 4), ["direct", "rank"]),
        (("--max-abs-error", 1, "--mode", "factors"), ["factors", "entry"]),
        (("--bpc", 1, "-b", 4), ["bits", "decides"]),
        (("-e", 0.1, "--bits-right", 4), ["bits_right", "decides"]),
        (("--bpc", 1, "--oversampling", 4), ["oversampling"]),
        (("--bpc", 1, "--power-iterations", 0), ["power iterations", "1 or more"]),
        (("--method", "packed", "--bpc", 1), ["packed", "size"]),
        (("--method", "nq", "-e", 0.1), ["nq", "error"]),
        (("--method", "rate-distortion", "-r", 4), ["rate-distortion", "size or an error"]),
        (("--bpc", 1, "--json", "-o", "-"), ["--json", "standard output"]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
@pytest.mark.parametrize("dry", [False, True], ids=["", "dry"])
def test_wrong_usage(work, options, words, dry):
    if dry and "--json" in options:
        pytest.skip("nothing is written to standard output then")
    result = lplr("compress", "none.npy", *options, *(("--dry-run",) if dry else ()))
    refused(result, 2, "lplr compress --help")
    for word in words:  # whatever the matrix: it is not even looked for
        assert word.lower() in result.err.lower(), (word, result.err)


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["", "dry"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--size", 300), ["300 bytes", "bytes or more"]),
        (("--bpc", 0.01), ["12 bytes", "bytes or more"]),
        (("--ratio", 1e6), ["bytes or more"]),
        (("-e", 0, "-r", 3), ["-e 0", "factors"]),
        (("-e", 0.001, "-r", 3, "--mode", "factors"), ["-e 0.001", "or more", "-r"]),
        (("--max-abs-error", 0, "-r", 3), ["--max-abs-error 0"]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_a_target_that_cannot_be_met(refuses, options, words, dry):
    refuses("compress", "a.npy", *options, *dry, "-o", "b.lplr", code=4, says=["a.npy", *words])


def test_an_unmet_target_leaves_the_old_file(work, refuses):
    refuses("compress", "a.npy", "--size", 300, "-f", code=4, says=["a.npy"])
    refuses("compress", "a.npy", "-e", 0, "-r", 3, "-o", "-", code=4, says=["a.npy"])


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["", "dry"])
def test_wrong_input(work, refuses, dry):
    bad = np.load("a.npy")
    bad[3, 4] = np.nan
    np.save("bad.npy", bad)
    refuses("compress", "bad.npy", "--bpc", 1, *dry, says=["bad.npy", "row 3, column 4"])
    refuses("compress", "none.npy", "--bpc", 1, *dry, says=["none.npy", "No such file"])
    refuses("compress", "a.lplr", "-e", 0.1, *dry, "-o", "b", says=["a.lplr", "decompress"])


def test_an_existing_file_is_kept(refuses):
    refuses("compress", "a.npy", "--bpc", 1, says=["a.lplr", "exists", "-f"])


def test_the_help_names_the_targets(work):
    text = lplr("compress", "--help").text
    for word in ("--bpc", "--ratio", "--size", "--rel-error", "--max-abs-error", "--mode",
                 "--dry-run", "[default: 4]"):  # fmt: skip
        assert word in text


# -- transforms


def test_a_transform_with_bases_of_its_own(work):
    rng = np.random.default_rng(0)
    lines = [np.cos(np.outer(np.arange(n) ** 2, [0.1, 0.2])) for n in (26, 21)]
    field = np.einsum("ia,jb,abt->ijt", *lines, rng.standard_normal((2, 2, 10)))
    np.save("field.npy", field.astype(np.float32))
    options = ("--rel-error", 0.05, "--mode", "factors", "--unfold", 2, "--transform", "klt", "-v")
    found, said = compressed(*options, source="field.npy")
    assert found["plan"]["target"]["transform"] == "klt"
    assert "vectors of its grid" in said
    assert relative_error(decoded(), field) <= 0.05
    result = lplr("inspect", "b.lplr")
    left = next(line for line in result.text.splitlines() if line.startswith("left basis"))
    assert left.split()[2:4] == ["64", "x"]
    (matrix,) = json.loads(lplr("inspect", "--json", "b.lplr").text)["files"][0]["matrices"]
    basis = matrix["factors"]["left_basis"]
    assert (basis["length"], basis["transform"]) == (64, "dct")
    with (work / "b.lplr").open("rb") as file, open_container(file, "b.lplr") as container:
        lengths = [
            (section.tag, section.length)
            for section in container.sections
            if section.tag in ("LBAS", "LEFT", "RGHT")
        ]
    assert [tag for tag, _ in lengths] == ["LBAS", "LBAS", "LEFT", "RGHT"]
    coded = sum(length for _, length in lengths)
    bits = 8 * coded / (matrix["rank"] * (26 * 21 + 10))
    assert matrix["bits_per_factor_entry"] == pytest.approx(bits)
