"""Mutation testing of what reads strangers' bytes: container and codings.

mutmut changes one thing at a time in a copy of the package, `mutants/`, and runs the tests that
reach it. What no test notices must be explained, a line each, in trust/mutants.csv: the function,
the line before, the line after, and a class (equivalent, message, performance, sampled out by -k).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from campaign import TRUST, record

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = TRUST / "mutants.csv"
TESTED = ("lplrcli.container", "lplrcli.coding")
FATES = {0: "survived", 1: "killed", 3: "killed", 5: "untested", 33: "untested"}
"""By exit status of the tests; what is not here ran out of time or memory, or crashed."""


def mutmut(*arguments: str) -> str:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "CI": "true"}
    command = [sys.executable, "-m", "mutmut", *arguments]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.stdout


def statuses() -> dict[str, int | None]:
    """Exit status of the tests of every mutant there is, by its name; None if they did not run."""
    found = {}
    for package in TESTED:
        for meta in sorted((ROOT / "mutants" / package.replace(".", "/")).glob("*.meta")):
            found |= json.loads(meta.read_text())["exit_code_by_key"]
    return found


def change(name: str) -> tuple[str, str, str]:
    """Function of a mutant, and the lines that it lost and got."""
    lines = mutmut("show", name).splitlines()
    lost = [line[1:].strip() for line in lines if re.match("-(?!--)", line)]
    got = [line[1:].strip() for line in lines if re.match(r"\+(?!\+\+)", line)]
    return name.partition("__mutmut_")[0], " ".join(lost), " ".join(got)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=0, help="how many, 0 for all (default)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    options = parser.parse_args()
    started = time.monotonic()
    # The first run makes the mutants and learns which tests reach them.
    mutmut("run", "--max-children", str(options.jobs), f"{TESTED[0]}.schema*")
    names = sorted(statuses())
    if options.count:
        names = sorted(random.Random(options.seed).sample(names, options.count))
    mutmut("run", "--max-children", str(options.jobs), *names)
    found = statuses()
    fates = {name: FATES.get(found[name], "stopped") for name in names}
    left = {name: change(name) for name, fate in fates.items() if fate in ("survived", "untested")}
    with EXPLAINED.open(newline="") as table:
        known = {tuple(row[:3]): row[3] for row in csv.reader(table)}
    unexplained = [where for where in left.values() if where not in known]
    csv.writer(sys.stdout).writerows(unexplained)
    return record(
        "mutants",
        "changes of one operator, number, text or argument in container and codings",
        cases=len(names),
        failures=len(unexplained),
        unit="mutants",
        details={
            **Counter(fates.values()),
            "explained": Counter(known[where] for where in left.values() if where in known),
        },
        seed=options.seed,
        seconds=time.monotonic() - started,
    )


if __name__ == "__main__":
    sys.exit(main())
