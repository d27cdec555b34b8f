"""Zip archives of one array, and how their bytes are changed."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np

A = np.random.default_rng(1).standard_normal((60, 9)).astype(np.float32)


def changed(data, place, by):
    """The bytes with a struct field added to, at a place from the start or the end."""
    raw = bytearray(data)
    (value,) = struct.unpack_from("<I", raw, place)
    struct.pack_into("<I", raw, place, (value + by) % 2**32)
    return bytes(raw)


def archive(method=zipfile.ZIP_DEFLATED, content=None, name="u.npy"):
    if content is None:
        stream = io.BytesIO()
        np.save(stream, A)
        content = stream.getvalue()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as zipped:
        zipped.writestr(name, content)
    return stream.getvalue()


def central(data):
    """Where the only entry of the central directory begins."""
    return data.rindex(b"PK\x01\x02")


CONTENT = zipfile.ZipFile(io.BytesIO(archive())).read("u.npy")
