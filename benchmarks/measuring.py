"""Time and peak memory of whole processes; used by the other scripts.

This module imports no NumPy on purpose: Linux counts what a parent held at the moment of the
fork into the peak memory of its child, so whoever measures has to stay small.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MATRICES = Path(__file__).with_name("matrices.py")


@dataclass(frozen=True)
class Usage:
    """What one process took: wall-clock and processor seconds, and peak resident bytes."""

    seconds: float
    processor: float
    peak: int


def lplr_command() -> list[str]:
    """Find the ``lplr`` beside this Python, or name the module."""
    beside = Path(sys.executable).with_name("lplr")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "lplrcli"]


def run(command: list[str]) -> Usage:
    """Run a command to its end; what it prints is shown only if it fails."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            text = output.read().decode(errors="replace")
            sys.exit(f"{' '.join(command)} failed ({process.returncode}):\n{text}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def warm_up(commands: list[list[str]]) -> None:
    """Run every command once: to fill caches, or for what it writes."""
    for command in commands:
        run(command)


def interleaved(commands: list[list[str]], runs: int) -> list[Usage]:
    """Medians of `runs` runs of every command, taken in turn, after one run of each unmeasured."""
    warm_up(commands)
    rounds = [[run(command) for command in commands] for _ in range(runs)]
    return [
        Usage(
            median(usage.seconds for usage in usages),
            median(usage.processor for usage in usages),
            int(median(usage.peak for usage in usages)),
        )
        for usages in zip(*rounds, strict=True)
    ]


def make_matrix(path: Path, shape: tuple[int, int]) -> None:
    """Write the test matrix in a process of its own, see the top of this file."""
    run([sys.executable, str(MATRICES), str(path), str(shape[0]), str(shape[1])])
    os.sync()
