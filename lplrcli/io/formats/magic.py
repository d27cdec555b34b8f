"""First bytes of formats, and whether a file has those of one; nothing else is imported for it."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from lplrcli.io.formats.inflation import start_of

NPY_MAGIC = b"\x93NUMPY"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
MTX_BANNER = b"%%matrixmarket"
ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors put before a text in UTF-8."""

NETCDF_MAGIC = b"CDF"
_NETCDF_VERSIONS = b"\1\2\5"
_MOST_SPACE = 64  # bytes of spaces and line ends before a banner
MAT_HEADER = 128
"""Bytes before the first variable of a MATLAB file of version 5."""

_MAT4_HEADER = 20  # bytes before the name of a matrix
_LONGEST_NAME = 64  # bytes of a name in MATLAB, and more
_ZARR_MARKS = {"zarr.json", ".zarray", ".zgroup", ".zmetadata"}

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    UnicodeDecodeError,
)
"""What zipfile raises for archives that are damaged in one place or another."""


def is_npy(file: BinaryIO) -> bool:
    """Whether the file, or what it holds compressed, starts with NumPy's magic string."""
    return start_of(file, len(NPY_MAGIC)) == NPY_MAGIC


def is_npz(file: BinaryIO) -> bool:
    """Whether it is a zip archive with .npy files, or too damaged a one to tell."""
    names = names_in_zip(file)
    if names is None:
        return False
    return not names or any(name.endswith(".npy") for name in names)


def is_zipped_zarr(file: BinaryIO) -> bool:
    """Whether it is a zip archive with an array or a group of Zarr, at its root or in a folder."""
    return bool(zarr_roots(names_in_zip(file) or []))


def zarr_roots(names: list[str]) -> list[str]:
    """Folders, in a zip archive with these members, that are Zarr stores; empty for its root."""
    marked = {name.rpartition("/")[::2] for name in names}
    folders = {folder for folder, mark in marked if mark in _ZARR_MARKS}
    # Arrays and groups within a store have such files too.
    return sorted(
        folder
        for folder in folders
        if not any(folder != other and f"{folder}/".startswith(f"{other}/") for other in folders)
        and not (folder and "" in folders)
    )


def is_zarr_folder(path: str) -> bool:
    """Whether the path is that of a folder which is an array or a group of Zarr."""
    try:
        return any((Path(path) / mark).is_file() for mark in _ZARR_MARKS)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False


def is_safetensors(file: BinaryIO) -> bool:
    """Whether the start is a length below 2^40 and a brace; the format has no magic bytes."""
    start = file.read(9)
    return start[5:] == b"\0\0\0{"


def is_hdf5(file: BinaryIO) -> bool:
    """Whether the HDF5 signature is at offset 0 or, behind a user block, at 512, 1024, 2048, ..."""
    size = file.seek(0, 2)
    offset = 0
    while offset + len(HDF5_SIGNATURE) <= size:
        file.seek(offset)
        if file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE:
            return True
        offset = max(512, 2 * offset)
    return False


def is_mtx(file: BinaryIO) -> bool:
    """Whether the text, or the text that is compressed, starts with the banner in any case.

    A byte order mark and spaces before it do not matter.
    """
    start = start_of(file, len(BYTE_ORDER_MARK) + _MOST_SPACE + len(MTX_BANNER))
    return start.removeprefix(BYTE_ORDER_MARK).lstrip().lower().startswith(MTX_BANNER)


def is_netcdf(file: BinaryIO) -> bool:
    """Whether it is of one of the classic formats of netCDF; those of version 4 are HDF5."""
    start = file.read(len(NETCDF_MAGIC) + 1)
    return start[:-1] == NETCDF_MAGIC and start[-1] in _NETCDF_VERSIONS


def is_mat(file: BinaryIO) -> bool:
    """Whether it is a MATLAB file of version 5, or starts as a matrix of version 4 does."""
    start = file.read(MAT_HEADER)
    if len(start) == MAT_HEADER and start[124:] in (b"\0\1IM", b"\1\0MI"):
        return True
    return mat4_order(start) is not None


def mat4_order(start: bytes) -> str | None:
    """Find the order of bytes, ``<`` or ``>``, of a MATLAB file of version 4; None for others.

    The format has no magic bytes, but type, extents and name of its first matrix are narrowly
    confined.
    """
    if len(start) <= _MAT4_HEADER:
        return None
    for thousands, order in enumerate("<>"):
        kind, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", start)
        if (
            kind // 100 == 10 * thousands
            and kind // 10 % 10 <= 5
            and kind % 10 <= 2
            and min(rows, columns) >= 0
            and imaginary in (0, 1)
            and 2 <= length <= _LONGEST_NAME
            and re.fullmatch(rb"[A-Za-z]\w*\0", start[_MAT4_HEADER : _MAT4_HEADER + length])
        ):
            return order
    return None


def names_in_zip(file: BinaryIO) -> list[str] | None:
    """List the members; None where it is no zip archive, empty where they cannot be told."""
    if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
        return None
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except ZIP_ERRORS:
        return []
