"""What a command loads, and so how fast it starts."""

from __future__ import annotations

import json

import pytest
from lplr_command import ENVIRONMENT, run

SCRIPT = """
import json, pathlib, sys
from lplrcli.cli.main import run
place, *arguments = sys.argv[1:]
sys.argv = ["lplr", *arguments]
try:
    run()
finally:
    pathlib.Path(place).write_text(json.dumps(sorted(sys.modules)))
"""
HEAVY = {"numpy", "numba", "llvmlite", "h5py", "scipy", "dask", "rich", "matplotlib", "zarr"}


def loaded(folder, *arguments, monkeypatch):
    place = folder / "modules.json"
    with monkeypatch.context() as patch:
        patch.setattr("lplr_command.COMMAND", [ENVIRONMENT["PYTHON"], "-c", SCRIPT, str(place)])
        result = run(*arguments, cwd=folder)
    assert result.code == 0, result.err
    return set(json.loads(place.read_text())), result


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("-h",),
        ("compress", "--help"),
        ("append", "--help"),
        ("decompress", "--help"),
        ("verify", "--help"),
        ("recover", "--help"),
        ("inspect", "--help"),
        ("plan", "--help"),
        ("compare", "--help"),
    ],
    ids=" ".join,
)
def test_help_and_version_load_nothing_heavy(work, arguments, monkeypatch):
    modules, result = loaded(work, *arguments, monkeypatch=monkeypatch)
    assert not modules & HEAVY
    assert result.err == ""
    if "--version" in arguments:
        assert result.text.startswith("lplr 0.")
        return
    assert result.text.startswith("Usage: lplr")
    assert "Example" in result.text
    if len(arguments) > 1:
        assert "default: " in result.text


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (("inspect", "a.lplr"), HEAVY),
        (("inspect", "--json", "a.lplr"), HEAVY),
        (("inspect", "a.lplr", "i.lplr"), HEAVY - {"rich"}),
        (("decompress", "a.lplr", "-fo", "b.npy"), HEAVY - {"numpy"}),
        (("decompress", "a.lplr", "--rows", "2:4", "-fo", "b.npy"), HEAVY - {"numpy"}),
        (("compress", "a.npy", "-r", "4", "-fo", "b.lplr"), {"h5py", "dask", "rich", "zarr"}),
        (("compress", "a.npy", "-e", "0.1", "-fo", "b.lplr"), {"h5py", "dask", "rich", "zarr"}),
        (("verify", "a.lplr"), HEAVY - {"numpy"}),
        (("append", "a.lplr", "a.npy", "-qfo", "b.lplr"), {"h5py", "dask", "rich", "zarr"}),
        (("plan", "a.npy"), {"h5py", "dask", "rich", "matplotlib"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_commands_load_what_they_need(work, arguments, absent, monkeypatch):
    modules, _ = loaded(work, *arguments, monkeypatch=monkeypatch)
    assert not modules & absent


def test_no_arguments_show_the_help(work):
    result = run(cwd=work)
    assert "Commands:" in result.text + result.err
    assert result.code in (0, 2)


def test_an_unknown_command(work):
    result = run("frobnicate", cwd=work)
    assert result.code == 2
    assert "frobnicate" in result.err
