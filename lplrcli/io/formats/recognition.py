"""Which format a file is in, by its first bytes; its name only helps the message."""

from __future__ import annotations

from typing import BinaryIO

from lplrcli.errors import InputError, UnknownFormatError
from lplrcli.io.formats.magic import EMPTY_ZIP_MAGIC, GZIP_MAGIC, ZIP_MAGIC
from lplrcli.io.formats.table import FORMATS

_NOT_READ: tuple[tuple[bytes, str, str], ...] = (
    (ZIP_MAGIC, "a zip archive without .npy files", "Extract it, and give one file of it."),
    (EMPTY_ZIP_MAGIC, "an empty zip archive", "Save it again with numpy.savez."),
    (b"MATLAB 5.0", "a MATLAB 5 file", "Save it with -v7.3 (HDF5) or convert it to .npy."),
    (GZIP_MAGIC, "gzip, and not of Matrix Market text", "Decompress it with gunzip first."),
    (b"\x28\xb5\x2f\xfd", "zstd", "Decompress it with unzstd first."),
)
"""Formats often met and not read: what they start with, what they are, what to do."""


def recognise(file: BinaryIO, name: str) -> str:
    """Key of the format in `FORMATS` that the content of a file is in, tried in their order.

    Parameters
    ----------
    file : binary file
        Seekable; left at no particular position.
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
        for key, entry in FORMATS.items():
            file.seek(0)
            if entry.recognises(file):
                return key
        file.seek(0)
        start = file.read(16)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error
    raise _unknown(start, name)


def _unknown(start: bytes, name: str) -> UnknownFormatError:
    accepted = ", ".join(entry.title for entry in FORMATS.values())
    if not start:
        return UnknownFormatError("the file is empty", path=name, expected=accepted)
    for magic, what, advice in _NOT_READ:
        if start.startswith(magic):
            return UnknownFormatError(
                "not a format lplr reads", path=name, found=what, expected=accepted, advice=advice
            )
    # The suffix decides nothing, but a file whose name promises a format deserves to hear that
    # its content is the trouble.
    promised = [e.title for e in FORMATS.values() if name.lower().endswith(e.suffixes)]
    message = "not a format lplr reads"
    if promised:
        message = f"the name says {promised[0]}, the content does not"
    advice = "Convert it, for example with numpy.save; of raw numbers, say --shape and --dtype."
    if name.lower().endswith(".lplr") or b"LPLR" in start[:8]:
        advice = "It seems to be compressed already; use lplr decompress or lplr inspect."
    return UnknownFormatError(
        message, path=name, found=f"first bytes {start[:8]!r}", expected=accepted, advice=advice
    )
