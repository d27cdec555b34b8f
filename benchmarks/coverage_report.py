"""Branch coverage of the package by its tests, kernels included.

Compiled kernels cannot be traced. Some tests of kernels therefore run a second time with
NUMBA_DISABLE_JIT=1, and the two measurements are put together. Settings
are in pyproject.toml: what is measured, and the least figure (`fail_under`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from campaign import record

ROOT = Path(__file__).resolve().parent.parent
UNCOMPILED = [
    *(
        f"tests/kernels/test_kernels_{name}.py"
        for name in ("hadamard", "lifting", "packing", "sparse")
    ),
    "tests/whole/test_interpreted_kernels.py",
    "tests/coding/test_coding_packed.py",
]
"""The others, of trellis and entropy coder above all, would take hours as plain Python."""


def measured(arguments: list[str], data: Path, **variables: str) -> int:
    """Run tests under coverage, into a data file of their own; their exit status."""
    command = [sys.executable, "-m", "pytest", *arguments, "--cov", "--cov-report="]
    environment = {**os.environ, **variables, "COVERAGE_FILE": str(data)}
    return subprocess.run(
        [*command, "--cov-fail-under=0"], cwd=ROOT, env=environment, check=False
    ).returncode


def coverage(*arguments: str, data: Path) -> None:
    command = [sys.executable, "-m", "coverage", *arguments]
    environment = {**os.environ, "COVERAGE_FILE": str(data)}
    # `report` and `json` end with 2 below the least figure, which is judged here.
    subprocess.run(command, cwd=ROOT, env=environment, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        parts = [Path(folder, name) for name in ("interpreted", "compiled")]
        statuses = [
            measured(UNCOMPILED, parts[0], NUMBA_DISABLE_JIT="1"),
            measured(["-n", str(options.jobs), "--dist", "worksteal"], parts[1]),
        ]
        whole, report = Path(folder, "whole"), Path(folder, "report.json")
        coverage("combine", "--quiet", *map(str, parts), data=whole)
        coverage("report", data=whole)
        coverage("json", "--quiet", "-o", str(report), data=whole)
        totals = json.loads(report.read_text())["totals"]
    if any(statuses):
        print("Some tests failed: no figure is recorded.", file=sys.stderr)
        return 1
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]
    percent = totals["percent_covered"]
    record(
        "coverage",
        "statements and branches of the package that its tests run, kernels as plain Python",
        cases=totals["num_statements"] + totals["num_branches"],
        failures=totals["missing_lines"] + totals["missing_branches"],
        unit="statements and branches",
        details={
            "percent": round(percent, 2),
            "statements": totals["num_statements"],
            "missed_statements": totals["missing_lines"],
            "branches": totals["num_branches"],
            "missed_branches": totals["missing_branches"],
        },
        seed=0,
        seconds=time.monotonic() - started,
    )
    return int(percent < settings["report"]["fail_under"])


if __name__ == "__main__":
    sys.exit(main())
