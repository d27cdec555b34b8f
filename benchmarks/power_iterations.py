"""What power iterations and oversampling buy: error of the range finder over the optimum.

Usage: python benchmarks/power_iterations.py [--data FOLDER ...] [--ranks R ...] [--sketch NAME]

Every figure is the truncation error of the rank-r approximation that the range finder gives,
before any quantization, divided by the least possible one (Eckart-Young), for p = 1, 2, 3 power
iterations and an oversampling of 4, 8 and 16 columns; the worst of --seeds sketches. The Gram
path, which is exact and would be taken for matrices as small as these, is switched off.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from matrices import TESTDATA, all_matrices
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lplrcli.io import open_array
from lplrcli.linalg import range_finder
from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.first_plan import ENGINE_OVERSAMPLING

POWERS = (1, 2, 3)
EXTRAS = (4, ENGINE_OVERSAMPLING, 16)


def truncation_error(
    matrix: NDArray[np.float64], rank: int, size: int, power: int, sketch: str, seed: int
) -> float:
    """Squared error, relative to the matrix."""
    with open_array(matrix) as source:
        passes = Passes(source)
        total = passes.scan().norm ** 2
        found = range_finder.leading_directions(
            passes, rank, sketch=sketch, sketch_size=size, power_iterations=power, seed=seed
        )
    assert found.found_by == "sketch"
    return max(float(1 - found.energies.sum() / total), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[TESTDATA], metavar="FOLDER",
        help="folders of .npy and .mtx files [default: testdata]",
    )  # fmt: skip
    parser.add_argument("--ranks", type=int, nargs="+", default=[16, 64, 128])
    parser.add_argument("--sketch", default="gaussian", choices=("gaussian", "srht", "sparse-sign"))
    parser.add_argument("--seeds", type=int, default=1, help="sketches tried [default: 1]")
    options = parser.parse_args()

    range_finder.GRAM_COLUMNS = 0
    print("| matrix | r | optimum |", end="")
    print("".join(f" p={p}, +{extra} |" for extra in EXTRAS for p in POWERS))
    print("|---|" + "--:|" * (2 + len(EXTRAS) * len(POWERS)))
    worst = dict.fromkeys(POWERS, 0.0)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1, "blas"):
        for name, _, matrix in all_matrices(options.data, 0, Path(folder)):
            energies = np.linalg.svd(matrix, compute_uv=False) ** 2
            for rank in options.ranks:
                # A sketch as wide as the matrix is exact, and says nothing.
                if rank + max(EXTRAS) >= len(energies):
                    continue
                least = energies[rank:].sum() / energies.sum()
                cells = []
                for extra in EXTRAS:
                    size = min(rank + extra, len(energies))
                    for power in POWERS:
                        ratio = max(
                            np.sqrt(
                                truncation_error(matrix, rank, size, power, options.sketch, seed)
                                / least
                            )
                            for seed in range(options.seeds)
                        )
                        cells.append(f"{ratio:.4f}")
                        if extra == ENGINE_OVERSAMPLING:
                            worst[power] = max(worst[power], ratio)
                print(
                    f"| {name} | {rank} | {np.sqrt(least):.4g} | {' | '.join(cells)} |", flush=True
                )
    print(f"\nWorst with an oversampling of {ENGINE_OVERSAMPLING}: ", end="")
    print(", ".join(f"p={power} {ratio:.4f}" for power, ratio in worst.items()))


if __name__ == "__main__":
    main()
