"""Mutation testing of what reads strangers' bytes: container and codings.

mutmut changes one thing at a time in a copy of the package, `mutants/`, and runs the tests of
tests/container, tests/coding and tests/format that reach it. What none of them notices must be
explained, a row each, in trust/mutants.csv: the function, the lines before and after, a class, and
the reason:

- equivalent: nothing that a caller can see changes;
- message: other words of an error, which is of the same kind and names the same thing;
- performance: the same result, or a bound on work or memory that is a little higher or lower;
- elsewhere: the reason names the test, of another folder or too slow for this, that notices.

What an earlier run found killed, or left and explained, is not tried again: `make clean` removes
`mutants/`, to start afresh after a change to the package.
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
from collections import Counter
from pathlib import Path
from typing import Any

from campaign import TRUST, record

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = TRUST / "mutants.csv"
TESTED = ("lplrcli.container", "lplrcli.coding")
FATES = {None: "untried", 0: "survived", 1: "killed", 3: "killed", 5: "unreached", 33: "unreached"}
"""By exit status of the tests; what is not here ran out of time or memory, or crashed."""
LEFT = ("survived", "unreached")


def mutmut(*arguments: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "mutants"),  # for commands that tests start
        "OPENBLAS_NUM_THREADS": "1",
        "CI": "true",  # the same examples for every mutant
    }
    command = [sys.executable, "-m", "mutmut", *arguments]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.stdout


def told(key: str) -> dict[str, Any]:
    """What mutmut keeps of every mutant there is, by its name."""
    found = {}
    for package in TESTED:
        for meta in sorted((ROOT / "mutants" / package.replace(".", "/")).glob("*.meta")):
            found |= json.loads(meta.read_text())[key]
    return found


def statuses() -> dict[str, int | None]:
    """Exit status of the tests; None if they did not run."""
    return told("exit_code_by_key")


def fate(status: int | None) -> str:
    return FATES.get(status, "stopped")


def change(name: str) -> tuple[str, str, str]:
    """Function of a mutant, and the lines that it lost and got."""
    lines = mutmut("show", name).splitlines()
    lost = [line[1:].strip() for line in lines if re.match("-(?!--)", line)]
    got = [line[1:].strip() for line in lines if re.match(r"\+(?!\+\+)", line)]
    function = name.partition("__mutmut_")[0].replace(".x_", ".")
    function = re.sub("xǁ(.*)ǁ", r"\1.", function)  # a method
    return function, " ".join(lost), " ".join(got)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=0, help="how many, 0 for all (default)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    options = parser.parse_args()
    with EXPLAINED.open(newline="") as table:
        known = {tuple(row[:3]): row[3] for row in csv.reader(table)}
    if not statuses():  # makes the mutants, and learns which tests reach them
        mutmut("run", "--max-children", str(options.jobs), f"{TESTED[0]}.frames.*__mutmut_1")
    names = sorted(statuses())
    random.Random(options.seed).shuffle(names)  # a larger sample contains a smaller one
    names = names[: options.count or None]
    found = statuses()
    todo = [
        name
        for name in names
        if fate(found[name]) != "killed"
        and not (fate(found[name]) in LEFT and change(name) in known)
    ]
    if todo:
        mutmut("run", "--max-children", str(options.jobs), *todo)
    found = statuses()
    if any(found[name] is None for name in names):
        sys.exit("mutmut has not tried every mutant that it was asked to")
    fates = {name: fate(found[name]) for name in names}
    left = {name: change(name) for name in sorted(names) if fates[name] in LEFT}
    spent = told("durations_by_key")
    unexplained = [where for where in left.values() if where not in known]
    csv.writer(sys.stdout).writerows(unexplained)
    return record(
        "mutants",
        "changes to container and codings, of one thing each: noticed by their tests, or explained",
        cases=len(names),
        failures=len(unexplained),
        unit="mutants",
        details={
            "made": len(found),
            **Counter(fates.values()),
            "explained": Counter(known[where] for where in left.values() if where in known),
        },
        seed=options.seed,
        seconds=sum(spent.get(name) or 0.0 for name in names),  # earlier runs included
    )


if __name__ == "__main__":
    sys.exit(main())
