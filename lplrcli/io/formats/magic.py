"""First bytes of formats, and whether a file has those of one; nothing else is imported for it."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

NPY_MAGIC = b"\x93NUMPY"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
MTX_BANNER = b"%%matrixmarket"
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
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
    """Whether the file starts with NumPy's magic string."""
    return file.read(len(NPY_MAGIC)) == NPY_MAGIC


def is_npz(file: BinaryIO) -> bool:
    """Whether it is a zip archive with .npy files, or too damaged a one to tell."""
    names = _names_in_zip(file)
    if names is None:
        return False
    return not names or any(name.endswith(".npy") for name in names)


def is_zipped_zarr(file: BinaryIO) -> bool:
    """Whether it is a zip archive with an array or a group of Zarr at its root."""
    return not _ZARR_MARKS.isdisjoint(_names_in_zip(file) or [])


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
    """Whether the text, or the text inside gzip, starts with the banner in any case."""
    start = file.read(len(MTX_BANNER))
    if start.startswith(GZIP_MAGIC):
        file.seek(0)
        try:
            with gzip.GzipFile(fileobj=file, mode="rb") as text:
                start = text.read(len(MTX_BANNER))
        except (OSError, EOFError, zlib.error):
            return False
    return start.lower() == MTX_BANNER


def _names_in_zip(file: BinaryIO) -> list[str] | None:
    """Names of the members; None where it is no zip archive, empty where they cannot be told."""
    if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
        return None
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except ZIP_ERRORS:
        return []
