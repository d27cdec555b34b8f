"""Hostile files of other formats: one function an attack, which says what it attacks."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np

MARK = Path("pickle-was-loaded")


class Spiteful:
    """An object that leaves a mark when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (str(MARK),)


def npy(header, data=b"", version=1):
    raw = header if isinstance(header, bytes) else header.encode()
    width = 2 if version == 1 else 4
    return b"\x93NUMPY" + bytes([version, 0]) + len(raw).to_bytes(width, "little") + raw + data


def described(shape, descr="'<f8'", data=b""):
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n", data)


# .npy


def npy_of_exabytes():
    """A shape of 2^124 entries before eight bytes."""
    return described("(4611686018427387904, 4611686018427387904)", data=bytes(8))


def npy_that_wraps():
    """A shape whose size is 0 in 64 bits."""
    return described("(8589934592, 2147483648)")


def npy_of_negative_extents():
    """Two negative extents whose product is right."""
    return described("(-1, -2)", data=bytes(16))


def npy_of_long_integers():
    """Extents of thousands of digits, which Python does not print."""
    return described(f"({'9' * 4000}, {'9' * 4000})")


def npy_of_many_axes():
    """A shape of thousands of axes."""
    return described("(" + "1," * 4000 + ")", data=bytes(8))


def npy_of_objects():
    """A pickle that runs a command when it is loaded."""
    return described("(1, 1)", "'|O'", pickle.dumps(Spiteful()))


def npy_of_an_expression():
    """A header that is a program."""
    return npy("__import__('os').mkdir('pickle-was-loaded')\n")


def npy_of_a_nested_header():
    """A header nested deeper than the parser's stack."""
    return npy("(" * 9000 + ")" * 900)


def npy_of_signs():
    """A header of unary operators, likewise."""
    return npy("-" * 9900 + "1")


def npy_of_a_long_header():
    """A header of 4 GiB in a file of some bytes."""
    return b"\x93NUMPY\2\0\xff\xff\xff\xff{"


def npy_of_a_real_long_header():
    """A header of a megabyte that is there."""
    return npy(b"{" + b" " * (1 << 20) + b"}", version=2)


def npy_of_fields():
    """A structured type, nested."""
    return described("(2, 2)", "[('a', [('b', '<f8'), ('c', 'O')])]")


def npy_of_wide_entries():
    """Entries of a gigabyte each."""
    return described("(1, 1)", "'|V999999999'")


def npy_with_escapes():
    """A type that clears the terminal."""
    return described("(1, 1)", "'\x1b[2J\x1b]0;evil\x07'")


# Matrix Market


def mtx(layout, size, entries="", field="real", symmetry="general"):
    return f"%%MatrixMarket matrix {layout} {field} {symmetry}\n{size}\n{entries}".encode()


def mtx_of_exabytes():
    """Sides of 2^63."""
    return mtx("coordinate", f"{2**63} {2**63} 1", "1 1 1\n")


def mtx_of_long_sides():
    """Row pointers of a terabyte for one entry."""
    return mtx("coordinate", "100000000000 2 1", "1 1 1\n")


def mtx_of_many_entries():
    """2^62 entries announced, one there."""
    return mtx("coordinate", f"10 10 {2**62}", "1 1 1\n")


def mtx_of_a_large_array():
    """A dense matrix of 10^18 entries, one there."""
    return mtx("array", "1000000000 1000000000", "1\n")


def mtx_of_more_entries():
    """More entries than announced: a parser with an array of so many writes behind it."""
    return mtx("coordinate", "10 10 1", "1 1 1\n" * 1000)


def mtx_of_negative_indices():
    """An entry before the first row."""
    return mtx("coordinate", "3 3 1", "-1 1 1\n")


def mtx_of_index_zero():
    """Likewise, as indices count from 1."""
    return mtx("coordinate", "3 3 1", "0 1 1\n")


def mtx_of_indices_beyond():
    """An entry after the last row."""
    return mtx("coordinate", "3 3 1", "4 1 1\n")


def mtx_of_indices_that_wrap():
    """An index that is a small one in 64 bits."""
    return mtx("coordinate", "3 3 1", f"{2**64 + 1} 1 1\n")


def mtx_of_a_long_line():
    """A header line of a megabyte."""
    return b"%%MatrixMarket matrix coordinate real general\n%" + b"x" * (1 << 20)


def mtx_of_a_long_banner():
    """A banner of control characters."""
    return b"%%MatrixMarket \x1b[2J\x1b]0;evil\x07" + b"\x1b" * 60000 + b"\n"


def mtx_of_a_long_number():
    """A number of a million digits."""
    return mtx("array", "1 1", "9" * 1_000_000 + "\n")


def mtx_of_long_exponents():
    """A number beyond the range of any type."""
    return mtx("array", "1 1", "1e999999999999\n")


def mtx_of_escapes():
    """An entry that clears the terminal."""
    return mtx("array", "1 1", "\x1b[2J\n")


def mtx_bomb():
    """Megabytes of line ends in kilobytes of gzip."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=9, mtime=0) as text:
        text.write(mtx("coordinate", "3 3 1"))
        piece = b"\n" * (1 << 20)
        for _ in range(24):
            text.write(piece)
    return stream.getvalue()


# Archives


def archive(**members):
    """A zip archive of deflated members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, raw in members.items():
            zipped.writestr(f"{name}.npy", raw)
    return stream.getvalue()


def saved(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def sparse(**members):
    """A sparse matrix as SciPy saves it, some members replaced."""
    sound = {
        "format": saved(np.array("csr")),
        "shape": saved(np.array([2, 2])),
        "data": saved(np.ones(2)),
        "indices": saved(np.array([0, 1])),
        "indptr": saved(np.array([0, 1, 2])),
    }
    return archive(**sound | members)


def npz_of_a_false_size():
    """A member said to inflate to exabytes, of a shape that agrees."""
    raw = archive(a=described("(1073741824, 1073741824)", data=bytes(1000)))
    stated = struct.pack("<I", len(described("(1073741824, 1073741824)", data=bytes(1000))))
    return raw.replace(stated, b"\xfe\xff\xff\xff")


def npz_of_a_false_shape():
    """A member whose header claims more than it holds."""
    return archive(a=described("(1073741824, 1073741824)", data=bytes(1000)))


def npz_of_objects():
    """A pickle in an archive."""
    return archive(a=described("(1, 1)", "'|O'", pickle.dumps(Spiteful())))


def npz_of_paths():
    """Members whose names lead out of the folder and clear the terminal."""
    names = ("../../evil", "/etc/evil", "\x1b[2Jevil")
    return archive(**dict.fromkeys(names, saved(np.eye(2))))


def npz_of_overlapping_members():
    """Two entries of the directory for the same bytes."""
    raw = archive(a=saved(np.eye(2)), b=saved(np.eye(2)))
    at = raw.index(b"PK\1\2", raw.index(b"PK\1\2") + 4)
    return raw[: at + 42] + bytes(4) + raw[at + 46 :]


def npz_of_a_long_format():
    """A sparse matrix whose kind is a text of 16 MiB."""
    return sparse(format=described("()", f"'|S{16 << 20}'", bytes(16 << 20)))


def npz_of_a_long_shape():
    """A sparse matrix of a million axes."""
    return sparse(shape=saved(np.ones(1_000_000, np.int64)))


def npz_of_indices_beyond():
    """Indices that lie behind the matrix: loops trust them."""
    return sparse(indices=saved(np.array([0, 10**9])))


def npz_of_pointers_beyond():
    """Row pointers behind the entries."""
    return sparse(indptr=saved(np.array([0, 10**9, 2])))


def npz_of_negative_pointers():
    """Row pointers before them."""
    return sparse(indptr=saved(np.array([0, -5, 2])))


def npz_of_long_sides():
    """Row pointers of a terabyte for two entries."""
    return sparse(format=saved(np.array("coo")), shape=saved(np.array([10**12, 2])))


# safetensors


def safetensors(header, data=b""):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def tensor(shape, begin, end, kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def safetensors_of_a_long_header():
    """A header of half a terabyte in a file of some bytes."""
    return (2**39).to_bytes(8, "little") + b"{"


def safetensors_of_a_cut_header():
    """A header longer than the file, yet not too long."""
    return (50_000_000).to_bytes(8, "little") + b"{"


def safetensors_of_a_nested_header():
    """A header nested deeper than the parser's stack."""
    return safetensors(b'{"a":' * 100_000)


def safetensors_of_long_integers():
    """Extents whose product takes minutes."""
    return safetensors({"a": tensor([int("9" * 4000)] * 60, 0, 4)}, bytes(4))


def safetensors_of_a_million_digits():
    """An extent of a million digits."""
    raw = b'{"a":{"dtype":"F32","shape":[' + b"9" * 1_000_000 + b'],"data_offsets":[0,4]}}'
    return safetensors(raw, bytes(4))


def safetensors_that_overlap():
    """Two tensors in the same bytes."""
    return safetensors({"a": tensor([2, 2], 0, 16), "b": tensor([2, 2], 8, 24)}, bytes(24))


def safetensors_that_leave_a_hole():
    """Bytes between tensors could hold anything."""
    return safetensors({"a": tensor([2, 2], 64, 80)}, bytes(80))


def safetensors_of_negative_places():
    """A tensor before the data."""
    return safetensors({"a": tensor([2, 2], -16, 0)}, bytes(16))


def safetensors_of_duplicate_names():
    """The same name twice."""
    one = json.dumps(tensor([2, 2], 0, 16))
    return safetensors(f'{{"a": {one}, "a": {one}}}'.encode(), bytes(16))
