"""Matrices of more than 2**31 entries: every index beyond what 32 bits hold must be right.

Usage: python benchmarks/beyond_31_bits.py [--method packed nq rate-distortion] [--rows N]
                                           [--columns D] [--memory-limit BYTES] [--scratch FOLDER]

A file of one-byte entries, a matrix of rank 1 whose entries follow from their indices, is
compressed and decoded row by row. The exit status is 1 if an entry is off by more than 4 of 240, or
the error stated is not the one found here. With ``--columns 1`` rows alone are more than 2**31.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ASKED: dict[str, dict[str, Any]] = {
    "packed": {"method": "packed", "rank": 1, "bits": 8},
    "nq": {"method": "nq", "bits": 8},
    "rate-distortion": {"rel_error": 0.005},
}
BLOCK = 2**25
"""Entries that are looked at together."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--method", nargs="+", default=list(ASKED), choices=list(ASKED))
    parser.add_argument("--rows", type=int, default=65537)
    parser.add_argument("--columns", type=int, default=32769)
    parser.add_argument("--memory-limit", type=int, default=2 * 10**9)
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    shape = options.rows, options.columns
    wrong = 0
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        path = Path(folder) / "a.npy"
        a = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        for rows in blocks(shape):
            a[rows] = entries(rows, shape[1])
        a.flush()
        del a
        for method in options.method:
            wrong += tried(path, shape, method, options.memory_limit)
    return int(wrong > 0)


def blocks(shape: tuple[int, int]) -> list[slice]:
    """The rows, some at a time."""
    step = max(1, BLOCK // shape[1])
    return [slice(start, min(start + step, shape[0])) for start in range(0, shape[0], step)]


def entries(rows: slice, columns: int) -> NDArray[np.uint8]:
    """Those rows: 1 to 3 times 1 to 80, scattered so that no index can stand for another."""
    left = scattered(np.arange(rows.start, rows.stop, dtype=np.uint64), 3 if columns > 1 else 240)
    right = scattered(np.arange(columns, dtype=np.uint64), 80 if columns > 1 else 1)
    return np.multiply.outer(left, right)


def scattered(index: NDArray[np.uint64], most: int) -> NDArray[np.uint8]:
    """Numbers from 1 to `most`, by multiplicative hashing."""
    high = (index * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return (high % np.uint64(most) + np.uint64(1)).astype(np.uint8)


def tried(path: Path, shape: tuple[int, int], method: str, memory_limit: int) -> int:
    """Compress and decode; 1 if something is wrong."""
    import lplrcli

    began = time.perf_counter()
    lplr = path.with_suffix(".lplr")
    lplrcli.compress(path, memory_limit=memory_limit, **ASKED[method]).save(lplr)
    squares = energy = worst = 0
    with lplrcli.open(lplr) as found:
        for rows in blocks(shape):
            original = entries(rows, shape[1]).astype(np.int16)
            off = np.abs(found[rows] - original)
            worst = max(worst, int(off.max()))
            squares += int(np.square(off, dtype=np.int64).sum())
            energy += int(np.square(original, dtype=np.int64).sum())
        stated = found.report.relative_frobenius_error
    true = (squares / energy) ** 0.5
    right = worst <= 4 and abs(stated - true) <= 1e-6
    print(
        f"{method}: {shape[0]} x {shape[1]}, {lplr.stat().st_size} bytes, "
        f"error stated {stated:.7f}, true {true:.7f}, largest {worst}, "
        f"{time.perf_counter() - began:.0f} s: {'ok' if right else 'WRONG'}",
        flush=True,
    )
    lplr.unlink()
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
