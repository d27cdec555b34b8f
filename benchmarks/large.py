"""Matrices larger than the memory allowed: peak memory, equal bytes, time per entry as they grow.

Usage: python benchmarks/large.py [--gib 8] [--limit 1G] [--columns 4096] [--scratch FOLDER]

The largest matrix is compressed twice, with the limit and with sixteen times as much, the files
compared byte by byte, then decompressed and inspected against the original with the limit. The
same command then works on smaller matrices of the same width. Resident memory includes pages of
mapped files. Twice the matrix and a third of it again is needed on the disk. The exit status is 1
if a limit is missed.
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
    rows = [int(part * gib * GIB / 4 / columns) for part in FRACTIONS]
    grown: list[tuple[int, Usage]] = []
    for count in rows:
        matrix = folder / "a.npy"
        make_matrix(matrix, (count, columns))
        compress = [*lplr, "compress", str(matrix), *TARGET, "-M", limit, "-f", "-o", str(packed)]
        grown.append((count, run(compress)))
    print(f"{rows[-1]} x {columns} float32, {gib:g} GiB, {' '.join(TARGET)}\n")
    print("| | peak, MiB | limit | seconds | processor seconds |\n|---|--:|--:|--:|--:|")
    peaks = [_told(f"compress -M {limit}", limit, grown[-1][1])]
    other = folder / "other.lplr"
    roomy = f"{16 * _bytes(limit)}"
    peaks.append(
        _told(
            f"compress -M {16 * int(limit[:-1])}{limit[-1]}",
            "",
            run([*lplr, "compress", str(matrix), *TARGET, "-M", roomy, "-f", "-o", str(other)]),
        )
    )
    same = filecmp.cmp(packed, other, shallow=False)
    command = [*lplr, "decompress", str(packed), "-M", limit, "-f", "-o", str(decoded)]
    peaks.append(_told(f"decompress -M {limit}", limit, run(command)))
    decoded.unlink()
    command = [*lplr, "inspect", str(packed), "--against", str(matrix), "-M", limit]
    peaks.append(_told(f"inspect --against -M {limit}", limit, run(command)))
    print(
        f"\nThe two files are {'equal' if same else 'DIFFERENT'}, {packed.stat().st_size} bytes.\n"
    )
    print("| rows | GiB | seconds | nanoseconds an entry | ... of processors | peak, MiB |")
    print("|--:|--:|--:|--:|--:|--:|")
    for count, usage in grown:
        entries = count * columns
        print(
            f"| {count} | {4 * entries / GIB:.2f} | {usage.seconds:.1f} "
            f"| {1e9 * usage.seconds / entries:.2f} | {1e9 * usage.processor / entries:.2f} "
            f"| {usage.peak / 2**20:.0f} |"
        )
    each = [usage.processor / count for count, usage in grown]
    slower = max(each) / min(each) - 1
    print(f"\nProcessor time an entry differs by {100 * slower:.0f} %.")
    return int(not same or not all(peaks) or slower > GROWTH)


def _told(name: str, limit: str, usage: Usage) -> bool:
    kept = not limit or usage.peak <= _bytes(limit)
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
