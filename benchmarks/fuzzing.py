"""Fuzz the parsers: run every harness of tests/fuzz for a number of executions, and count.

Needs ``pip install -e '.[fuzz]'``. A harness runs in shards, each a process with a seed of its
own, so that a run can be repeated; some shards run again with Numba checking the bounds of every
access. Inputs that crash are left in ``--keep``. Writes trust/fuzzing.json; with ``--harness`` the
others stay there as they were found, with commit and seed of then. With ``--seconds`` nothing is
written, and all harnesses run at once, for so long.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign import TRUST, commit, record

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT / "tests" / "fuzz" / "run.py"
EXECUTIONS = {
    "headers": 3_200_000,
    "packed_codes": 2_500_000,
    "rans_tables": 2_000_000,
    "metadata": 1_500_000,
    "foreign_files": 500_000,
    "container": 500_000,
}
"""By harness; the cheap ones get more."""

CHECKED = {"container": 100_000, "rans_tables": 200_000}
"""Of those that run kernels: with the bounds of every access checked."""

SHARD = 500_000
BOUNDS = {"NUMBA_BOUNDSCHECK": "1"}


@dataclass(frozen=True)
class Shard:
    """One process.

    Attributes
    ----------
    name : str
        Of the harness.
    bounds : bool
        Whether bounds are checked.
    options : tuple of str
        Of libFuzzer.
    """

    name: str
    bounds: bool
    options: tuple[str, ...]

    @property
    def label(self) -> str:
        """What it is called in the result."""
        return f"{self.name} with bounds checked" if self.bounds else self.name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--harness", nargs="+", choices=list(EXECUTIONS), default=list(EXECUTIONS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--share", type=float, default=1.0, help="of the executions planned")
    parser.add_argument(
        "--seconds", type=int, help="all harnesses at once for so long; writes nothing"
    )
    parser.add_argument("--keep", type=Path, default=Path("build/fuzzing"), metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    if arguments.seconds is not None:
        limit = f"-max_total_time={arguments.seconds}", f"-seed={arguments.seed}"
        shards = [Shard(name, False, limit) for name in arguments.harness]
        sys.exit(1 if summed(tried(shards, len(shards), arguments.keep))[1] else 0)
    began = time.perf_counter()
    shards = [
        one for one in planned(arguments.seed, arguments.share) if one.name in arguments.harness
    ]
    now = tried(shards, arguments.jobs, arguments.keep)
    for one in now.values():
        one |= {"commit": commit(), "seed": arguments.seed}
    found = others(now) | now
    executions, crashes = summed(found)
    status = record(
        "fuzzing",
        "inputs tried by coverage-guided fuzzing of the parsers; failures are crashes",
        cases=executions,
        failures=crashes,
        unit="executions",
        details=dict(sorted(found.items())),
        seed=arguments.seed,
        seconds=time.perf_counter() - began,
    )
    sys.exit(status)


def tried(shards: list[Shard], jobs: int, keep: Path) -> dict[str, dict[str, Any]]:
    """Run the shards, so many at a time, and count what they did by label."""
    found: dict[str, dict[str, Any]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="lplr-fuzz-") as scratch,
        ThreadPoolExecutor(jobs) as pool,
    ):
        waiting = [pool.submit(run, shard, keep, scratch) for shard in shards]
        for done in as_completed(waiting):
            shard, count, crashed, spent = done.result()
            none = {"executions": 0, "crashes": 0, "processor_seconds": 0.0}
            one = found.setdefault(shard.label, none)
            one["executions"] += count
            one["crashes"] += crashed
            one["processor_seconds"] = round(one["processor_seconds"] + spent, 1)
            end = ", CRASHED" if crashed else ""
            rate = count / max(spent, 1e-9)
            print(f"{shard.label}: {count} executions, {rate:.0f}/s{end}", flush=True)
    return found


def summed(found: dict[str, dict[str, Any]]) -> tuple[int, int]:
    """Executions and crashes of all, which are printed too."""
    executions, crashes = (
        sum(one[key] for one in found.values()) for key in ("executions", "crashes")
    )
    print(f"{executions} executions, {crashes} crashes")
    return executions, crashes


def others(now: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What an earlier run recorded of what was not tried now."""
    path = TRUST / "fuzzing.json"
    if not path.exists():
        return {}
    told = json.loads(path.read_text())
    return {
        label: {"commit": told["commit"], "seed": told["seed"], **one}
        for label, one in told["details"].items()
        if label not in now
    }


def planned(seed: int, share: float):
    """The shards, those of the fast harnesses first."""
    number = 0
    for bounds, plan in ((False, EXECUTIONS), (True, CHECKED)):
        for name, executions in plan.items():
            rest = max(1, round(executions * share))
            while rest > 0:
                number += 1
                options = f"-runs={min(rest, SHARD)}", f"-seed={1000 * seed + number}"
                yield Shard(name, bounds, options)
                rest -= SHARD


def run(shard: Shard, keep: Path, scratch: str) -> tuple[Shard, int, bool, float]:
    """Executions of a shard, whether it crashed, and its processor seconds."""
    environment = dict(os.environ)
    if shard.bounds:
        # Machine code with the checks must not be taken for that without.
        environment |= BOUNDS | {"NUMBA_CACHE_DIR": scratch}
    prefix = keep.resolve() / f"{shard.name}-"
    before = set(keep.iterdir())
    command = [sys.executable, str(RUNNER), shard.name, f"-artifact_prefix={prefix}"]
    with subprocess.Popen(
        [*command, *shard.options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        lines = []
        for line in process.stdout:
            lines = [*lines[-200:], line]
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    log = "".join(lines)
    found = re.search(r"stat::number_of_executed_units: (\d+)", log)
    crashed = process.returncode != 0
    if crashed:
        print(log[-4000:], *sorted(map(str, set(keep.iterdir()) - before)), sep="\n")
    count = int(found[1]) if found else 0
    return shard, count, crashed, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
