"""Products and slices of a compressed matrix that were asked for before, beside NumPy's.

Usage: python benchmarks/repeated_queries.py [--runs 21]

For each mode a matrix of 9541 x 384 (the shape of a collection of sentence embeddings) is
compressed, saved and opened anew. The table has the first product ``c @ x``, which decodes, and
the later ones ``c @ x`` and ``y @ c``, as ratios to the same products of the decoded matrix in
NumPy: medians of processor time, both taken in turn, with one thread in BLAS. Below stand the first
and the second ``c[t]`` of an array of snapshots, 400 x 96 x 128, in milliseconds.

The exit status is 1 if a later product takes more than 1.2 times that of NumPy, or a second slice
more than 20 ms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import lplrcli

MODES = {
    "factors": {"rank": 64, "bpc": 0.5},
    "factors, rank 384": {"rank": 384, "bpc": 8.0},
    "factors+residual": {"rank": 64, "bpc": 2.0},
    "direct": {"bpc": 2.0},
}
MOST_OF_NUMPY = 1.2
MOST_OF_A_SLICE = 20e-3


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1, "blas"):
        path = Path(folder) / "a.lplr"
        kept = [products(path, runs), slices(path)]
    return 0 if all(kept) else 1


def products(path: Path, runs: int) -> bool:
    """Print the table of products; tell whether all are as fast as they should be."""
    rng = np.random.default_rng(0)
    shape = (9541, 384)
    spectrum = 1 / np.arange(1, shape[1] + 1) ** 0.7
    a = (rng.standard_normal(shape) * spectrum) @ rng.standard_normal((shape[1], shape[1]))
    print("| mode | first `c @ x` | `c @ x` later | `y @ c` later | NumPy `A @ x`, ms |")
    print("|---|---|---|---|---|")
    within = True
    for name, asked in MODES.items():
        mode = name.partition(",")[0]
        lplrcli.compress(a.astype(np.float32), mode=mode, **asked).save(path)
        first, right, left, numpy = against_numpy(path, runs)
        within &= max(right, left) <= MOST_OF_NUMPY
        print(f"| {name} | {first:.2f} | {right:.2f} | {left:.2f} | {1e3 * numpy:.2f} |")
    return within


def against_numpy(path: Path, runs: int) -> tuple[float, float, float, float]:
    """Ratios of the first and later ``c @ x`` and of ``y @ c``, and the seconds of ``A @ x``."""
    with lplrcli.open(path, cache_bytes=0) as c:
        dense = np.asarray(c)
    rng = np.random.default_rng(1)
    y, x = (rng.standard_normal(extent).astype(np.float32) for extent in dense.shape)
    with lplrcli.open(path) as c:
        first = spent(lambda: c @ x)
        ours, numpy = in_turn(lambda: c @ x, lambda: dense @ x, runs)
        ours_left, numpy_left = in_turn(lambda: y @ c, lambda: y @ dense, runs)
    return first / numpy, ours / numpy, ours_left / numpy_left, numpy


def slices(path: Path) -> bool:
    """Print the table of slices; tell whether second ones are as fast as they should be."""
    a = snapshots()
    print("\n| mode | first `c[t]`, ms | second, ms | another `c[t]`, ms |")
    print("|---|---|---|---|")
    within = True
    for mode in ("factors", "factors+residual", "direct"):
        lplrcli.compress(a, mode=mode, rel_error=0.02).save(path)
        with lplrcli.open(path) as c:
            first, second, other = (spent(lambda t=t: c[t]) for t in (200, 200, 201))
        within &= second <= MOST_OF_A_SLICE
        print(f"| {mode} | {1e3 * first:.1f} | {1e3 * second:.1f} | {1e3 * other:.1f} |")
    return within


def snapshots() -> NDArray[np.float32]:
    """A travelling field of 400 x 96 x 128 with noise."""
    t, y, x = np.meshgrid(
        np.linspace(0, 1, 400), np.linspace(0, 1, 96), np.linspace(0, 1, 128), indexing="ij"
    )
    waves = sum(np.sin(7 * k * (x - t)) * np.cos(5 * k * y) / k**2 for k in range(1, 9))
    noise = np.random.default_rng(0).standard_normal(waves.shape)
    return (waves + 0.01 * noise).astype(np.float32)


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> list[float]:
    """Medians of processor seconds of both, after one run of each that is not counted."""
    ours(), theirs()
    taken = [(spent(ours), spent(theirs)) for _ in range(runs)]
    return [median(times) for times in zip(*taken, strict=True)]


def spent(task: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    began = time.process_time()
    task()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
