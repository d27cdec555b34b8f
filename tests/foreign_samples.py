"""One matrix in every format, and the whole of what is opened."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import safetensors.numpy
import scipy.io
import scipy.sparse as sp
import zarr
import zarr.storage

from lplrcli.io import (
    create_sink,
)

TESTDATA = Path(__file__).parents[1] / "testdata"


def whole(source):
    with source:
        if source.sparse:
            return sp.vstack(list(source.map_blocks(csr_of))).toarray()
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


def csr_of(block):
    v = block.values
    return sp.csr_array((v.data, v.indices, v.indptr), shape=v.shape)


A = np.random.default_rng(3).standard_normal((30, 7))


def bytes_of(key):
    stream = io.BytesIO()
    if key == "npz":
        np.savez_compressed(stream, A)
        return stream.getvalue()
    if key == "safetensors":
        return safetensors.numpy.save({"a": A})
    if key == "zarr":
        return zipped_zarr()
    if key == "netcdf":
        return netcdf()
    if key == "mat":
        scipy.io.savemat(stream, {"a": A})
        return stream.getvalue()
    sink = create_sink(key, stream, A.shape, A.dtype)
    sink.write(A)
    sink.close()
    return stream.getvalue()


def netcdf():
    stream = io.BytesIO()
    with scipy.io.netcdf_file(stream, "w") as file:
        for name, extent in zip("xy", A.shape, strict=True):
            file.createDimension(name, extent)
        file.createVariable("a", "f8", ("x", "y"))[:] = A
        file.flush()
        return stream.getvalue()


def zipped_zarr():
    with tempfile.TemporaryDirectory() as folder:
        with zarr.storage.ZipStore(f"{folder}/a", mode="w") as store:
            zarr.create_array(store, data=A, chunks=(8, 7))
        return Path(folder, "a").read_bytes()


def tall():
    return np.broadcast_to(np.arange(4000, dtype=np.float64)[:, None], (4000, 1000))
