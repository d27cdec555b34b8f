"""``lplr compress``: names, options, methods, what it says."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from lplr_command import ENVIRONMENT, lplr, on_terminal

from lplrcli.container.reader import open_container

PLAN = ("-r", 12, "-b", 6)
SUMMARY = re.compile(
    r"(\S+) -> (\S+): 120 x 80 float32, rank \d+, error [\d.e-]+, [\d.]+ bits/coordinate, "
    r"[\d.]+ (B|KiB), ratio [\d.]+, [\d.]+ s, [\d.]+ .?B/s\n"
)
KEYS = {
    "input", "output", "shape", "dtype", "mode", "rank", "file_bytes", "bits_per_coordinate",
    "compression_ratio", "relative_frobenius_error", "max_abs_error", "exact", "source_norm",
    "passes", "bytes_read", "bound", "estimator", "seconds", "bytes_per_second", "plan",
    "matrix_shape", "unfold",
}  # fmt: skip
NOT_ASKED = dict.fromkeys(
    ("size", "relative_error", "max_abs_error", "mode", "transform", "center", "passes")
)
PLAN_KEYS = {
    "target", "mode", "basis", "sketch", "sketch_size", "power_iterations", "seed", "exponent",
    "predictions",
}  # fmt: skip


def decoded(path, *options):
    result = lplr("decompress", path, "-fqo", "decoded.npy", "--to", "npy", *options)
    assert result.code == 0, result.err
    return np.load("decoded.npy")


def relative_error(found, a):
    a = np.asarray(a, np.float64)
    return float(np.linalg.norm(found - a) / np.linalg.norm(a))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.npy", "x.lplr"),
        ("x.y.NPY", "x.y.lplr"),
        ("x", "x.lplr"),
        ("x.bin", "x.bin.lplr"),
        ("sub/x.npy", "sub/x.lplr"),
    ],
)
def test_default_name_is_beside_the_input(work, name, expected):
    (work / "sub").mkdir()
    shutil.copy("a.npy", name)
    result = lplr("compress", name, *PLAN)
    assert result.code == 0, result.err
    assert (work / expected).is_file()
    assert f"{name} -> {expected}: " in result.err


def test_the_summary_is_one_line_on_stderr(work):
    result = lplr("compress", "a.npy", *PLAN, "-o", "b.lplr")
    assert (result.code, result.out) == (0, b"")
    match = SUMMARY.fullmatch(result.err)
    assert match, result.err
    assert match.group(1, 2) == ("a.npy", "b.lplr")


def test_the_rate_of_a_small_matrix_is_not_zero(work):
    result = lplr("compress", "a.npy", *PLAN, "-o", "b.lplr")
    assert not re.search(r" 0 .?B/s", result.err), result.err


def test_quiet_says_nothing(work):
    result = lplr("compress", "a.npy", *PLAN, "-o", "b.lplr", "--quiet")
    assert (result.code, result.out, result.err) == (0, b"", "")
    assert (work / "b.lplr").read_bytes() == (work / "a.lplr").read_bytes()


def test_verbose_explains_the_decisions(work):
    result = lplr("compress", "a.npy", *PLAN, "-o", "b.lplr", "-v")
    assert result.code == 0
    assert result.out == b""
    for word in ("mode factors", "method packed", "passes", "left factor 120 x", "right factor 80"):
        assert word in result.err
    assert SUMMARY.search(result.err)


def test_verbose_gives_the_time_per_stage(work):
    result = lplr("compress", "a.npy", *PLAN, "-o", "b.lplr", "-v")
    explained = [line for line in result.err.splitlines() if " -> " not in line]
    assert any(re.search(r"\d ?m?s\b", line) for line in explained), explained


def test_json(work):
    result = lplr("compress", "a.npy", *PLAN, "-o", "b.lplr", "--json")
    assert result.code == 0
    assert SUMMARY.fullmatch(result.err)
    found = json.loads(result.text)
    assert set(found) == KEYS
    assert set(found["plan"]) == PLAN_KEYS
    assert found["input"] == "a.npy"
    assert found["output"] == "b.lplr"
    assert found["shape"] == [120, 80]
    assert found["dtype"] == "float32"
    assert found["file_bytes"] == (work / "b.lplr").stat().st_size
    assert found["bits_per_coordinate"] == 8 * found["file_bytes"] / 9600
    assert found["compression_ratio"] == 4 * 9600 / found["file_bytes"]
    target = {"method": "packed", "rank": 12, "bits": 6, "bits_right": 6, **NOT_ASKED}
    assert found["plan"]["target"] == target
    a = np.load("a.npy")
    assert found["relative_frobenius_error"] == pytest.approx(
        relative_error(decoded("b.lplr"), a), rel=1e-5
    )
    assert found["max_abs_error"] == pytest.approx(np.abs(decoded("b.lplr") - a).max(), rel=1e-5)
    assert found["source_norm"] == pytest.approx(np.linalg.norm(a.astype(float)), rel=1e-6)


def test_json_and_quiet(work):
    result = lplr("compress", "a.npy", *PLAN, "-o", "b.lplr", "--json", "-q")
    assert set(json.loads(result.text)) == KEYS
    assert result.err == ""


# -- existing files, and the input


def test_an_existing_file_is_kept(work, refuses):
    refuses("compress", "a.npy", *PLAN, says=["a.lplr", "exists", "-f"])
    refuses("compress", "a.npy", *PLAN, "-o", "i.npy", says=["i.npy", "exists", "-f"])


def test_force_replaces_it(work):
    (work / "b").write_bytes(b"old")
    assert lplr("compress", "a.npy", *PLAN, "-f", "-o", "b").code == 0
    assert (work / "b").read_bytes() == (work / "a.lplr").read_bytes()


@pytest.mark.parametrize("way", ["same", "./", "absolute", "symlink", "hard link", "folder link"])
@pytest.mark.parametrize("command", ["compress", "decompress"])
def test_the_input_is_never_overwritten(work, refuses, command, way):
    name, options = ("a.npy", PLAN) if command == "compress" else ("a.lplr", ("--to", "npy"))
    output = {"same": name, "./": f"./{name}", "absolute": work / name}.get(way, "other")
    if way == "symlink":
        (work / output).symlink_to(name)
    elif way == "hard link":
        os.link(name, output)
    elif way == "folder link":
        (work / "here").symlink_to(".")
        output = f"here/{name}"
    refuses(command, name, *options, "-f", "-o", output, says=[output, "input"])


def test_an_input_that_is_a_link_is_not_overwritten_either(work, refuses):
    (work / "link.npy").symlink_to("a.npy")
    refuses("compress", "link.npy", *PLAN, "-fo", "a.npy", says=["a.npy", "input"])


@pytest.mark.parametrize("output", ["no/b.lplr", ".", "", "b/"])
def test_an_output_that_cannot_be(work, refuses, output):
    refuses("compress", "a.npy", *PLAN, "-o", output, says=[output or "''"])


# -- methods and their options


@pytest.mark.parametrize("method", ["lplr", "lsvd", "dsvd"])
def test_the_methods_of_the_paper(work, method):
    options = ("--method", method, "-r", 10, "-b", 5, "--bits-right", 7)
    result = lplr("compress", "a.npy", *options, "-fo", "b.lplr", "--json", "-q")
    assert result.code == 0, result.err
    found = json.loads(result.text)
    target = {"method": method, "rank": 10, "bits": 5, "bits_right": 7, **NOT_ASKED}
    assert found["plan"]["target"] == target
    assert found["rank"] == 10
    error = relative_error(decoded("b.lplr"), np.load("a.npy"))
    assert found["relative_frobenius_error"] == pytest.approx(error, rel=1e-5)
    assert error < 0.3


def test_nq(work):
    result = lplr("compress", "a.npy", "--method", "nq", "-b", 8, "-o", "b.lplr", "--json")
    assert result.code == 0, result.err
    assert "rank" not in result.err
    found = json.loads(result.text)
    assert found["plan"]["mode"] == "direct"
    assert found["rank"] == 0
    assert relative_error(decoded("b.lplr"), np.load("a.npy")) < 0.05


@pytest.mark.parametrize("sketch", ["gaussian", "srht", "sparse-sign"])
def test_sketches_seeds_and_iterations(work, sketch):
    def file(*options):
        result = lplr("compress", "a.npy", "--method", "lplr", "-r", 12, "-b", 8,
                      "--sketch", sketch, *options, "-fo", "b.lplr", "--json", "-q")  # fmt: skip
        assert result.code == 0, result.err
        found = json.loads(result.text)
        assert found["plan"]["sketch"] == sketch
        return found, (work / "b.lplr").read_bytes()

    first, content = file("--seed", 5)
    assert first["plan"]["seed"] == 5
    assert first["plan"]["power_iterations"] == 0
    assert file("--seed", 5)[1] == content
    assert file("--seed", 6)[1] != content
    second, _ = file("--seed", 5, "--power-iterations", 3)
    assert second["plan"]["power_iterations"] == 3
    assert second["relative_frobenius_error"] < first["relative_frobenius_error"]


def test_the_sketch_of_the_engine(work):
    a = np.random.default_rng(3).standard_normal((700, 600)).astype(np.float32)
    np.save("wide.npy", a)
    options = ("-r", 8, "-b", 4, "--oversampling", 6, "--power-iterations", 1, "--sketch", "srht")
    result = lplr("compress", "wide.npy", *options, "-o", "b.lplr", "--json", "-v")
    assert result.code == 0, result.err
    plan = json.loads(result.text)["plan"]
    if plan["basis"] == "sketch":  # a small side may be cheaper to do exactly
        assert (plan["sketch"], plan["sketch_size"], plan["power_iterations"]) == ("srht", 14, 1)
        assert "srht sketch of 14 columns" in result.err


def test_more_rank_than_there_is(work):
    result = lplr("compress", "a.npy", "-r", 5000, "-b", 8, "-o", "b.lplr", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.text)["rank"] <= 80


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ["--bpc", "--ratio", "--size", "-e", "--max-abs-error", "--rank"]),
        (("-r", 0), ["--rank", "0"]),
        (("-r", "x"), ["--rank", "x"]),
        (("-r", 4, "-b", 0), ["--bits"]),
        (("-r", 4, "-b", 17), ["--bits", "17", "16"]),
        (("-r", 4, "--bits-right", 17), ["--bits-right", "17"]),
        (("-r", 4, "--method", "svd"), ["--method", "lsvd"]),
        (("-r", 4, "--sketch", "fft"), ["--sketch", "srht"]),
        (("-r", 4, "--seed", -1), ["--seed"]),
        (("-r", 4, "--seed", 2**64), ["--seed"]),
        (("-r", 4, "-T", 0), ["--threads"]),
        (("-r", 4, "--json", "-o", "-"), ["--json", "standard output"]),
        (("-r", 4, "i.npy"), ["-o", "joined"]),
        (("-r", 4, "--level", 3), ["--level"]),
    ],
)
def test_wrong_usage(refuses, options, words):
    refuses("compress", "a.npy", *options, code=2, says=["lplr compress --help", *words])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "nq", "-r", 4), ["nq", "rank"]),
        (("--method", "nq", "--bits-right", 4), ["nq", "right"]),
        (("--method", "nq", "--sketch", "srht"), ["nq", "sketch"]),
        (("--method", "nq", "--power-iterations", 1), ["nq", "power iterations"]),
        (("--method", "lsvd", "-r", 4, "--sketch", "srht"), ["lsvd", "sketch"]),
        (("--method", "dsvd", "-r", 4, "--power-iterations", 1), ["dsvd", "power iterations"]),
        (("--method", "lplr", "-r", 4, "--oversampling", 3), ["lplr", "oversampling"]),
        (("-r", 4, "--power-iterations", 0), ["power iterations", "1 or more"]),
        (("-r", 4, "--dataset", "/u"), ["a.npy", "dataset"]),
    ],
)
def test_options_that_make_no_sense_together(work, options, words):
    result = lplr("compress", "a.npy", "-o", "b.lplr", *options)
    assert result.code in (1, 2), result
    assert not (work / "b.lplr").exists()
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


# -- the same bytes, whoever asks


def sections_and_metadata(path):
    raw = path.read_bytes()
    with path.open("rb") as file, open_container(file, str(path)) as container:
        document = container.metadata(0)
        payloads = [
            raw[s.offset : s.offset + s.length]
            for s in container.sections
            if s.tag not in ("META", "INDX", "LEND")
        ]
    return payloads, document


def test_the_number_of_threads_changes_no_byte(work):
    a = np.random.default_rng(4).standard_normal((30_000, 150)).astype(np.float32)
    np.save("tall.npy", a)
    for options in (("-r", 12, "-b", 3), ("--method", "lplr", "-r", 8), ("--method", "nq")):
        files = []
        for threads in (1, 2):
            result = lplr("compress", "tall.npy", *options, "-T", threads, "-fqo", "b.lplr")
            assert result.code == 0, result.err
            files.append((work / "b.lplr").read_bytes())
        assert files[0] == files[1], options


def test_standard_input_gives_what_the_file_gives_but_for_the_name(work):
    result = lplr("compress", "-", *PLAN, "-o", "b.lplr", stdin=(work / "a.npy").read_bytes())
    assert result.code == 0, result.err
    payloads, document = sections_and_metadata(work / "b.lplr")
    expected, named = sections_and_metadata(work / "a.lplr")
    assert payloads == expected
    assert named["array"].pop("name") == "a.npy"
    document["array"].pop("name", None)
    assert document == named


def test_two_runs_give_the_same_file(work):
    assert lplr("compress", "a.npy", *PLAN, "-o", "b.lplr").code == 0
    assert (work / "b.lplr").read_bytes() == (work / "a.lplr").read_bytes()


# -- other formats


def hdf5(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values


@pytest.mark.parametrize("by", ["name", "stdin", "dataset"])
def test_hdf5(work, by):
    a = np.load("a.npy")
    hdf5("run.h5", u=a, time=np.arange(5.0))
    stdin = (work / "run.h5").read_bytes() if by == "stdin" else b""
    options = ("--dataset", "/u") if by == "dataset" else ()
    source = "-" if by == "stdin" else "run.h5"
    result = lplr("compress", source, *PLAN, *options, "-o", "b.lplr", stdin=stdin)
    assert result.code == 0, result.err
    assert sections_and_metadata(work / "b.lplr")[0] == sections_and_metadata(work / "a.lplr")[0]
    assert lplr("decompress", "b.lplr").code == 0
    with h5py.File("b.h5") as file:
        restored = file["matrix"][:]
    np.testing.assert_array_equal(restored, decoded("a.lplr"))


def test_the_default_name_of_hdf5(work):
    hdf5("run.hdf5", u=np.load("a.npy"))
    assert lplr("compress", "run.hdf5", *PLAN).code == 0
    assert (work / "run.lplr").is_file()


@pytest.mark.parametrize("suffix", [".mtx", ".mtx.gz"])
@pytest.mark.parametrize("piped", [False, True])
def test_matrix_market(work, suffix, piped):
    s = scipy.sparse.random(150, 90, 0.05, random_state=5, dtype=np.float64)
    scipy.io.mmwrite("s.mtx", s)
    content = (work / "s.mtx").read_bytes()
    if suffix == ".mtx.gz":
        content = gzip.compress(content)
        (work / "s.mtx").unlink()
    (work / f"s{suffix}").write_bytes(content)
    stdin = content if piped else b""
    source = "-" if piped else f"s{suffix}"
    options = ("-o", "s.lplr") if piped else ()
    result = lplr("compress", source, "-r", 60, "-b", 8, *options, "--json", stdin=stdin)
    assert result.code == 0, result.err
    found = json.loads(result.text)
    assert (found["shape"], found["dtype"]) == ([150, 90], "float64")
    error = relative_error(decoded("s.lplr"), s.toarray())
    assert found["relative_frobenius_error"] == pytest.approx(error, rel=1e-4)
    assert error < 0.3
    result = lplr("decompress", "s.lplr", "-o", "t.mtx")
    assert result.code == 0, result.err
    np.testing.assert_array_equal(scipy.io.mmread("t.mtx"), decoded("s.lplr"))


@pytest.mark.parametrize("dtype", ["float16", "float64", "int64", "uint8", "bool", ">f4"])
def test_every_type_comes_back(work, dtype):
    a = np.load("i.npy")
    a = (a > 20) if dtype == "bool" else np.abs(a).astype(dtype)
    np.save("t.npy", a)
    assert lplr("compress", "t.npy", "-r", 60, "-b", 8).code == 0
    back = decoded("t.lplr")
    assert back.dtype == np.dtype(dtype).newbyteorder("=")
    assert relative_error(back.astype(float), a.astype(float)) < 0.3


# -- terminals


def test_progress_is_shown_on_a_terminal_and_goes_away(work):
    result, shown = on_terminal("compress", "a.npy", *PLAN, "-fo", "b.lplr", cwd=work)
    assert result.code == 0, shown
    assert "compressing" in shown
    assert "None" not in shown
    assert "compressing: write" in shown  # the last stage is drawn, however short
    assert SUMMARY.search(shown.replace("\r\n", "\n")), shown
    assert "\x1b[?25h" in shown  # the cursor is back


def test_no_progress_on_a_terminal(work):
    result = lplr("compress", "a.npy", *PLAN, "-fo", "b", "--no-progress", terminal=True)
    assert result.code == 0, result.err
    assert "compressing" not in result.err
    assert "\x1b" not in result.err
    assert "a.npy -> b: " in result.err
    shown = lplr("compress", "a.npy", *PLAN, "-fo", "b", terminal=True).err
    assert "compressing" in shown


def test_the_first_run_says_that_it_compiles(work):
    environment = {**ENVIRONMENT, "NUMBA_CACHE_DIR": str(work / "cache")}
    # The method that runs the fewest kernels.
    command = ("compress", "a.npy", "--method", "nq", "-fo", "b.lplr", "--no-progress")
    _, first = on_terminal(*command, cwd=work, env=environment)
    _, second = on_terminal(*command, cwd=work, env=environment)
    assert "compiling" in first
    assert "compiling" not in second
    assert first.count("\n") == 2


def test_progress_can_be_forced_into_a_pipe(work):
    result = lplr("compress", "a.npy", *PLAN, "-qo", "b.lplr", "--progress")
    assert result.code == 0
    assert "compressing" in result.err
    assert "a.npy ->" not in result.err
