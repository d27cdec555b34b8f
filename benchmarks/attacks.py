"""Time and memory that hostile files take: every attack of tests/attacks, by every command.

One process a command tries all attacks in turn, after a sound file, so that what is measured is
what an attack costs: processor time, and resident memory above what the process had before.
Writes trust/attacks.json. Exit status 1 if one is not refused as it must be, takes more than
``--seconds`` or more than ``--megabytes``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from campaign import record

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
OPTIONS = {"compress": ["-r", "1", "-b", "2"], "decompress": ["--max-output", "10000"]}
COMMANDS = ("inspect", "verify", "decompress", "compress")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="not used: attacks are made, not drawn")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--command", choices=COMMANDS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(TESTS), str(TESTS / "attacks")]
    if arguments.command:
        print(json.dumps(tried(arguments.command, arguments.folder)))
        return
    began = time.perf_counter()
    found = []
    with tempfile.TemporaryDirectory(prefix="lplr-attacks-") as folder:
        make = [sys.executable, str(TESTS / "attacks" / "make_attacks.py"), folder]
        subprocess.run(make, check=True)
        for command in COMMANDS:
            one = [sys.executable, __file__, "--command", command, "--folder", folder]
            done = subprocess.run(one, check=True, capture_output=True, text=True, cwd=folder)
            found += json.loads(done.stdout)
    failed = [
        row
        for row in found
        if not row["right"]
        or row["seconds"] > arguments.seconds
        or row["megabytes"] > arguments.megabytes
    ]
    print("| attack | command | s | MB |\n|---|---|--:|--:|")
    for row in sorted(found, key=lambda row: -row["seconds"])[:10] + failed:
        print(
            f"| {row['attack']} | {row['command']} "
            f"| {row['seconds']:.3f} | {row['megabytes']:.1f} |"
        )
    write(found, failed, time.perf_counter() - began)
    sys.exit(1 if failed else 0)


def tried(command: str, folder: Path) -> list[dict]:
    """What each attack cost a command, and whether it ended as it must."""
    import numpy as np
    from attacks import ATTACKS
    from lplr_command import lplr
    from lplr_samples import factorization, written

    os.chdir(folder)
    Path("sound.lplr").write_bytes(written(factorization()))
    entropy = factorization((9, 5), (1,) * 4, "factors", "trellis")
    Path("entropy.lplr").write_bytes(written(entropy))
    np.save("sound.npy", np.eye(4))
    Path("sound.mtx").write_text("%%MatrixMarket matrix array real general\n1 1\n1\n")
    names = ("sound.npy", "sound.mtx") if command == "compress" else ("sound.lplr", "entropy.lplr")
    options = OPTIONS.get(command, [])
    output = ["-f"] if command in ("compress", "decompress") else []
    for name in names:
        lplr(command, name, *options, *output)  # imports, and machine code of kernels
    found = []
    for attack in ATTACKS:
        if command not in (*attack.refused, *attack.taken):
            continue
        code = attack.refused[command][0] if command in attack.refused else 0
        restart_peak()
        before, began = resident(), time.process_time()
        result = lplr(command, attack.name, *options)
        found.append(
            {
                "attack": attack.name,
                "command": command,
                "right": result.code == code,
                "seconds": time.process_time() - began,
                "megabytes": max(0, peak() - before) / 1e6,
            }
        )
    return found


def restart_peak() -> None:
    """Have the kernel forget the highest resident size so far."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """Highest resident size since then, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def write(found: list[dict], failed: list[dict], seconds: float) -> None:
    slowest = max(found, key=lambda row: row["seconds"])
    largest = max(found, key=lambda row: row["megabytes"])
    record(
        "attacks",
        "hostile files, each by every command that would use it; failures are not refused",
        cases=len(found),
        failures=len(failed),
        unit="refusals",
        details={
            "files": len({row["attack"] for row in found}),
            "most_seconds": round(slowest["seconds"], 3),
            "slowest": f"{slowest['command']} {slowest['attack']}",
            "most_megabytes": round(largest["megabytes"], 1),
            "largest": f"{largest['command']} {largest['attack']}",
        },
        seed=0,
        seconds=seconds,
    )


if __name__ == "__main__":
    main()
