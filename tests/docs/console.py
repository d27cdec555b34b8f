"""Blocks of the manual, run as a reader would run them.

A fence ``console`` holds commands after ``$ `` and what each prints; a fence ``python`` is a
script. Those of one page run in their order, in one folder. Fences ``sh`` are read, not run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from lplrcli.cli import main as command_line
from lplrcli.cli.command import COMPILING

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(console|python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\d)")
_SPEED = re.compile(r", [\d.e+-]+ s, [\d.e+-]+ [kMGT]?B/s$", re.MULTILINE)
_TOLERANCE = 0.03
"""Another processor sums in another order, and a trellis then takes another path."""


@dataclass(frozen=True)
class Block:
    """One fence of a page.

    Attributes
    ----------
    kind : str
        ``console``, ``python`` or ``sh``.
    text : str
        What stands in it.
    """

    kind: str
    text: str

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command, and what the page says that it prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed.rstrip("\n")


def blocks(page: Path) -> list[Block]:
    """All fences of a page, in order."""
    return [Block(*found.groups()) for found in _FENCE.finditer(page.read_text())]


def run_command(command: str) -> str:
    """What a command prints, on either stream: in this process if it is ``lplr`` alone."""
    words = shlex.split(command, comments=True)
    if words[0] != "lplr" or set(words) & {"|", ">", "&&", ";"}:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": path},
        )  # fmt: skip
        return _told(done.stderr) + done.stdout
    printed = io.StringIO()
    with (
        mock.patch.object(sys, "argv", words),
        mock.patch.object(command_line, "end_on_signals"),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        contextlib.suppress(SystemExit),
    ):
        command_line.run()
    return _told(printed.getvalue())


def _told(text: str) -> str:
    """What is printed, but for the news that kernels are compiled."""
    return text.replace(f"{COMPILING}\n", "")


def run_script(text: str, names: dict[str, Any]) -> None:
    """Run a Python block with what the blocks before it have left."""
    exec(compile(text, "<page>", "exec"), names)


def differences(expected: str, printed: str) -> str | None:
    """What of the lines that a page shows is not printed: None if all is.

    Numbers may differ by `_TOLERANCE`, times are not compared. A line of three dots stands for any
    number of lines, and three dots at the end of a line for its rest.
    """
    wanted = _SPEED.sub("", expected).split("\n")
    found = _SPEED.sub("", printed.rstrip("\n")).split("\n")
    position, skipping = 0, False
    for line in wanted:
        if line.strip() == "...":
            skipping = True
            continue
        while position < len(found) and skipping and not _alike(line, found[position]):
            position += 1
        if position == len(found) or not _alike(line, found[position]):
            shown = found[position] if position < len(found) else "nothing more"
            return f"the page says:\n{line}\nprinted is:\n{shown}\n\nall of it:\n{printed}"
        position, skipping = position + 1, False
    if position < len(found) and not skipping:
        return f"the page does not show:\n{found[position]}\n\nall that is printed:\n{printed}"
    return None


def _alike(expected: str, printed: str) -> bool:
    if expected.endswith(" ..."):
        words = expected.split(" ")[:-1]
        expected, printed = " ".join(words), " ".join(printed.split(" ")[: len(words)])
    if _text(expected) != _text(printed):
        return False
    numbers = zip(_NUMBER.findall(expected), _NUMBER.findall(printed), strict=True)
    return all(_close(float(one), float(other)) for one, other in numbers)


def _text(line: str) -> str:
    """The words of a line: columns move with the digits in them."""
    return " ".join(_NUMBER.sub("#", line).split())


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= max(_TOLERANCE * max(abs(one), abs(other)), 1 if one >= 20 else 0)
