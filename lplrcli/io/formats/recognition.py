"""Which format a file is in, by its first bytes; its name only helps the message."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lplrcli.errors import InputError, UnknownFormatError

NPY_MAGIC = b"\x93NUMPY"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
MTX_BANNER = b"%%matrixmarket"
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
_EMPTY_ZIP_MAGIC = b"PK\x05\x06"
_ZARR_MARKS = {"zarr.json", ".zarray", ".zgroup", ".zmetadata"}

# What zipfile raises for archives that are damaged in one place or another.
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

# Formats that are often met and not read: what they start with, what they are, what to do.
STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (ZIP_MAGIC, "a zip archive without .npy files", "Extract it, and give one file of it."),
    (_EMPTY_ZIP_MAGIC, "an empty zip archive", "Save it again with numpy.savez."),
    (b"MATLAB 5.0", "a MATLAB 5 file", "Save it with -v7.3 (HDF5) or convert it to .npy."),
    (GZIP_MAGIC, "gzip, and not of Matrix Market text", "Decompress it with gunzip first."),
    (b"\x28\xb5\x2f\xfd", "zstd", "Decompress it with unzstd first."),
)


@dataclass(frozen=True)
class Format:
    """One line of `lplrcli.io.FORMATS`.

    Attributes
    ----------
    module : str
        Module that reads and writes it; imported on first use.
    title : str
        Its name in messages.
    suffixes : tuple of str
        Ends of file names, in lower case; the first one is given to new files.
    recognises : callable
        Whether a binary file, positioned at its start, is in this format.
    named : bool
        Whether a file may hold several arrays, told apart by their names.
    written : bool
        Whether it is written too.
    """

    module: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[BinaryIO], bool]
    named: bool = False
    written: bool = False


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


def recognise(file: BinaryIO, formats: Mapping[str, Format], name: str) -> str:
    """Key of the format that the content of a file is in.

    Parameters
    ----------
    file : binary file
        Seekable; left at no particular position.
    formats : mapping of str to Format
        The formats to try, in order.
    name : str
        Name of the file, for messages.

    Raises
    ------
    UnknownFormatError
        None of them recognises it.
    InputError
        The file cannot be read.
    """
    try:
        for key, entry in formats.items():
            file.seek(0)
            if entry.recognises(file):
                return key
        file.seek(0)
        start = file.read(16)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error
    raise _unknown(start, formats, name)


def _unknown(start: bytes, formats: Mapping[str, Format], name: str) -> UnknownFormatError:
    accepted = ", ".join(entry.title for entry in formats.values())
    if not start:
        return UnknownFormatError("the file is empty", path=name, expected=accepted)
    for magic, what, advice in STRANGERS:
        if start.startswith(magic):
            return UnknownFormatError(
                "not a format lplr reads", path=name, found=what, expected=accepted, advice=advice
            )
    # The suffix decides nothing, but a file whose name promises a format deserves to hear that
    # its content is the trouble.
    promised = [e.title for e in formats.values() if name.lower().endswith(e.suffixes)]
    message = "not a format lplr reads"
    if promised:
        message = f"the name says {promised[0]}, the content does not"
    advice = "Convert it, for example with numpy.save; of raw numbers, say --shape and --dtype."
    if name.lower().endswith(".lplr") or b"LPLR" in start[:8]:
        advice = "It seems to be compressed already; use lplr decompress or lplr inspect."
    return UnknownFormatError(
        message, path=name, found=f"first bytes {start[:8]!r}", expected=accepted, advice=advice
    )
