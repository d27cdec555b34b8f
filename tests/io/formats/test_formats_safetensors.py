"""Safetensors files against the format's own library."""

from __future__ import annotations

import json
import struct

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError, NotAMatrixError
from lplrcli.io import open_source

A = np.random.default_rng(1).standard_normal((60, 9)).astype(np.float32)


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.safetensors")


@pytest.mark.parametrize("dtype", [*"?bBhHiIlLefd", ml_dtypes.bfloat16], ids=str)
def test_every_type(path, dtype):
    a = np.arange(60).reshape(12, 5).astype(dtype)
    safetensors.numpy.save_file({"x": a}, path, metadata={"format": "np"})
    source = open_source(path)
    assert (source.format, source.dtype) == ("safetensors", a.dtype)
    np.testing.assert_array_equal(whole(source), a)


def test_tensors_by_name(path):
    conv = np.arange(24.0).reshape(2, 3, 4)
    tensors = {"a.weight": A, "a.bias": A[0], "conv": conv, "empty": np.ones((0, 3))}
    safetensors.numpy.save_file(tensors, path)
    np.testing.assert_array_equal(whole(open_source(path, dataset="a.weight")), A)
    np.testing.assert_array_equal(whole(open_source(path, dataset="conv")), conv.reshape(2, 12))
    with pytest.raises(NotAMatrixError, match=r"2 arrays: .*a.weight \(60x9 float32\)"):
        open_source(path)
    with pytest.raises(NotAMatrixError, match="'b' does not exist; arrays in the file"):
        open_source(path, dataset="b")
    for name, fault in {"a.bias": "1-dimensional", "empty": "empty"}.items():
        with pytest.raises(NotAMatrixError, match=fault):
            open_source(path, dataset=name)
    safetensors.numpy.save_file({"w": A, "b": A[0]}, path)
    np.testing.assert_array_equal(whole(open_source(path)), A)


@pytest.mark.parametrize(
    ("kind", "name", "dtype"),
    [
        ("F8_E4M3", "float8_e4m3fn", "float16"),
        ("F8_E5M2", "float8_e5m2", "float16"),
        ("F8_E8M0", "float8_e8m0fnu", "bfloat16"),
    ],
)
def test_floats_of_8_bits_keep_every_value(path, kind, name, dtype):
    every = np.arange(256, dtype=np.uint8)
    stored = np.repeat(every, 4000).view(getattr(ml_dtypes, name)).reshape(-1, 1000)
    write(path, {"w": [kind, list(stored.shape), [0, stored.size]]}, stored.tobytes())
    source = open_source(path)
    assert source.dtype.name == dtype
    found = whole(source)
    np.testing.assert_array_equal(found.astype("f8"), stored.astype("f8"))


def test_types_that_are_not_read_do_not_stand_in_the_way(path, tmp_path):
    write(path, {"f8": ["F4", [2, 4], [0, 4]], "x": ["F32", [1, 2], [4, 12]]}, bytes(12))
    assert open_source(path).shape == (1, 2)
    with pytest.raises(NotAMatrixError, match=r"F4, expected float16"):
        open_source(path, dataset="f8")


def write(path, tensors, data=b"", padding=0):
    entries = {
        name: dict(zip(("dtype", "shape", "data_offsets"), tensor, strict=True))
        for name, tensor in tensors.items()
    }
    write_text(path, json.dumps(entries).encode() + b" " * padding, data)


def write_text(path, text, data=b"", length=None):
    prefix = struct.pack("<Q", len(text) if length is None else length)
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(prefix + text + data)


@pytest.mark.parametrize("padding", range(4))
def test_unaligned_data(path, padding):
    write(path, {"x": ["F64", [2, 3], [0, 48]]}, np.arange(6.0).tobytes(), padding)
    with open_source(path) as source:
        (values,) = source.map_blocks(lambda block: block.values.copy())
    np.testing.assert_array_equal(values, np.arange(6.0).reshape(2, 3))


DAMAGED = {
    "overlapping": ({"x": ["U8", [2, 2], [0, 4]], "y": ["U8", [2, 2], [2, 6]]}, 6, "overlaps"),
    "the same": ({"x": ["U8", [2, 2], [0, 4]], "y": ["U8", [2, 2], [0, 4]]}, 4, "overlaps"),
    "a hole": ({"x": ["U8", [2, 2], [0, 4]], "y": ["U8", [2, 2], [5, 9]]}, 9, "leaves bytes"),
    "a late beginning": ({"x": ["U8", [2, 2], [1, 5]]}, 5, "leaves bytes"),
    "cut short": ({"x": ["U8", [2, 2], [0, 4]]}, 3, "cut short: found 3 bytes"),
    "more": ({"x": ["U8", [2, 2], [0, 4]]}, 5, "bytes follow"),
    "too short a range": ({"x": ["F32", [2, 2], [0, 4]]}, 4, "found 4 bytes, expected 16"),
    "backwards": ({"x": ["U8", [2, 2], [4, 0]]}, 4, "no range"),
    "negative": ({"x": ["U8", [2, -2], [0, 4]]}, 4, "no valid"),
    "floats": ({"x": ["U8", [2.0, 2], [0, 4]]}, 4, "no valid"),
    "truth values": ({"x": ["U8", [True, 4], [0, 4]]}, 4, "no valid"),
    "type of a number": ({"x": [8, [2, 2], [0, 4]]}, 4, "no valid"),
    "three offsets": ({"x": ["U8", [2, 2], [0, 4, 4]]}, 4, "no range"),
    "huge shape": ({"x": ["U8", [2**62, 2**62], [0, 4]]}, 4, "length of x"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_tensors(path, case):
    tensors, size, fault = DAMAGED[case]
    write(path, tensors, bytes(size))
    refused(path, fault)
    with pytest.raises(safetensors.SafetensorError):
        safetensors.numpy.load_file(path)


def refused(path, fault):
    with pytest.raises(InputError, match=fault) as caught:
        open_source(path)
    assert len(str(caught.value).splitlines()) <= 2
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize(
    ("text", "length", "fault"),
    [
        (b"{}", 3, "found 10 bytes, expected at least 11"),
        (b"{}", 2**39, "too long"),
        (b"{}" + bytes(8), 100_000_001, "too long"),
        (b"{} x", None, "JSON"),
        (b'{"x": ' + b"[" * 100_000, None, "JSON"),
        (b'{"x": 1, "x": 2}', None, "name occurs twice"),
        (b'{"x": {"dtype": "U8", "dtype": "U8"}}', None, "name occurs twice"),
        (b'{"x": 1}', None, "x must have dtype"),
        (b'{"x": {"dtype": "U8", "shape": [1, 1]}}', None, "x must have dtype"),
        (b'{"\xff": 1}', None, "JSON"),
        (b'{"x": ' + b"9" * 5000 + b"}", None, "JSON"),
        (b"{", None, "JSON"),
    ],
    ids=range(12),
)
def test_damaged_headers(path, text, length, fault):
    write_text(path, text, length=length)
    refused(path, fault)


def test_a_header_without_tensors(path):
    write_text(path, b'{"__metadata__": {"a": "b"}}')
    with pytest.raises(NotAMatrixError, match="its datasets: none"):
        open_source(path)


GOOD = safetensors.numpy.save({"x": A[:4, :3], "y": np.arange(4, dtype=np.int16)})


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    edits=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), min_size=1, max_size=3),
    size=st.just(len(GOOD)) | st.integers(0, len(GOOD)),
)
def test_what_is_accepted_is_what_the_library_reads(tmp_path, edits, size):
    raw = bytearray(GOOD)
    for place, value in edits:
        raw[place % len(raw)] = value
    path = tmp_path / "a.safetensors"
    path.write_bytes(raw[:size])
    try:
        found = whole(open_source(str(path)))
    except LplrError:
        return
    try:
        tensors = safetensors.numpy.load_file(path).values()
    except safetensors.SafetensorError as error:
        # The library reads all tensors; a type unknown to it may be that of another one.
        assert "unknown variant" in str(error)
        return
    assert any(found.tobytes() == tensor.tobytes() for tensor in tensors)
