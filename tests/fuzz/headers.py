"""Fuzz headers of foreign files: of .npy and of Matrix Market, chosen by the first byte."""

from __future__ import annotations

import io

import numpy as np
from foreign_files import arrays, saved, texts
from messages import check_refusal

from lplrcli.errors import InputError
from lplrcli.io.formats.mtx import _read_header as read_mtx_header
from lplrcli.io.formats.npy import read_header as read_npy_header
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.unfolding import unfolding_of


def seeds():
    for array in arrays():
        raw = saved(array)
        start = raw.index(b"{")
        # Shorter than NumPy pads it to.
        text = raw[start : raw.index(b"}") + 1]
        yield b"\0" + raw[: start - 2] + len(text).to_bytes(2, "little") + text
    old = b"{'descr': '|V2', 'fortran_order': False, 'shape': (2L, 2), }\n"
    yield b"\0\x93NUMPY\3\0" + len(old).to_bytes(4, "little") + old
    for text in texts():
        yield b"\1" + b"\n".join(text.split(b"\n")[:4]) + b"\n"


def one_input(data):
    if not data:
        return
    try:
        (npy_header, mtx_header)[data[0] & 1](data[1:])
    except InputError as error:
        check_refusal(error)


def npy_header(data):
    header = read_npy_header(io.BytesIO(data), len(data), "fuzzed.npy")
    assert header.offset <= len(data)
    assert isinstance(header.stored, np.dtype)
    try:
        header.check_size(len(data), "fuzzed.npy")
    finally:
        real_dtype(header.stored, "fuzzed.npy")
        unfolding_of(header.shape, "fuzzed.npy")


def mtx_header(data):
    header = read_mtx_header(io.BytesIO(data), "fuzzed.mtx")
    assert len(header.canonical()) <= len(data) + 100
    unfolding_of((header.rows, header.columns), "fuzzed.mtx")
