"""Matrices larger than the memory allowed: peak memory, equal bytes, time per entry as they grow.

Usage: python benchmarks/large.py [--gib 8] [--limit 1G] [--columns 4096] [--scratch FOLDER]

The largest matrix is compressed twice, with the limit and with sixteen times as much, the files
compared byte by byte, then decompressed and inspected against the original with the limit. The
same command then works on matrices of three heights with a lower limit; times an entry are less
the time for a matrix of 64 rows, most of which is loading libraries. Resident memory includes
pages of mapped files. Three times the matrix is needed on the disk. The exit status is 1 if a
limit is missed.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

from measuring import Usage, lplr_command, make_matrix, run

GIB = 2**30
FRACTIONS = (1 / 26, 1 / 8, 1.0)
"""Of the largest matrix: 0.3, 1 and 8 GiB."""

GROWTH = 0.2
GROWTH_LIMIT = "300M"
TARGET = ["-r", "64", "-b", "2"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gib", type=float, default=8.0)
    parser.add_argument("--limit", default="1G")
    parser.add_argument("--columns", type=int, default=4096)
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        return measure(Path(folder), options.gib, options.limit, options.columns)


def measure(folder: Path, gib: float, limit: str, columns: int) -> int:
    """Run everything and print two tables."""
    lplr = lplr_command()
    packed, decoded = folder / "a.lplr", folder / "b.npy"
    rows = [64, *(int(part * gib * GIB / 4 / columns) for part in FRACTIONS)]
    matrix = folder / "a.npy"

    def compressed(allowed: str, output: Path) -> Usage:
        return run(
            [*lplr, "compress", str(matrix), *TARGET, "-M", allowed, "-f", "-o", str(output)]
        )

    grown: list[tuple[int, Usage]] = []
    for count in rows:
        make_matrix(matrix, (count, columns))
        if not grown:
            compressed(GROWTH_LIMIT, packed)  # compiles kernels
        grown.append((count, compressed(GROWTH_LIMIT, packed)))
    print(f"{rows[-1]} x {columns} float32, {gib:g} GiB, {' '.join(TARGET)}\n")
    print("| | peak, MiB | limit | seconds | processor seconds |\n|---|--:|--:|--:|--:|")
    peaks = [_told(f"compress -M {limit}", limit, compressed(limit, packed))]
    other = folder / "other.lplr"
    roomy = f"{16 * int(limit[:-1])}{limit[-1]}"
    peaks.append(_told(f"compress -M {roomy}", roomy, compressed(roomy, other)))
    same = filecmp.cmp(packed, other, shallow=False)
    command = [*lplr, "decompress", str(packed), "-M", limit, "-f", "-o", str(decoded)]
    peaks.append(_told(f"decompress -M {limit}", limit, run(command)))
    decoded.unlink()
    command = [*lplr, "inspect", str(packed), "--against", str(matrix), "-M", limit]
    peaks.append(_told(f"inspect --against -M {limit}", limit, run(command)))
    print(
        f"\nThe two files are {'equal' if same else 'DIFFERENT'}, {packed.stat().st_size} bytes.\n"
    )
    print(f"compress -M {GROWTH_LIMIT}\n")
    print("| rows | GiB | seconds | nanoseconds an entry | ... of processors | peak, MiB |")
    print("|--:|--:|--:|--:|--:|--:|")
    start = grown[0][1]
    each: list[float] = []
    for count, usage in grown[1:]:
        entries = count * columns
        wall, processor = usage.seconds - start.seconds, usage.processor - start.processor
        each.append(processor / entries)
        print(
            f"| {count} | {4 * entries / GIB:.2f} | {usage.seconds:.1f} "
            f"| {1e9 * wall / entries:.2f} | {1e9 * processor / entries:.2f} "
            f"| {usage.peak / 2**20:.0f} |"
        )
    slower = max(each) / min(each) - 1
    flat = all(usage.peak <= _bytes(GROWTH_LIMIT) for _, usage in grown)
    print(f"\nProcessor time an entry differs by {100 * slower:.0f} %, limit {100 * GROWTH:.0f} %.")
    return int(not same or not all(peaks) or not flat or slower > GROWTH)


def _told(name: str, limit: str, usage: Usage) -> bool:
    kept = usage.peak <= _bytes(limit)
    print(
        f"| {name} | {usage.peak / 2**20:.0f} | {'ok' if kept else 'MISSED'} "
        f"| {usage.seconds:.1f} | {usage.processor:.1f} |",
        flush=True,
    )
    return kept


def _bytes(limit: str) -> int:
    return int(limit[:-1]) * {"M": 10**6, "G": 10**9}[limit[-1]]


if __name__ == "__main__":
    sys.exit(main())
