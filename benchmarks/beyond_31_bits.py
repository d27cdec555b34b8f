"""Matrices of more than 2**31 entries: every index beyond what 32 bits hold must be right.

Usage: python benchmarks/beyond_31_bits.py [--method packed nq] [--rows N] [--columns D]
                                           [--memory-limit BYTES] [--scratch FOLDER]

A file of one-byte entries, mostly holes (it takes little room on disk), has a few entries other
than zero in its first and last rows: a matrix of rank 1 whose right vector sees both ends. It is
compressed, and rows on both sides of entry 2**31 decoded from the file and compared. The exit
status is 1 if an entry is off by more than 2 of 200, or the error stated is not that of these rows,
which hold all there is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--method", nargs="+", default=["packed", "nq"])
    parser.add_argument("--rows", type=int, default=65537)
    parser.add_argument("--columns", type=int, default=32769)
    parser.add_argument("--memory-limit", type=int, default=2 * 10**9)
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    shape = options.rows, options.columns
    wrong = 0
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        matrix = Path(folder) / "a.npy"
        places = ends(matrix, shape)
        for method in options.method:
            wrong += tried(matrix, method, places, options.memory_limit)
    return int(wrong > 0)


def ends(path: Path, shape: tuple[int, int]) -> list[int]:
    """Write the matrix; the rows that are not zero."""
    a = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    row = np.zeros(shape[1], np.uint8)
    row[: min(3, shape[1])] = row[-3:] = 200
    places = sorted({0, min(2**31 // shape[1], shape[0] - 1), shape[0] - 2, shape[0] - 1})
    for place in places:
        a[place] = row
    a.flush()
    return places


def tried(path: Path, method: str, places: list[int], memory_limit: int) -> int:
    """Compress and look at the rows; 1 if something is wrong."""
    import lplrcli

    began = time.perf_counter()
    original = np.load(path, mmap_mode="r")
    asked = {"bits": 8} if method == "nq" else {"rank": 1, "bits": 8}
    lplr = path.with_suffix(".lplr")
    lplrcli.compress(path, method=method, memory_limit=memory_limit, **asked).save(lplr)
    squares = energy = 0.0
    worst = 0.0
    with lplrcli.open(lplr) as found:
        for place in places:
            for row in {max(place - 1, 0), place}:
                off = np.asarray(found[row]).astype(float) - original[row]
                worst = max(worst, float(np.abs(off).max()))
                squares += float((off**2).sum())
                energy += float(np.square(original[row], dtype=float).sum())
        stated = found.report.relative_frobenius_error
    true = (squares / energy) ** 0.5
    right = worst <= 2 and abs(stated - true) <= 1e-6
    print(
        f"{method}: {original.shape[0]} x {original.shape[1]}, {lplr.stat().st_size} bytes, "
        f"error stated {stated:.3g}, true {true:.3g}, largest {worst:g}, "
        f"{time.perf_counter() - began:.0f} s: {'ok' if right else 'WRONG'}",
        flush=True,
    )
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
