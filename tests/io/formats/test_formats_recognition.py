"""Content decides what format a file is in; its name only helps the message."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pytest
import zstandard
from foreign_samples import A, bytes_of, whole

from lplrcli.errors import UnknownFormatError
from lplrcli.io import (
    FORMATS,
    open_source,
)


@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize("name", ["plain", "a.npy", "a.h5", "a.mtx"])
def test_content_decides_the_format_not_the_name(tmp_path, key, name):
    (tmp_path / name).write_bytes(bytes_of(key))
    source = open_source(str(tmp_path / name))
    assert source.format == key
    assert source.name == str(tmp_path / name)
    np.testing.assert_array_equal(whole(source), A)


def zip_bytes():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "hello")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.csv", b"1,2,3\n", "first bytes b'1,2,3"),
        ("a.npy", b"1,2,3\n", "the name says NumPy .npy"),
        ("a.npz", zip_bytes(), "zip archive without .npy"),
        ("a.npz", b"PK\x05\x06" + bytes(18), "empty zip archive"),
        ("a.json", b'{"a": 1, "b": 2}', "first bytes"),
        ("a.txt", b"package {\n}", "first bytes"),
        ("a.gz", gzip.compress(b"hello", mtime=0), "gunzip"),
        ("a.gz", b"\x1f\x8b", "gunzip"),
        ("a.lplr", b"\x89LPLR\r\n\x1a\n", "lplr decompress"),
        ("a.bin", b"", "empty"),
        ("a.mat", b"MATLAB 5.0 MAT-file", "the name says MATLAB 4 and 5"),
        (
            "a.npy.zst",
            zstandard.compress(b"hello"),
            "zstd, damaged or.*\\nDecompress.*unzstd",
        ),
        ("a.npy.bz2", bz2.compress(b"hello"), "bunzip2 first"),
        ("a.npy.xz", lzma.compress(b"hello"), "unxz first"),
    ],
)
def test_unknown_content(tmp_path, name, data, text):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnknownFormatError, match=text) as caught:
        open_source(str(tmp_path / name))
    assert all(entry.title in str(caught.value) for entry in FORMATS.values())
    assert len(str(caught.value).splitlines()) <= 2
