"""What passes over the data buy: error after 1, 2, 3 and 4 of them, beside the least possible one.

Usage: python benchmarks/passes.py [--ranks R ...] [--bits B] [--seeds N] [--single-sizes]

Every figure is the relative Frobenius error of the packed engine at a rank and bits, measured on
every entry whatever the report says: the mean over --seeds sketches. Beside it, the least error of
any approximation of that rank without quantization (Eckart-Young), and what the report of one pass
states, an estimate: mean and standard deviation of its ratio to the truth. The matrices, 2000 x
2048, have known singular values and Haar-distributed singular vectors, and more columns than the
Gram matrix is formed for. --single-sizes prints instead what the sizes k and s of the sketches
of one pass do to the error before quantization, over the least one.
"""

from __future__ import annotations

import argparse

import numpy as np
from matrices import haar
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lplrcli.io import open_array
from lplrcli.linalg import single_pass
from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.compress import compress
from lplrcli.pipeline.measure.error import assess

SHAPE = (2000, 2048)
PASSES = (1, 2, 3, 4)
SIZES = ((2, 8), (3, 4), (4, 2), (4, 4), (6, 2))


def spectra() -> dict[str, NDArray[np.float64]]:
    """Singular values by name."""
    index = np.arange(1, min(SHAPE) + 1)
    return {
        "exp(-i/10)": np.exp(-index / 10),
        "exp(-i/50)": np.exp(-index / 50),
        "1/i": 1 / index,
        "1/√i": 1 / np.sqrt(index),
        "40 equal + 0.02": np.where(index <= 40, 1.0, 0.02),
    }


def made(values: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    left, right = (haar(rng, extent, len(values)) for extent in SHAPE)
    return ((left * values) @ right.T).astype(np.float32)


def errors(
    matrix: NDArray[np.float32], rank: int, bits: int, passes: int, seeds: int
) -> tuple[float, NDArray[np.float64]]:
    """Mean relative error, and the ratios of those reported to them."""
    true, ratios = [], []
    for seed in range(seeds):
        with open_array(matrix) as source:
            found = compress(source, rank=rank, bits=bits, passes=passes, seed=seed)
            if found.report.passes > passes:
                raise AssertionError(f"{found.report.passes} passes")
            true.append(assess(source, found, 1).relative_frobenius_error)
        ratios.append(found.report.relative_frobenius_error / true[-1])
    return float(np.mean(true)), np.array(ratios)


def by_size(matrix: NDArray[np.float32], rank: int, factor: int, core: int, seeds: int) -> float:
    """Mean error of one pass before quantization, for k = factor r + 1 and s = core k + 1."""
    single_pass._CORE_FACTOR = core
    found = []
    for seed in range(seeds):
        with open_array(matrix) as source, threadpool_limits(1, "blas"):
            one = single_pass.single_pass_directions(
                Passes(source, limit=1),
                rank,
                sketch="gaussian",
                sketch_size=factor * rank + 1,
                seed=seed,
            )
        found.append(np.linalg.norm(matrix - one.projected @ one.row_basis.T))
    return float(np.mean(found) / np.linalg.norm(matrix))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ranks", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--single-sizes", action="store_true")
    options = parser.parse_args()
    if options.single_sizes:
        heads = [f"k = {factor} r, s = {core} k" for factor, core in SIZES]
    else:
        heads = [f"{passes} pass{'es' * (passes > 1)}" for passes in PASSES]
        heads.append("stated / true, 1 pass")
    print(f"| singular values | r | optimum | {' | '.join(heads)} |")
    print("|---|" + "--:|" * (2 + len(heads)))
    for number, (name, values) in enumerate(spectra().items()):
        matrix = made(values, number)
        for rank in options.ranks:
            least = float(np.sqrt(np.square(values[rank:]).sum() / np.square(values).sum()))
            if options.single_sizes:
                cells = [
                    f"{by_size(matrix, rank, factor, core, options.seeds) / least:.3f}"
                    for factor, core in SIZES
                ]
            else:
                found = [
                    errors(matrix, rank, options.bits, passes, options.seeds) for passes in PASSES
                ]
                cells = [f"{error:.4g}" for error, _ in found]
                cells.append(f"{found[0][1].mean():.3f} ± {found[0][1].std():.3f}")
            print(f"| {name} | {rank} | {least:.4g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
