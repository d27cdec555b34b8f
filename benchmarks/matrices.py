"""Matrices that the benchmarks work on.

Usage: python benchmarks/matrices.py OUT.npy ROWS COLUMNS

The command writes a float32 matrix of rank 100 with falling singular values and 10 % noise, by
blocks of rows. The functions give the known spectra and the matrices of a folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io
import scipy.sparse
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

TESTDATA = Path(__file__).parents[1] / "testdata"
SHAPE = (2000, 1000)
SUFFIXES = (".npy", ".mtx")


def haar(rng: np.random.Generator, length: int, columns: int) -> NDArray[np.float64]:
    """Orthonormal columns, uniformly distributed."""
    q, r = np.linalg.qr(rng.standard_normal((length, columns)))
    return q * np.sign(np.diag(r))


def spectra(seed: int) -> dict[str, NDArray[np.float32]]:
    """2000 x 1000 matrices of known singular values and Haar-distributed singular vectors."""
    index = np.arange(1, min(SHAPE) + 1)
    values = {
        "exp(-i/50)": np.exp(-index / 50),
        "1/i": 1 / index,
        "rank 40 + 1 % noise": np.where(index <= 40, 1.0, 0.0),
    }
    made = {}
    for number, (name, sigma) in enumerate(values.items()):
        rng = np.random.default_rng([seed, number])
        matrix = (haar(rng, SHAPE[0], len(sigma)) * sigma) @ haar(rng, SHAPE[1], len(sigma)).T
        if "noise" in name:
            noise = rng.standard_normal(SHAPE)
            matrix += 0.01 * np.linalg.norm(matrix) * noise / np.linalg.norm(noise)
        made[name] = matrix.astype(np.float32)
    return made


def load(path: Path) -> NDArray[np.float64] | None:
    """Read a dense array as float64; None if the file holds no matrix of floats."""
    if path.suffix == ".mtx":
        matrix = scipy.io.mmread(path)
        return np.asarray(matrix.todense() if scipy.sparse.issparse(matrix) else matrix, np.float64)
    array = np.load(path, mmap_mode="r")
    return array.astype(np.float64) if array.ndim == 2 and array.dtype.kind == "f" else None


def all_matrices(
    folders: list[Path], seed: int, scratch: Path
) -> Iterator[tuple[str, Path, NDArray[np.float64]]]:
    """Name, file and entries of every spectrum, written to `scratch`, and of every file."""
    for number, (name, matrix) in enumerate(spectra(seed).items()):
        path = scratch / f"spectrum{number}.npy"
        np.save(path, matrix)
        yield name, path, matrix.astype(np.float64)
    for folder in folders:
        for path in sorted(folder.iterdir()):
            values = load(path) if path.suffix in SUFFIXES else None
            if values is not None:
                yield path.name, path, values


def write_large(path: Path, shape: tuple[int, int], seed: int = 0) -> None:
    """Rank 100, singular values exp(-i/25), and Gaussian noise of 10 % of the norm."""
    rng = np.random.default_rng(seed)
    scale = np.exp(-np.arange(100) / 25)
    right = rng.standard_normal((100, shape[1]), np.float32) * scale[:, None].astype(np.float32)
    noise = np.float32(0.1 * np.linalg.norm(scale))
    out = open_memmap(path, "w+", np.float32, shape)
    for start in range(0, shape[0], 1000):
        rows = min(1000, shape[0] - start)
        block = rng.standard_normal((rows, 100), np.float32) @ right
        out[start : start + rows] = block + noise * rng.standard_normal(block.shape, np.float32)
    out.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("columns", type=int)
    options = parser.parse_args()
    write_large(options.out, (options.rows, options.columns))


if __name__ == "__main__":
    main()
