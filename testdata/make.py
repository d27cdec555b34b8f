"""Make the synthetic matrices of this folder; the same seeds give the same matrices.

Usage: python testdata/make.py [--out FOLDER]

Writes ``lowrank.npy`` (400 x 150 float32, rank 8 and 1 % noise), ``lowrank.h5`` (the same, as the
chunked and gzipped dataset ``/run/u``), ``dtypes/*.npy`` (24 x 16, one file for each type of
entry, in both memory orders and byte orders) and ``doors`` (the one of float32, and the real sparse
one, in each format that is only read). The real inputs are described in README.md.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import safetensors.numpy
import scipy.io
import scipy.sparse
import zarr
import zstandard
from numpy.typing import NDArray

FLOATS = ("float16", "float32", "float64")
INTEGERS = tuple(f"{kind}{width}" for kind in ("int", "uint") for width in (8, 16, 32, 64))


def low_rank(seed: int, shape: tuple[int, int], rank: int, noise: float) -> NDArray[np.float64]:
    """Product of two Gaussian factors, of norm 1, and noise of norm `noise`."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    error = rng.standard_normal(shape)
    return signal / np.linalg.norm(signal) + noise * error / np.linalg.norm(error)


def typed_matrices(seed: int) -> dict[str, NDArray[Any]]:
    """One small matrix for each type of entry, by file name."""
    values = low_rank(seed, (24, 16), 3, 0.01)
    values /= np.abs(values).max()
    made: dict[str, NDArray[Any]] = {name: values.astype(name) for name in FLOATS}
    made["float32_big_endian"] = values.astype(">f4")
    made["float64_fortran"] = np.asfortranarray(values)
    # NumPy has no bfloat16: it writes the two bytes of an entry as the type V2.
    made["bfloat16"] = values.astype(ml_dtypes.bfloat16)
    for name in INTEGERS:
        offset = 0 if name.startswith("i") else 100
        made[name] = np.rint(offset + 100 * values).astype(name)
    made["bool"] = values > 0
    return made


def write_doors(folder: Path, values: NDArray[np.float32]) -> None:
    """The same matrix in every format that is only read, and SciPy's of a sparse one."""
    folder.mkdir(exist_ok=True)
    np.savez(folder / "stored.npz", values=values, rows=np.arange(24))
    np.savez_compressed(folder / "deflated.npz", values=values)
    safetensors.numpy.save_file({"weight": values, "bias": values[0]}, folder / "a.safetensors")
    values.astype(">f4").tofile(folder / "big_endian.bin")
    for version in (2, 3):
        path = str(folder / f"v{version}.zarr")
        zarr.create_array(path, data=values, chunks=(10, 16), zarr_format=version, overwrite=True)
    with tempfile.TemporaryDirectory() as scratch:
        np.save(Path(scratch, "a.npy"), values)
        (folder / "a.npy.zst").write_bytes(
            zstandard.compress(Path(scratch, "a.npy").read_bytes(), 19)
        )
    with zipfile.ZipFile(folder / "folder.zarr.zip", "w") as archive:
        for file in sorted((folder / "v3.zarr").rglob("*")):
            if file.is_file():
                name = f"a.zarr/{file.relative_to(folder / 'v3.zarr')}"
                archive.writestr(zipfile.ZipInfo(name), file.read_bytes())
    with scipy.io.netcdf_file(folder / "a.nc", "w") as dataset:
        for side, extent in zip("yx", values.shape, strict=True):
            dataset.createDimension(side, extent)
        dataset.createVariable("values", ">f4", ("y", "x"))[:] = values
        dataset.createVariable("y", ">f4", ("y",))[:] = np.arange(len(values))
    for kind in ("4", "5"):
        matlab = folder / f"v{kind}.mat"
        scipy.io.savemat(matlab, {"values": values}, format=kind, do_compression=True)
    sparse = scipy.io.mmread(Path(__file__).parent / "west0067.mtx")
    scipy.sparse.save_npz(folder / "west0067.npz", sparse.tocsr())
    write_h5ad(folder / "west0067.h5ad", sparse.tocsr())


def write_h5ad(path: Path, matrix: Any) -> None:
    """A sparse matrix as AnnData lays it out, and a dense array beside it."""
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        group.attrs["encoding-type"] = "csr_matrix"
        group.attrs["encoding-version"] = "0.1.0"
        group.attrs["shape"] = matrix.shape
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part)
        file["obsm/X_pca"] = np.ones((matrix.shape[0], 2), np.float32)


def main() -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    out: Path = parser.parse_args().out
    (out / "dtypes").mkdir(parents=True, exist_ok=True)

    matrix = low_rank(1, (400, 150), 8, 0.01).astype(np.float32)
    np.save(out / "lowrank.npy", matrix)
    with h5py.File(out / "lowrank.h5", "w") as file:
        file.create_dataset("run/u", data=matrix, chunks=(64, 64), compression="gzip")
    for name, values in typed_matrices(2).items():
        np.save(out / "dtypes" / f"{name}.npy", values)
    write_doors(out / "doors", np.load(out / "dtypes" / "float32.npy"))


if __name__ == "__main__":
    main()
