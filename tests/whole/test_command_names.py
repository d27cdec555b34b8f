"""Names of files, arrays and arguments: any bytes work, and none does anything to a terminal."""

from __future__ import annotations

import os
import re
import shutil
import sys

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lplr_command import lplr, on_terminal, run

from lplrcli.cli.main import COMMANDS

NASTY = "x\x1b]0;owned\x07\x1b[31mred\nline\u202e"
ORDERS = ("\x1b]0;", "\x07", "\x1b[31m", "\u202e", "red\r\nline", "red\nline")
"""What of that name would set a title, ring, colour, turn the text, and forge a line."""

LATIN1 = os.fsdecode(b"donn\xe9es")


def commands(name, original):
    """One run of every command, successes and failures, with files of that name."""
    compressed = f"{name}.lplr"
    return {
        "compress": ("compress", original, "-r", 2, "-b", 8, "-f", "-v", "-o", compressed),
        "dry run": ("compress", original, "-r", 2, "-b", 8, "--dry-run"),
        "append": ("append", compressed, original, "-e", 9, "-v", "-o", f"{name}2.lplr"),
        "decompress": ("decompress", compressed, "-f", "-v", "-o", f"{name}out.npy"),
        "verify": ("verify", compressed, "--against", original),
        "recover": ("recover", compressed, "-f", "-o", f"{name}rest.npy"),
        "inspect": ("inspect", compressed, "-v", "--against", original, "--spectrum"),
        "table": ("inspect", compressed, compressed),
        "plan": ("plan", original, "--plot", f"{name}.svg", "-f"),
        "compare": ("compare", original, "--method", "nq", "--bpc", 4),
    }


FAILURES = {
    "no input": ("compress", NASTY, "--bpc", 1),
    "no file": ("verify", NASTY),
    "no dataset": ("compress", "h.h5", "--dataset", f"{NASTY}.", "--bpc", 1),
    "listed datasets": ("compress", "h.h5", "--bpc", 1),
    "no command": (NASTY,),
    "no option": ("compress", f"--{NASTY}"),
    "no number": ("compress", "a.npy", f"--rank={NASTY}"),
    "no choice": ("decompress", "a.lplr", "--to", NASTY),
    "one too many": ("decompress", "a.lplr", NASTY),
    "no suffix": ("decompress", "a.lplr", "-o", f"a.{NASTY}"),
    "no format": ("compress", f"{NASTY}.txt", "--bpc", 1),
}


def test_every_command_is_run_here():
    # `completion` prints a script, and takes no name.
    run = {arguments[0] for arguments in commands("a", "b").values()}
    assert run == set(COMMANDS) - {"completion"}


def is_harmless(shown):
    found = [order for order in ORDERS if order in shown]
    assert not found, (found, shown)


def test_no_command_passes_a_name_on_to_a_terminal(work):
    """In summaries, tables, explanations and notes, on either stream, and beside a progress bar."""
    shutil.copy("a.npy", f"{NASTY}.npy")
    for name, arguments in commands(NASTY, f"{NASTY}.npy").items():
        result, shown = on_terminal(*arguments, terminal=("stdout", "stderr"))
        assert result.code == 0, (name, shown)
        is_harmless(shown)
        assert "owned" in shown, (name, shown)


@pytest.mark.parametrize("which", FAILURES)
def test_no_error_does(work, which):
    (work / f"{NASTY}.txt").write_text("no matrix\n")
    with h5py.File("h.h5", "w") as file:
        file[NASTY] = file["b"] = np.ones((3, 4))
    result = lplr(*FAILURES[which], terminal=True)
    assert result.code in (1, 2, 3), result
    is_harmless(result.text + result.err)
    assert "owned" in result.err


@given(
    st.sampled_from(
        [
            ("{}",),
            *((command, "{}") for command in COMMANDS if command != "verify"),
            *((command, "--{}") for command in COMMANDS),
            *((command, "-T", "{}") for command in COMMANDS),
            *((command, "--threads={}") for command in COMMANDS),
        ]
    ),
    st.text(
        st.characters(exclude_characters="\0/", exclude_categories=["Cs"])
        | st.sampled_from("\x1b\x9b\n\r\t\x07\u202e\u2066\u2028\udce9\udcff"),
        min_size=1,
        max_size=12,
    ),
)
def test_whatever_the_arguments_are_the_text_is_printable(arguments, value):
    result = lplr(*(argument.format(value) for argument in arguments))
    if result.code:
        lines = result.err.split("\n")
        assert all(line.isprintable() for line in lines), lines
        assert len(lines) <= 8


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text there")
def test_names_that_are_no_text_work_in_every_command(work):
    shutil.copy("a.npy", f"{LATIN1}.npy")
    for name, arguments in commands(LATIN1, f"{LATIN1}.npy").items():
        result = lplr(*arguments)
        assert result.code == 0, (name, result.err)
        assert r"donn\udce9es" in result.text + result.err
    assert np.load(f"{LATIN1}out.npy").shape == (120, 80)
    result = lplr("inspect", "--json", f"{LATIN1}.lplr")
    assert r'"path": "donn\udce9es.lplr"' in result.text
    assert r'"name": "donn\ufffdes.npy"' in result.text


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text there")
def test_names_that_are_no_text_work_in_every_format(work):
    import safetensors.numpy
    import scipy.io
    import scipy.sparse
    import zarr

    folder = work / LATIN1
    folder.mkdir()
    a = np.load("a.npy")
    np.save(folder / "a.npy", a)
    np.savez(folder / "a.npz", a=a)
    (folder / "a.safetensors").write_bytes(safetensors.numpy.save({"a": a}))
    a.tofile(folder / "a.bin")
    with h5py.File(folder / "a.h5", "w") as file:
        file["a"] = a
    with (folder / "a.mtx").open("wb") as stream:
        scipy.io.mmwrite(stream, a, precision=9)
    scipy.sparse.save_npz(folder / "s.npz", scipy.sparse.csr_array(a))
    zarr.save_array(str(folder / "a.zarr"), a)
    shutil.make_archive("zipped", "zip", folder / "a.zarr")
    shutil.move("zipped.zip", folder / "a.zarr.zip")
    for path in sorted(folder.iterdir()):
        raw = ("--shape", "120x80", "--dtype", "float32") if path.suffix == ".bin" else ()
        result = lplr("compress", path, *raw, "-r", 2, "-b", 8, "-f", "-o", folder / "o.lplr")
        assert result.code == 0, (path, result.err)
    for suffix in ("npy", "h5", "mtx", "mtx.gz"):
        result = lplr("decompress", folder / "o.lplr", "-o", folder / f"restored.{suffix}")
        assert result.code == 0, (suffix, result.err)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text there")
def test_a_process_takes_such_a_name_from_its_arguments(work):
    shutil.copy("a.npy", f"{LATIN1}.npy")
    result = run("compress", f"{LATIN1}.npy", "--bpc", 2, cwd=work)
    assert result.code == 0, result.err
    assert re.match(r"donn\\udce9es.npy -> donn\\udce9es.lplr: ", result.err)
