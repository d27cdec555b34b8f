"""Completion: a script for each shell, and what may stand next on a line."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from lplr_command import ENVIRONMENT, lplr, refused

from lplrcli.cli.completion import SHELLS
from lplrcli.cli.main import COMMANDS


def offered(monkeypatch, *words):
    """What a shell is answered for the last of these words."""
    monkeypatch.setenv("_LPLR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(("lplr", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    result = lplr()
    assert (result.code, result.err) == (0, "")
    return [tuple(line.split(",", 1)) for line in result.text.splitlines()]


def test_commands_options_values_and_files_are_completed(monkeypatch):
    assert offered(monkeypatch, "comp") == [
        ("plain", name) for name in COMMANDS if name.startswith("comp")
    ]
    assert offered(monkeypatch, "compress", "--ma") == [("plain", "--max-abs-error")]
    assert offered(monkeypatch, "compress", "--mode", "f") == [
        ("plain", "factors"), ("plain", "factors+residual"),
    ]  # fmt: skip
    assert offered(monkeypatch, "inspect", "a.lplr", "b") == [("file", "b")]
    assert offered(monkeypatch, "compress", "a.npy", "-o", "b") == [("file", "b")]
    assert offered(monkeypatch, "verify", "a", "--against", "b") == [("file", "b")]
    assert offered(monkeypatch, "completion", "b") == [("plain", "bash")]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_what_the_shell_understands(shell):
    result = lplr("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"_LPLR_COMPLETE={shell}_complete" in result.text
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n"], input=result.out, check=True)


def test_bash_completes(tmp_path):
    program = shutil.which("bash")
    if program is None:
        pytest.skip("bash is not installed")
    command = tmp_path / "lplr"
    command.write_text('#!/bin/sh\nexec "$PYTHON" -m lplrcli "$@"\n')
    command.chmod(0o755)
    script = (
        'eval "$(lplr completion bash)"\n'
        "COMP_WORDS=(lplr decompress --max)\nCOMP_CWORD=2\n_lplr_completion lplr\n"
        'echo "${COMPREPLY[@]}"\ncomplete -p lplr\n'
    )
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    done = subprocess.run(
        [program, "--norc", "-c", script], env={**ENVIRONMENT, "PATH": path},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, second = done.stdout.splitlines()
    assert first == "--max-output"
    assert "_lplr_completion" in second


def test_another_shell_is_refused():
    refused(lplr("completion", "tcsh"), 2, "tcsh", "bash", "zsh", "fish")
