"""What a command loads, and so how fast it starts."""

from __future__ import annotations

import importlib
import json

import click
import pytest
from lplr_command import ENVIRONMENT, lplr, refused, run, shell

from lplrcli.cli.main import COMMANDS, LazyGroup
from lplrcli.errors import PlanError

SCRIPT = """
import contextlib, io, json, pathlib, sys
from lplrcli.cli.main import run
place, *commands = sys.argv[1:]
texts = []
for command in commands:
    sys.argv = ["lplr", *command.split()]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            run()
        except SystemExit as stop:
            assert not stop.code, command
    texts.append(out.getvalue())
pathlib.Path(place).write_text(json.dumps([sorted(sys.modules), texts]))
"""
HEAVY = {"numpy", "numba", "llvmlite", "h5py", "scipy", "dask", "rich", "matplotlib", "zarr"}
HELP = ["--version", "--help", "-h", *(f"{name} --help" for name in COMMANDS)]


def loaded(folder, *commands, monkeypatch):
    """Modules that a fresh process has after these commands, and what each of them printed."""
    place = folder / "modules.json"
    with monkeypatch.context() as patch:
        patch.setattr("lplr_command.COMMAND", [ENVIRONMENT["PYTHON"], "-c", SCRIPT, str(place)])
        result = run(*commands, cwd=folder)
    assert result.code == 0, result.err
    modules, texts = json.loads(place.read_text())
    return set(modules), texts, result.err


def test_help_and_version_load_nothing_heavy(work, monkeypatch):
    modules, texts, err = loaded(work, *HELP, monkeypatch=monkeypatch)
    assert not modules & HEAVY
    assert err == ""
    for arguments, text in zip(HELP, texts, strict=True):
        if "--version" in arguments:
            assert text.startswith("lplr 0.")
            continue
        assert text.startswith("Usage: lplr")
        assert "Example" in text
        if " " in arguments and "completion" not in arguments:
            assert "default: " in text


@pytest.mark.parametrize(
    ("commands", "absent"),
    [
        (["inspect a.lplr", "inspect --json a.lplr"], HEAVY),
        (["inspect a.lplr i.lplr"], HEAVY - {"rich"}),
        (
            [
                "decompress a.lplr -fo b.npy",
                "decompress a.lplr --rows 2:4 -fo b.npy",
                "verify a.lplr",
            ],
            HEAVY - {"numpy"},
        ),
        (
            [
                "compress a.npy -r 4 -fo b.lplr",
                "compress a.npy -e 0.1 -fo b.lplr",
                "append a.lplr a.npy -qfo b.lplr",
                "plan a.npy",
            ],
            {"h5py", "dask", "rich", "zarr", "matplotlib"},
        ),
    ],
    ids=lambda value: value[0].split()[0] if isinstance(value, list) else "",
)
def test_commands_load_what_they_need(work, commands, absent, monkeypatch):
    modules, _, _ = loaded(work, *commands, monkeypatch=monkeypatch)
    assert not modules & absent


def test_no_arguments_show_the_help():
    result = lplr()
    assert "Commands:" in result.text + result.err
    assert result.code in (0, 2)


@pytest.mark.parametrize("arguments", [["--version"], ["plan", "--help"], ["inspect", "a.lplr"]])
def test_what_is_printed_needs_standard_output(work, arguments):
    result = shell(f"lplr {' '.join(arguments)} >&-", work)
    refused(result, 1, "<stdout>: standard output is closed")


def test_an_unknown_command():
    refused(lplr("frobnicate"), 2, "frobnicate", *COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["compres", "a.npy"], "Did you mean 'compress'?"),
        (["decompres"], "Did you mean 'decompress'?"),
        (["info"], "There are: "),
        (["compress", "a.npy", "--rel-eror", "1"], "--rel-error"),
        (["inspect", "a.lplr", "--agains", "a.npy"], "--against"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_was_perhaps_meant(arguments, meant):
    refused(lplr(*arguments), 2, meant)


def test_an_unknown_command_of_a_real_process(work):
    refused(run("frobnicate", cwd=work), 2, "frobnicate")


def test_every_command_is_a_module_of_its_name():
    for name in COMMANDS:
        command = importlib.import_module(f"lplrcli.cli.{name}").command
        assert command.name == name
        assert command.help


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PlanError("that cannot be"), PlanError.exit_code, "that cannot be"),
        (MemoryError(), 1, "not enough memory"),
        (OSError(28, "No space left on device", "b.npy"), 1, "b.npy: No space left"),
        (ZeroDivisionError("oops"), 1, "internal error: ZeroDivisionError: oops"),
        (OSError(5, "bad \x1b[2J"), 1, "bad"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_is_text_and_an_exit_status(error, code, words, monkeypatch):
    def failing():
        raise error

    command = click.Command("verify", callback=failing)
    monkeypatch.setattr(LazyGroup, "get_command", lambda *_: command)
    result = lplr("verify")
    assert result.code == code
    assert words in result.err
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err
    with pytest.raises(type(error)):
        lplr("--debug", "verify")
