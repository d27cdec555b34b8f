"""Pipes, terminals, signals and full disks, through real processes."""

from __future__ import annotations

import io
import json
import re
import resource
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from lplr_command import (
    lplr,
    on_terminal,
    refused,
    run,
    shell,
    start,
    temporary_files,
    wait_until,
)

SIGNALS = {signal.SIGINT: (-signal.SIGINT, 130), signal.SIGTERM: (-signal.SIGTERM, 143)}


# -- shell lines


def test_the_pipe_of_the_readme(work):
    line = "cat a.npy | lplr compress - -r 64 -b 2 -o - | lplr decompress - -o - > b.npy"
    result = shell(line, work)
    assert (result.code, result.out) == (0, b"")
    a, b = np.load("a.npy"), np.load("b.npy")
    assert (b.shape, b.dtype) == (a.shape, a.dtype)
    assert np.linalg.norm(a - b) < 0.5 * np.linalg.norm(a)
    assert len(result.err.splitlines()) == 2  # a summary of each


def test_json_into_another_tool(work):
    result = shell('lplr inspect --json a.lplr | "$PYTHON" -m json.tool', work)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.text)["files"][0]["path"] == "a.lplr"


def test_the_first_line_of_a_listing(work):
    result = shell("lplr inspect a.lplr | head -1", work)
    assert (result.code, result.err) == (0, "")
    assert result.text.startswith("file")
    assert result.text.count("\n") == 1


def test_standard_input_redirected_from_a_file(work):
    assert shell("lplr inspect - < a.lplr", work).text.startswith("file")
    result = shell("lplr compress - -r 12 -b 6 -qo - < a.npy > b.lplr", work)
    assert (result.code, result.err) == (0, "")
    assert lplr("inspect", "b.lplr", "--against", "a.npy").code == 0


def test_an_output_whose_name_is_that_of_a_pipe(work):
    result = shell("lplr decompress a.lplr --to npy -qo /dev/stdout | cat > b.npy", work)
    assert result.err == ""
    assert np.load("b.npy").shape == (120, 80)


def test_a_named_pipe_as_input(work):
    result = shell("mkfifo p; cat a.lplr > p & lplr inspect p --json", work)
    assert result.code == 0, result.err
    assert json.loads(result.text)["files"][0]["path"] == "p"


# -- a reader that leaves


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("inspect", "a.lplr"),
        ("inspect", "a.lplr", "i.lplr"),
        ("inspect", "--json", "a.lplr"),
        ("decompress", "a.lplr", "-qo", "-"),
        ("decompress", "a.lplr", "-qo", "-", "--to", "h5"),
        ("decompress", "a.lplr", "-qo", "-", "--to", "mtx", "--gzip"),
        ("compress", "a.npy", "-r", "4", "-qo", "-"),
    ],
    ids=" ".join,
)
def test_a_broken_pipe_ends_quietly(work, arguments):
    with start(*arguments, cwd=work) as process:
        process.stdin.close()
        process.stdout.close()
        err = process.stderr.read()
    assert err == b""
    # As the shell expects of a program that SIGPIPE stopped.
    assert process.returncode in (-signal.SIGPIPE, 128 + signal.SIGPIPE)


# -- streams that are closed or full


def test_closed_standard_output(work):
    for line in ("inspect a.lplr", "inspect --json a.lplr", "compress a.npy --bpc 1 --dry-run"):
        refused(shell(f"lplr {line} >&-", work), 1, "<stdout>", "closed")
    result = shell("lplr decompress a.lplr -o - >&-", work)
    refused(result, 1, "<stdout>", "closed")


def test_closed_standard_input(work):
    result = shell("lplr compress - -r 4 -o b.lplr <&-", work)
    refused(result, 1, "<stdin>", "closed")


def test_closed_standard_error(work):
    assert shell("lplr decompress a.lplr -fo b.npy 2>&-", work).code == 0
    assert np.load("b.npy").shape == (120, 80)
    assert shell("lplr decompress none.lplr 2>&-", work).code == 1


@pytest.mark.parametrize(
    "line",
    [
        "lplr decompress a.lplr -o - > /dev/full",
        "lplr decompress a.lplr -o - --to h5 > /dev/full",
        "lplr decompress a.lplr -o /dev/full",
        "lplr compress a.npy -r 4 -o - > /dev/full",
    ],
)
def test_a_full_device(work, line):
    refused(shell(line, work), 1, "No space left", "<stdout>" if ">" in line else "/dev/full")


@pytest.mark.parametrize("line", ["lplr inspect a.lplr", "lplr inspect --json a.lplr"])
def test_a_listing_onto_a_full_device(work, line):
    refused(shell(f"{line} > /dev/full", work), 1, "No space left", "stdout")


# -- terminals


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress", "a.npy", "-r", "4", "-o", "-"),
        ("decompress", "a.lplr", "-o", "-"),
        ("decompress", "a.lplr", "-o", "-", "--to", "h5"),
    ],
    ids=" ".join,
)
def test_binary_data_is_not_written_to_a_terminal(work, arguments):
    result, shown = on_terminal(*arguments, terminal=("stdout",), cwd=work)
    refused(result, 1, "terminal", "-o")
    assert shown == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress", "-", "-r", "4", "-o", "b.lplr"),
        ("decompress", "-", "-o", "b.npy"),
        ("inspect", "-"),
    ],
    ids=" ".join,
)
def test_nothing_is_awaited_from_a_terminal(work, arguments):
    result, _ = on_terminal(*arguments, terminal=("stdin",), cwd=work)
    refused(result, 1, "terminal")


# -- interrupts


def interrupted(folder, number, condition, *arguments, **options):
    """Start a command, send it a signal once it works, and see that it leaves nothing."""
    (folder / "out").write_bytes(b"old")
    process = start(*arguments, "-fo", "out", cwd=folder, **options)
    try:
        wait_until(condition(process), process)
        assert temporary_files(folder)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode in SIGNALS[number]
    assert (out, err.strip()) == (b"", b"")
    assert not temporary_files(folder)
    assert (folder / "out").read_bytes() == b"old"


def written(folder, size):
    """When the temporary file holds `size` bytes."""

    def condition(process):
        return lambda: any(path.stat().st_size >= size for path in temporary_files(folder))

    return condition


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_compress_interrupted_while_it_waits_for_its_input(tmp_path, large, number):
    def fed(process):
        process.stdin.write((large / "b.npy").read_bytes()[:1_000_000])
        process.stdin.flush()
        return lambda: bool(temporary_files(tmp_path))

    interrupted(tmp_path, number, fed, "compress", "-", "-r", "4")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_compress_interrupted_while_it_computes(tmp_path, large, number):
    # The progress bar tells when it does; it goes to a file, which can be read meanwhile.
    log = tmp_path / "log"
    plan = ("-r", "64", "--oversampling", "200", "--power-iterations", "50", "--progress")
    (tmp_path / "out").write_bytes(b"old")
    with log.open("wb") as stderr:
        process = start("compress", large / "b.npy", *plan, "-fo", "out", cwd=tmp_path,
                        stderr=stderr)  # fmt: skip
    try:
        wait_until(lambda: re.search(rb"pass [2-9]", log.read_bytes()), process)
        assert temporary_files(tmp_path)
        process.send_signal(number)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode in SIGNALS[number]
    shown = log.read_text()
    assert "Traceback" not in shown
    assert "Exception" not in shown
    assert "\x1b[?25h" in shown  # the cursor is back
    assert not temporary_files(tmp_path)
    assert (tmp_path / "out").read_bytes() == b"old"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("to", ["mtx", "h5"])
def test_decompress_interrupted(tmp_path, large, number, to):
    options = ("--gzip",) if to == "h5" else ()
    condition = written(tmp_path, 10_000)
    interrupted(tmp_path, number, condition, "decompress", large / "b.lplr", "--to", to, *options)


def test_decompress_into_a_pipe_interrupted(large):
    with start("decompress", large / "b.lplr", "-qo", "-") as process:
        assert process.stdout.read(128).startswith(b"\x93NUMPY")
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
        process.stdout.close()
    assert process.returncode in SIGNALS[signal.SIGINT]
    assert err.strip() == b""


def ignoring(number):
    return lambda: signal.signal(number, signal.SIG_IGN)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ignored_by_the_parent_stays_ignored(tmp_path, large, number):
    """As nohup does, and a shell for what it runs in the background."""
    part = (large / "b.lplr").read_bytes()
    with start(
        "decompress", "-", "--to", "npy", "-qo", "out", cwd=tmp_path, preexec_fn=ignoring(number)
    ) as process:
        process.stdin.write(part[:1000])
        process.stdin.flush()
        # It has read nothing to its end yet, so it cannot have finished.
        wait_until(lambda: _waits_in(process), process)
        process.send_signal(number)
        out, err = process.communicate(part[1000:], timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")
    assert (tmp_path / "out").stat().st_size == 128 + 4 * 10_000_000


def _waits_in(process):
    """Whether the command has opened the unnamed file to which it copies its input."""
    listing = subprocess.run(
        ["ls", "-l", f"/proc/{process.pid}/fd"], capture_output=True, text=True, check=False
    )
    return "(deleted)" in listing.stdout


# -- a disk that is full


LIMIT = 1 << 18


def small_files():
    """Let no file grow beyond a limit; Python ignores the signal, so writes fail."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


def limited(folder, *arguments, **options):
    before = {path.name for path in folder.iterdir()}
    result = run(*arguments, cwd=folder, preexec_fn=small_files, **options)
    assert {path.name for path in folder.iterdir()} == before
    return result


@pytest.mark.parametrize(
    ("to", "force"),
    [("npy", False), ("npy", True), ("h5", True), ("mtx", False), ("mtx.gz", False)],
)
def test_decompress_onto_a_full_disk(tmp_path, large, to, force):
    output = f"out.{to}"
    if force:
        (tmp_path / output).write_bytes(b"old")
    result = limited(
        tmp_path, "decompress", large / "b.lplr", "--rows", ":1000", "-o", output,
        *(("-f",) if force else ()),
    )  # fmt: skip
    refused(result, 1, output, "File too large")
    if force:
        assert (tmp_path / output).read_bytes() == b"old"


def test_compress_onto_a_full_disk(tmp_path, large):
    np.save(tmp_path / "a.npy", np.load(large / "b.npy", mmap_mode="r")[:1000, :300])
    result = limited(tmp_path, "compress", "a.npy", "-r", "130", "-b", "16", "-o", "out.lplr")
    refused(result, 1, "out.lplr", "File too large")


@pytest.mark.parametrize("command", [("compress", "-", "-r", "4"), ("decompress", "-")])
def test_no_room_to_copy_standard_input(tmp_path, command):
    stream = io.BytesIO()
    np.save(stream, np.zeros((400, 400)))
    result = limited(tmp_path, *command, "-o", "out", stdin=stream.getvalue())
    refused(result, 1, "<stdin>", "File too large", "TMPDIR")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "-"])
@pytest.mark.parametrize("kind", ["compress", "h5"])
def test_output_is_appended_where_the_shell_says_so(work, name, kind):
    """Nothing of what was there is lost, and -f has nothing to do with it."""
    line = "compress a.npy -r 2 -b 4" if kind == "compress" else "decompress a.lplr --to h5"
    result = shell(
        f"printf before > out && lplr {line} -o {name} >> out && printf after >> out", work
    )
    assert result.code == 0, result.err
    result = shell(f"lplr {line} -o {name} > alone", work)
    assert result.code == 0, result.err
    assert Path("out").read_bytes() == b"before" + Path("alone").read_bytes() + b"after"
    assert len(Path("alone").read_bytes()) > 100
