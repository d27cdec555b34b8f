"""Formats that are not read: each is named, and one line says how to convert it."""

from __future__ import annotations

import io
import shlex
import sys
import zipfile

import numpy as np
import pytest
from lplr_command import shell

from lplrcli.errors import UnknownFormatError
from lplrcli.io import open_source
from lplrcli.io.formats.conversions import conversion_of, conversion_of_text


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return stream.getvalue()


KNOWN = {
    "a.parquet": (b"PAR1\x15", "Parquet", "read_parquet"),
    "a.feather": (b"ARROW1\0\0", "Arrow", "read_feather"),
    "a.gguf": (b"GGUF\3\0\0\0", "GGUF", "gguf.dequantize"),
    "a.fits": (b"SIMPLE  =                    T", "FITS", "fits.getdata"),
    "a.tif": (b"II*\0\x08\0\0\0", "TIFF", "tifffile.imread"),
    "big.tif": (b"MM\0+\0\x08", "TIFF", "tifffile.imread"),
    "a.png": (b"\x89PNG\r\n", "PNG", "Image.open"),
    "a.pt": (zipped("a/data.pkl", "a/data/0"), "PyTorch", "weights_only=True"),
    "old.pth": (b"\x80\2}q\0.", "PyTorch", "weights_only=True"),
    "a.csv": (b"x,y\n1,2\n", "text", "delimiter=','"),
    "a.tsv": (b"1\t2\n", "text", "np.loadtxt('a.csv')"),
    "plain": (b"1;2\n3;4\n", "text", "delimiter=';'"),
    "a.zip": (zipped("a.txt"), "zip archive without", "Extract it"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_message_says_how_to_convert(tmp_path, name):
    data, what, advice = KNOWN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnknownFormatError, match="not a format lplr reads") as caught:
        open_source(str(tmp_path / name))
    first, second = str(caught.value).splitlines()
    assert what in first
    assert advice in second
    if "python -c" in second:
        compile(shlex.split(second.removeprefix("Convert it: "))[2], name, "exec")


def test_other_things_are_not_known():
    for data in (b"", b"{}", b"\0\1\2", b"words alone"):
        assert conversion_of(io.BytesIO(data), "a.txt") is None
        assert conversion_of_text(io.BytesIO(data), "a.txt") is None


def test_the_line_for_text_works(tmp_path):
    a = np.arange(12.0).reshape(4, 3)
    np.savetxt(tmp_path / "a.csv", a, delimiter=",")
    with pytest.raises(UnknownFormatError) as caught:
        open_source(str(tmp_path / "a.csv"))
    line = caught.value.advice.removeprefix("Convert it: ").replace("python", sys.executable, 1)
    assert shell(line, tmp_path).code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), a)
