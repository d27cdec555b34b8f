"""Which format a file is in, by its first bytes; its name only helps the message."""

from __future__ import annotations

from typing import BinaryIO

from lplrcli.errors import InputError, UnknownFormatError
from lplrcli.io.formats.conversions import conversion_of, conversion_of_text
from lplrcli.io.formats.inflation import compression_of
from lplrcli.io.formats.table import FORMATS


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
        raise _unknown(file, name)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error


def _unknown(file: BinaryIO, name: str) -> UnknownFormatError:
    file.seek(0)
    start = file.read(16)
    accepted = ", ".join(entry.title for entry in FORMATS.values())
    if not start:
        return UnknownFormatError("the file is empty", path=name, expected=accepted)
    compression = compression_of(file)
    # The suffix decides nothing, but a file whose name promises a format deserves to hear that
    # its content is the trouble.
    promised = [e.title for e in FORMATS.values() if name.lower().endswith(e.suffixes)]
    known = conversion_of(file, name)
    if known is None and not promised:
        known = conversion_of_text(file, name)
    if compression is not None:
        what = f"{compression.name}, damaged or with neither .npy nor Matrix Market text in it"
        known = (what, f"Decompress it with {compression.command} first.")
    if known is not None:
        what, advice = known
        return UnknownFormatError(
            "not a format lplr reads", path=name, found=what, expected=accepted, advice=advice
        )
    message = "not a format lplr reads"
    if promised:
        message = f"the name says {promised[0]}, the content does not"
    advice = "Convert it, for example with numpy.save; of raw numbers, say --shape and --dtype."
    if name.lower().endswith(".lplr") or b"LPLR" in start[:8]:
        advice = "It seems to be compressed already; use lplr decompress or lplr inspect."
    return UnknownFormatError(
        message, path=name, found=f"first bytes {start[:8]!r}", expected=accepted, advice=advice
    )
