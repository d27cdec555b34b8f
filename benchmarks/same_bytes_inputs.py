"""Input files of ``same_bytes.py``: small, from fixed seeds, one of every format, type and shape.

Usage: python benchmarks/same_bytes_inputs.py FOLDER

Matrices have known spectra, arrays are smooth fields; some files are wrong on purpose. Those that
are joined by the commands (``part-0.npy`` ...) are rows of ``decay.npy``.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import safetensors.numpy
import scipy.io
import scipy.sparse as sp
import zarr
from matrices import TESTDATA, haar
from numpy.typing import NDArray

SEED = 14
DTYPES = (
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
)
"""Types that NumPy's files name; bool and bfloat16 are made apart."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    make(parser.parse_args().folder)


def make(folder: Path) -> None:
    """Write all input files into `folder`, which must not exist."""
    folder.mkdir(parents=True)
    shutil.copytree(TESTDATA, folder / "testdata", ignore=shutil.ignore_patterns("*.py", "*.md"))
    dense = matrices()
    for name, array in dense.items():
        np.save(folder / f"{name}.npy", array)
    _formats(folder, dense["decay"], dense["snapshots"])
    _sparse(folder)
    _wrong(folder, dense["decay"])


def matrices() -> dict[str, NDArray[Any]]:
    """Arrays that are saved as ``.npy``, by name."""
    rng = np.random.default_rng(SEED)
    index = np.arange(1, 81)
    decay = _spectrum(rng, 300, 120, np.exp(-index / 10))
    fields = {n: _field(n, extents) for n, extents in enumerate(((96, 128), (24, 32, 40)))}
    low = np.outer(rng.standard_normal(120), rng.standard_normal(60))
    made: dict[str, NDArray[Any]] = {
        "decay": decay.astype(np.float32),
        "slow": _spectrum(rng, 200, 160, 1 / index).astype(np.float32),
        "noisy": (_spectrum(rng, 240, 100, np.ones(12)) + _noise(rng, 240, 100, 0.03)).astype("f4"),
        "gauss": rng.standard_normal((150, 100)),
        "wide": _spectrum(rng, 60, 700, np.exp(-np.arange(1, 41) / 6)).astype(np.float32),
        "means": (decay + 0.3 * rng.standard_normal(120)).astype(np.float32),
        "column-means": (decay + 0.3 * rng.standard_normal((300, 1))).astype(np.float32),
        "field": fields[0].astype(np.float32),
        "snapshots": fields[1].astype(np.float32),
        "flat": fields[1].reshape(24, -1).astype(np.float32),
        "columns": fields[1].reshape(24, -1).T.astype(np.float32),
        "four": _field(2, (6, 8, 20, 24)).astype(np.float32),
        "five": _field(3, (3, 4, 5, 12, 14)),
        "ratings": np.clip(np.rint(3 * low + 5), 0, 10).astype(np.uint8),
        "quarters": np.rint(8 * low).astype(np.float32) / 4,
        "photograph": np.load(TESTDATA / "img_camera.npy")[128:320, 160:352],
        "weights": np.load(TESTDATA / "minilm_l0_attn_q.npy")[:192, :192],
        "words": np.load(TESTDATA / "embeddings.npy")[:600],
        "new-rows": np.load(TESTDATA / "embeddings.npy")[600:760],
        "bool": low > 0.2,
        "bfloat16": low.astype(ml_dtypes.bfloat16).view("V2"),
        "big-endian": low.astype(">f4"),
        "fortran": np.asfortranarray(decay.astype(np.float32)),
        "fortran-array": np.asfortranarray(fields[1].astype(np.float32)),
        "zero": np.zeros((40, 30), np.float32),
        "one-entry": np.full((1, 1), 3.25, np.float32),
        "one-row": low[:1].astype(np.float32),
        "one-column": low[:, :1].astype(np.float64),
        "small": (low * 1e-40).astype(np.float32),
        "large": low * 1e300,
        "fortran-other": np.asfortranarray(decay.astype(np.float32) * 1.01),
        "tall": _spectrum(rng, 24000, 48, np.exp(-index[:40] / 8)).astype(np.float32) * 100,
        "constant": np.full((50, 20), 7, np.int32),
    }
    for name in DTYPES:
        values = np.abs(low) if name.startswith("u") else low
        scale = 1 if name.startswith("float") else 20
        made[name] = (scale * values).astype(name)
    for part, rows in enumerate((slice(0, 90), slice(90, 91), slice(91, 300))):
        made[f"part-{part}"] = made["decay"][rows]
    return made


def _spectrum(
    rng: np.random.Generator, rows: int, columns: int, sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    return (haar(rng, rows, len(sigma)) * sigma) @ haar(rng, columns, len(sigma)).T


def _noise(rng: np.random.Generator, rows: int, columns: int, norm: float) -> NDArray[np.float64]:
    return rng.standard_normal((rows, columns)) * norm / np.sqrt(rows * columns)


def _field(seed: int, extents: tuple[int, ...]) -> NDArray[np.float64]:
    """A sum of six waves on a grid, with 0.1 % of noise: smooth along every axis."""
    rng = np.random.default_rng([SEED, seed])
    axes = np.meshgrid(*(np.linspace(0, 1, n) for n in extents), indexing="ij")
    total = np.zeros(extents)
    for _ in range(6):
        frequencies = rng.uniform(1, 9, len(extents))
        phase = sum(f * x for f, x in zip(frequencies, axes, strict=True))
        total += rng.uniform(0.2, 1) * np.sin(phase + rng.uniform(0, 6))
    return total + 0.001 * rng.standard_normal(extents)


def _formats(folder: Path, matrix: NDArray[Any], array: NDArray[Any]) -> None:
    np.savez(folder / "two.npz", a=matrix, b=matrix[:50])
    np.savez_compressed(folder / "deflated.npz", a=matrix)
    with h5py.File(folder / "run.h5", "w") as file:
        file.create_dataset("u", data=matrix, chunks=(64, 40), compression="gzip", shuffle=True)
        file.create_dataset("deep/array", data=array)
    with h5py.File(folder / "one.h5", "w") as file:
        file.create_dataset("u", data=matrix[91:])
    for version in (2, 3):
        store = str(folder / f"v{version}.zarr")
        zarr.create_array(store, data=matrix, chunks=(50, 120), zarr_format=version)
    zarr.create_array(str(folder / "array.zarr"), data=array, chunks=(5, 32, 16))
    safetensors.numpy.save_file(
        {"w": matrix, "half": matrix[:80].astype(ml_dtypes.bfloat16)}, folder / "a.safetensors"
    )
    matrix.tofile(folder / "raw.bin")
    matrix.T.tofile(folder / "fortran.bin")
    matrix.astype(">f8").tofile(folder / "big.bin")
    array.tofile(folder / "array.bin")


def _sparse(folder: Path) -> None:
    rng = np.random.default_rng([SEED, 99])
    some = sp.random(400, 300, 0.02, "csr", np.float64, rng=rng, data_rvs=rng.standard_normal)
    long = sp.random(5000, 700, 0.002, "csr", np.float64, rng=rng, data_rvs=rng.standard_normal)
    low = sp.csr_array(np.kron(np.diag([4.0, 2.0, 1.0]), rng.random((40, 25))))
    scipy.io.mmwrite(folder / "sparse.mtx", some, precision=9)
    scipy.io.mmwrite(folder / "low.mtx", low, precision=9)
    scipy.io.mmwrite(folder / "array.mtx", rng.standard_normal((60, 40)), precision=9)
    scipy.io.mmwrite(folder / "symmetric.mtx", sp.coo_array(some[:300] + some[:300].T))
    pattern = some.copy()
    pattern.data[:] = 1
    scipy.io.mmwrite(folder / "pattern.mtx", pattern, field="pattern")
    text = (folder / "sparse.mtx").read_bytes()
    (folder / "sparse.mtx.gz").write_bytes(gzip.compress(text, mtime=0))
    sp.save_npz(folder / "csr.npz", long.astype(np.float32))
    sp.save_npz(folder / "csc.npz", some.tocsc())
    counts = sp.csr_array(some)
    counts.data = np.rint(4 * counts.data) + 5
    sp.save_npz(folder / "counts.npz", counts.astype(np.int32))


def _wrong(folder: Path, matrix: NDArray[Any]) -> None:
    bad = matrix.copy()
    bad[17, 5] = np.nan
    np.save(folder / "nan.npy", bad)
    bad[17, 5] = np.inf
    np.save(folder / "infinite.npy", bad)
    np.save(folder / "vector.npy", matrix[0])
    np.save(folder / "six.npy", np.zeros((2,) * 6, np.float32))
    np.save(folder / "complex.npy", matrix.astype(np.complex64))
    np.save(folder / "no-rows.npy", matrix[:0])
    whole = (folder / "decay.npy").read_bytes()
    (folder / "shortened.npy").write_bytes(whole[: len(whole) // 2])
    (folder / "text.txt").write_text("no matrix\n")
    (folder / "empty.npy").write_bytes(b"")
    (folder / "broken.h5").write_bytes((folder / "run.h5").read_bytes()[:3000])
    (folder / "broken.mtx").write_text(
        "%%MatrixMarket matrix coordinate real general\n3 3 1\n4 1 1\n"
    )


if __name__ == "__main__":
    main()
