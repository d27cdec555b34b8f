"""Peak resident memory of compressing and decompressing a matrix, as a fraction of its file.

Usage: python benchmarks/memory.py [--runs 3] [--shape 20000 4000] [--scratch FOLDER]

The baseline is a process that imports NumPy and Numba and calls one kernel from Numba's cache:
what no command with kernels can do without. Each figure is the worst of some runs, since threads
meet differently in each; resident memory includes pages of mapped files. A second table has the
peaks of commands that are allowed just what they say they need at least. The exit status is 1
if compressing takes more than three quarters of the file's size, or anything more than it was
allowed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import lplr_command, make_matrix, run, warm_up

LIMIT = 0.75

BASELINE_SCRIPT = """\
import numba
import numpy as np

@numba.njit(cache=True)
def total(values):
    result = 0.0
    for value in values:
        result += value
    return result

print(total(np.ones(10)))
"""


TIGHT = (
    ["-r", "64", "-b", "2"],
    ["-r", "64", "-b", "2", "--passes", "1"],
    ["-e", "0.3"],
    ["--bpc", "1"],
    ["--bpc", "2", "--mode", "direct"],
    ["--method", "nq", "-b", "2"],
)
"""What is compressed with the least memory that the command asks for."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--shape", type=int, nargs=2, default=(20000, 4000))
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        return measure(Path(folder), options.runs, tuple(options.shape))


def measure(folder: Path, runs: int, shape: tuple[int, int]) -> int:
    """Run the three processes and print a table."""
    matrix, packed, script = folder / "a.npy", folder / "a.lplr", folder / "baseline.py"
    script.write_text(BASELINE_SCRIPT)
    make_matrix(matrix, shape)
    size = matrix.stat().st_size
    lplr = lplr_command()
    commands = {
        "NumPy, Numba and one kernel": [sys.executable, str(script)],
        "compress -r 64 -b 2": [
            *lplr, "compress", str(matrix), "-r", "64", "-b", "2", "-f", "-o", str(packed)
        ],
        "decompress": [*lplr, "decompress", str(packed), "-f", "-o", str(folder / "b.npy")],
    }  # fmt: skip
    warm_up(list(commands.values()))
    print(
        f"{shape[0]} x {shape[1]} float32, a file of {size / 2**20:.1f} MiB, worst of {runs} runs\n"
    )
    print("| | peak, MiB | of the file | limit | |\n|---|--:|--:|--:|---|")
    missed = False
    for name, command in commands.items():
        peak = max(run(command).peak for _ in range(runs))
        limited = name.startswith("compress")
        over = limited and peak > LIMIT * size
        missed |= over
        verdict = ("MISSED" if over else "ok") if limited else ""
        print(
            f"| {name} | {peak / 2**20:.1f} | {peak / size:.3f} "
            f"| {LIMIT if limited else ''} | {verdict} |",
            flush=True,
        )
    print("\n| compress, with -M as low as it may be | allowed, MiB | peak, MiB | |")
    print("|---|--:|--:|---|")
    for options in TIGHT:
        command = [*lplr, "compress", str(matrix), *options, "-f", "-o", str(packed)]
        allowed = least_allowed(command)
        peak = run([*command, "-M", str(allowed)]).peak
        missed |= peak > allowed
        verdict = "MISSED" if peak > allowed else "ok"
        told = f"{allowed / 2**20:.1f} | {peak / 2**20:.1f}"
        print(f"| {' '.join(options)} | {told} | {verdict} |", flush=True)
    return int(missed)


def least_allowed(command: list[str]) -> int:
    """Bytes that a command asks for when it is allowed a megabyte."""
    refused = subprocess.run([*command, "-M", "1M"], capture_output=True, text=True)
    found = re.search(r"at least (\d+) MB", refused.stderr)
    if found is None:
        sys.exit(f"{' '.join(command)} does not say what it needs:\n{refused.stderr}")
    return int(found[1]) * 10**6


if __name__ == "__main__":
    sys.exit(main())
