"""Fuzz small foreign files, opened as the command opens them and read to their end.

HDF5 and Zarr are left out: their parsers are those of h5py and zarr.
"""

from __future__ import annotations

import io
import os

import numpy as np
import scipy.io
import scipy.sparse
from messages import check_refusal
from scipy.io import _fast_matrix_market

from lplrcli.errors import InputError
from lplrcli.io import open_source
from lplrcli.io.formats.recognition import HDF5_SIGNATURE

SMALL = 1 << 16
"""Entries that are read."""

FOREIGN = (HDF5_SIGNATURE, b".zarray", b".zgroup", b"zarr.json", b".zmetadata")

# Threads for some bytes take longer than the bytes.
_fast_matrix_market.PARALLELISM = 1


def arrays():
    yield np.arange(6, dtype="<f4").reshape(2, 3)
    yield np.asfortranarray(np.arange(12, dtype=">f8").reshape(3, 4))
    yield np.ones((2, 2, 2), np.uint8)
    yield np.zeros((3, 1), bool)


def saved(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def archives():
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, a=np.eye(3), b=np.arange(2))
        yield stream.getvalue()
    for kind in ("csr", "csc", "coo", "dia", "bsr"):
        stream = io.BytesIO()
        matrix = scipy.sparse.random_array((4, 6), density=0.3, format=kind, rng=1)
        scipy.sparse.save_npz(stream, matrix, compressed=kind == "csr")
        yield stream.getvalue()


def texts():
    for symmetry in ("general", "symmetric", "skew-symmetric"):
        yield f"%%MatrixMarket matrix array real {symmetry}\n%\n2 2\n1.5\n-2e3\n0\n4\n".encode()
    yield b"%%MatrixMarket matrix coordinate pattern general\n3 4 2\n1 2\n3 4\n"
    yield b"%%matrixmarket MATRIX coordinate integer symmetric\n%c\n\n3 3 2\n1 1 5\n3 2 -7\n"
    stream = io.BytesIO()
    scipy.io.mmwrite(stream, scipy.sparse.eye_array(5, format="csr"))
    yield stream.getvalue()


def tensors():
    header = b'{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"x":"y"}}'
    yield len(header).to_bytes(8, "little") + header + bytes(24)
    header = b'{"a":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]},'
    header += b'"b":{"dtype":"I64","shape":[1,2],"data_offsets":[8,24]}}  '
    yield len(header).to_bytes(8, "little") + header + bytes(24)


def seeds():
    for array in arrays():
        yield saved(array)
    yield from texts()
    yield from archives()
    yield from tensors()


def one_input(data):
    if any(mark in data for mark in FOREIGN):
        return
    file = os.memfd_create("fuzzed")
    try:
        os.write(file, data)
        with open_source(f"/proc/self/fd/{file}", threads=1) as source:
            rows, columns = source.shape
            # A sparse matrix may be large; of a dense one every entry is there.
            assert source.sparse or rows * columns <= max(len(data), SMALL)
            if rows * columns <= SMALL:
                assert sum(source.map_blocks(rows_of)) == rows
    except InputError as error:
        check_refusal(error)
    finally:
        os.close(file)


def rows_of(block):
    return block.values.shape[0]
