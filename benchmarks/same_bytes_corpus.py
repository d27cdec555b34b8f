"""The commands of ``same_bytes.py``, a line each, by group.

A line is what would follow ``lplr`` in a shell, after the exit status if that is not 0; ``< FILE``
is standard input from a file, ``| FILE`` from a pipe. Besides

- every command gets ``-T 1`` where no number of threads is given, and ``--json`` where standard
  output is not the matrix and the line does not begin with ``plain``;
- ``compress`` gets an output of its own where none is given, and what `compress` and `append` write
  is shown by ``inspect`` and restored by ``decompress``, each a command more;
- ``api KIND FILE key=value ...`` is a call of ``lplrcli.compress`` with an array whose slices are
  counted (`array`, `dask`, `zarr`), and ``counted://FILE`` an input whose ranges are counted;
- ``flip:F FROM TO`` and ``cut:F FROM TO`` damage a file at a fraction of its bytes, ``copy FROM
  TO`` copies it; these are no commands.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINES = Path(__file__).with_name("same_bytes.txt")

PREPARING = ("flip", "cut", "copy")


@dataclass(frozen=True)
class Step:
    """One command, or one thing to be done between commands.

    Attributes
    ----------
    group : str
        What it is to show.
    arguments : tuple of str
        Of ``lplr``, of the call, or of what is done to files.
    kind : str
        Empty for a command; else the first word of the line, or the kind of counted array.
    status : int
        The exit status that it has to have.
    stdin : str or None
        File that is standard input.
    piped : bool
        Whether that comes through a pipe.
    printed : bool
        Whether standard output is the matrix or the file.
    """

    group: str
    arguments: tuple[str, ...]
    kind: str = ""
    status: int = 0
    stdin: str | None = None
    piped: bool = False
    printed: bool = False

    @property
    def text(self) -> str:
        """The command as it would be typed."""
        head = ("api", self.kind) if self.kind else ("lplr",)
        tail = f" {'|' if self.piped else '<'} {self.stdin}" if self.stdin else ""
        return shlex.join((*head, *self.arguments)) + tail


def steps() -> Iterator[Step]:
    """All steps, in their order."""
    group, number = "", 0
    for line in LINES.read_text().splitlines():
        if line.startswith("# "):
            group, number = line[2:], 0
        elif line.strip():
            number += 1
            yield from _steps_of(group, number, shlex.split(line))


def _steps_of(group: str, number: int, words: list[str]) -> Iterator[Step]:
    status = int(words.pop(0)) if words[0].isdigit() else 0
    stem = f"{group.replace(' ', '-')}-{number}"
    if words[0].partition(":")[0] in PREPARING:
        yield Step(group, tuple(words[1:]), words[0])
        return
    if words[0] == "api":
        kind, path, *options = words[1:]
        yield Step(group, (path, f"{stem}.lplr", *options), kind, status)
        return
    plain = words[0] == "plain"
    words = words[plain:]
    stdin, piped = None, False
    if words[-2:-1] and words[-2] in "<|":
        piped, stdin = words[-2] == "|", words[-1]
        words = words[:-2]
    command = words[0]
    dry = bool({"--dry-run", "--help"} & set(words))
    if command == "compress" and "-o" not in words and not dry:
        words += ["-o", f"{stem}.lplr"]
    output = words[words.index("-o") + 1] if "-o" in words else None
    printed = output == "-"
    if command.isalpha() and "--help" not in words:
        words += [] if {"-T", "--threads"} & set(words) else ["-T", "1"]
        words += [] if printed or plain else ["--json"]
    yield Step(group, tuple(words), "", status, stdin, piped, printed)
    if command in ("compress", "append") and status == 0 and output and not printed and not dry:
        yield Step(group, ("inspect", output, "-T", "1", "--json"))
        restored = f"{stem}.restored.npy"
        yield Step(group, ("decompress", output, "-o", restored, "-T", "1", "--json"))
