"""The packed engine against ``--method lplr`` at the same rank and bits.

Usage: python benchmarks/packed_engine.py [--data FOLDER ...] [--ranks R ...] [--bits B ...]

One row for each matrix, rank r and bit depth b. Bytes are those of the files written; errors are
relative Frobenius errors of what those files decode to. Truncation is the error of the best
matrix of rank r (Eckart-Young). The verdict is

    ok      engine / lplr is at most 0.7
    floor   it is not, but 0.7 of lplr's error lies below the truncation error, so that no
            matrix of rank r reaches it
    short   neither

and, before it, LARGER if the engine's file is the larger one. For a short cell the last column
gives what is possible for Gaussian factors in r components with the bits of lplr's payload, and
its ratio to lplr's error: the reverse water-filling bound. (Real singular vectors are not
Gaussian and a refit gains a little, so it is a yardstick rather than a limit there.)

The exit status is 1 if any cell is LARGER.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from matrices import TESTDATA, all_matrices
from numpy.typing import NDArray

import lplrcli

GOAL = 0.7


def file_and_error(
    path: Path, matrix: NDArray[np.float64], out: Path, rank: int, bits: int, method: str, seed: int
) -> tuple[int, float]:
    """Size of the file, and the error of what it decodes to, computed here."""
    lplrcli.compress(path, rank, bits, method=method, seed=seed).save(out)
    with lplrcli.open(out) as compressed:
        decoded = np.asarray(compressed, np.float64)
    return out.stat().st_size, float(np.linalg.norm(matrix - decoded) / np.linalg.norm(matrix))


def rate_distortion(energies: NDArray[np.float64], shape: tuple[int, int], payload: float) -> float:
    """Least squared error of Gaussian components in `payload` bits: a lower bound, by duality.

    A component of energy s, its sides coded to relative distortions x and y, costs
    ``n/2 log2(1/x) + d/2 log2(1/y)`` bits and leaves the error ``s (1 - (1 - x)(1 - y))``. At a
    price m of a bit the stationary point is ``x (1 - y) = p``, ``y (1 - x) = q`` with
    ``p = m n / (2 s ln 2)`` and ``q = m d / (2 s ln 2)``: a quadratic. Dropping the component
    costs s. For every price, the cheapest total minus the price of the payload is a lower bound.
    """
    s = energies[energies > 0]
    n, d = shape

    def at(price: float) -> tuple[float, float]:
        p, q = (price * side / (2 * s * np.log(2)) for side in (n, d))
        half = (1 + p - q) / 2
        root = half**2 - p
        coded = root >= 0
        # The small root of x**2 - 2 half x + p, free of cancellation.
        x = np.where(coded, p / (half + np.sqrt(np.maximum(root, 0))), 1.0)
        y = np.where(coded, x + q - p, 1.0)
        coded &= (x > 0) & (x < 1) & (y > 0) & (y < 1)
        x, y = np.where(coded, x, 1.0), np.where(coded, y, 1.0)
        bits = -(n * np.log2(x) + d * np.log2(y)) / 2
        error = s * (1 - (1 - x) * (1 - y))
        coded &= error + price * bits < s
        return float(np.where(coded, error, s).sum()), float(np.where(coded, bits, 0.0).sum())

    prices = np.geomspace(s.max() * 1e-18, s.max(), 4000)
    return max(error + price * (bits - payload) for price in prices for error, bits in [at(price)])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[TESTDATA], metavar="FOLDER",
        help="folders of .npy and .mtx files [default: testdata]",
    )  # fmt: skip
    parser.add_argument("--ranks", type=int, nargs="+", default=[16, 64, 128])
    parser.add_argument("--bits", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    print(
        "| matrix | r | b | bytes lplr | bytes engine | error lplr | error engine | ratio ", end=""
    )
    print("| truncation | verdict | bound |")
    print("|---|" + "--:|" * 8 + "---|---|")
    verdicts: Counter[str] = Counter()
    larger = 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name, path, matrix in all_matrices(options.data, options.seed, scratch):
            energies = np.linalg.svd(matrix, compute_uv=False) ** 2
            total = energies.sum()
            for rank in options.ranks:
                r = min(rank, len(energies))
                tail = energies[r:].sum()
                floor = np.sqrt(tail / total)
                for bits in options.bits:
                    (their_bytes, theirs), (our_bytes, ours) = (
                        file_and_error(
                            path, matrix, scratch / "a.lplr", rank, bits, method, options.seed
                        )
                        for method in ("lplr", "packed")
                    )
                    bound = ""
                    if ours <= GOAL * theirs:
                        verdict = "ok"
                    elif GOAL * theirs < floor:
                        verdict = "floor"
                    else:
                        verdict = "short"
                        payload = bits * r * sum(matrix.shape)
                        least = rate_distortion(energies[:r], matrix.shape, payload)
                        error = np.sqrt((least + tail) / total)
                        bound = f"{error:.4g} ({error / theirs:.3f})"
                    verdicts[verdict] += 1
                    mark = "LARGER " if our_bytes > their_bytes else ""
                    larger += bool(mark)
                    print(
                        f"| {name} {matrix.shape[0]}x{matrix.shape[1]} | {rank} | {bits} "
                        f"| {their_bytes} | {our_bytes} | {theirs:.4g} | {ours:.4g} "
                        f"| {ours / theirs:.3f} | {floor:.4g} | {mark}{verdict} | {bound} |",
                        flush=True,
                    )
    print(
        f"\n{verdicts.total()} cells: {verdicts['ok']} ok, {verdicts['floor']} floor, "
        f"{verdicts['short']} short; engine's file larger in {larger}"
    )
    return int(larger > 0)


if __name__ == "__main__":
    sys.exit(main())
