"""Zstandard frames as the format allows them: one, whole, of a size stated and bounded."""

from __future__ import annotations

from functools import cache
from typing import NoReturn

import zstandard

from lplrcli.errors import CorruptSectionError
from lplrcli.runtime.format_files import read_definition

MAX_WINDOW = 16 << 20
_LEVEL = 19


@cache
def metadata_dictionary() -> zstandard.ZstdCompressionDict:
    """The text that metadata is compressed against, ``metadata.dict`` beside SPEC.md."""
    return zstandard.ZstdCompressionDict(
        read_definition("metadata.dict"), dict_type=zstandard.DICT_TYPE_RAWCONTENT
    )


def deflate(raw: bytes, dictionary: zstandard.ZstdCompressionDict | None = None) -> bytes:
    """Return the frame of `raw`; equal bytes give equal frames."""
    compressor = zstandard.ZstdCompressor(
        level=_LEVEL, write_content_size=True, write_dict_id=False, dict_data=dictionary
    )
    return compressor.compress(raw)


def stated_size(payload: bytes) -> int | None:
    """Bytes of content that a frame states; None if it states none, or is no frame."""
    try:
        size = zstandard.frame_content_size(payload)
    except zstandard.ZstdError:
        return None
    return None if size < 0 else size


def inflate(
    payload: bytes,
    *,
    most: int,
    name: str,
    section: str,
    dictionary: zstandard.ZstdCompressionDict | None = None,
) -> bytes:
    """Return the content of a frame that comes from anyone.

    Parameters
    ----------
    payload : bytes
        The frame, and nothing after it.
    most : int
        Bytes of content that are allowed; checked before anything is inflated.
    name, section : str
        What it holds and the section it lies in, for messages.
    dictionary : ZstdCompressionDict, optional
        Of raw content: a frame need not use it.

    Raises
    ------
    CorruptSectionError
        Not one exact zstd frame, or one too large.
    """

    def refuse(what: str, found: object = None, expected: object = None) -> NoReturn:
        raise CorruptSectionError(
            f"{name}: {what}", section=section, found=found, expected=expected
        )

    if not payload.startswith(zstandard.FRAME_HEADER):
        refuse("not a zstd frame", payload[:4].hex(" "), zstandard.FRAME_HEADER.hex(" "))
    try:
        frame = zstandard.get_frame_parameters(payload)
        if frame.content_size == zstandard.CONTENTSIZE_UNKNOWN:
            refuse("zstd frame does not state its content size", "no size", "a size")
        if frame.content_size > most:
            refuse("inflates too far", f"{frame.content_size} bytes", f"at most {most}")
        if frame.window_size > MAX_WINDOW:
            refuse("zstd window too large", frame.window_size, f"at most {MAX_WINDOW}")
        if frame.dict_id:
            refuse("zstd frame names a dictionary", frame.dict_id, "none")
        inflater = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW, dict_data=dictionary)
        return inflater.decompress(payload, allow_extra_data=False)
    except zstandard.ZstdError as error:
        refuse("not one whole zstd frame", f"{len(payload)} bytes: {error}", "one whole frame")
