"""Files compressed as a whole, against the libraries that compress."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.io.formats.inflation import COMPRESSIONS, compression_of, inflated, start_of

COMPRESS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
NAMES = [one.name for one in COMPRESSIONS]


def read(data):
    file = io.BytesIO(data)
    with inflated(file, compression_of(file)) as stream:
        found = stream.read()
    assert not file.closed
    return found


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=2000), repeated=st.integers(1, 200))
def test_what_was_compressed_comes_back(name, data, repeated):
    compressed = COMPRESS[name](data * repeated)
    file = io.BytesIO(compressed)
    assert compression_of(file).name == name
    assert start_of(file, 30) == (data * repeated)[:30]
    assert read(compressed) == data * repeated
    if data:
        assert read(compressed + COMPRESS[name](data)) == data * (repeated + 1)


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_damage_is_noticed(name, data):
    content = np.random.default_rng(1).bytes(300)
    compressed = COMPRESS[name](content)
    cut = data.draw(st.integers(len(COMPRESSIONS[NAMES.index(name)].magic), len(compressed) - 1))
    with pytest.raises(OSError, match=f"the {name} data are damaged"):
        read(compressed[:cut])


def test_no_compression():
    file = io.BytesIO(b"\x93NUMPY")
    assert compression_of(file) is None
    assert start_of(file, 6) == b"\x93NUMPY"
    assert start_of(io.BytesIO(b"\x1f\x8bxx"), 6) == b""


def test_zeros_take_no_memory():
    data = zstandard.compress(bytes(1 << 28))
    file = io.BytesIO(data)
    total = 0
    with inflated(file, compression_of(file)) as stream:
        while piece := stream.read1(1 << 20):
            total += len(piece)
    assert total == 1 << 28
