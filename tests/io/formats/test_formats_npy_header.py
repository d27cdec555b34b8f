"""Headers of .npy files: every version, and none that is damaged or lies about its size."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError
from lplrcli.io import open_source


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


def some(shape, dtype):
    return (
        np.random.default_rng(5)
        .integers(0, 2 if np.dtype(dtype).kind == "b" else 100, shape)
        .astype(dtype)
    )


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_header_version(tmp_path, version):
    a = some((5, 3), np.float32)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, a, version=version)
    np.testing.assert_array_equal(whole(open_source(str(tmp_path / "a.npy"))), a)


def write_npy(path, header, data, version=1):
    text = header.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + text + data)
    return str(path)


def test_header_of_python_2_and_unaligned_data(tmp_path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L)}"
    assert (10 + len(header)) % 8
    path = write_npy(tmp_path / "a.npy", header, np.arange(6.0).tobytes())
    source = open_source(path)
    values = list(source.map_blocks(lambda block: block.values))
    assert values[0].flags.aligned
    np.testing.assert_array_equal(values[0], np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(("change", "fault"), [(-1, "cut short"), (+1, "bytes follow")])
def test_refuses_another_size(tmp_path, change, fault):
    path = tmp_path / "a.npy"
    np.save(path, some((10, 10), np.float32))
    data = path.read_bytes()
    path.write_bytes(data[:change] if change < 0 else data + b"\0" * change)
    with pytest.raises(InputError, match=fault) as caught:
        open_source(str(path))
    assert caught.value.found == f"{len(data) + change} bytes"
    assert str(len(data)) in str(caught.value.expected)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, True)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': '<f4', 'shape': (2, 3)}",
        "{'descr': '<q4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': 'f4,f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': 7, 'fortran_order': False, 'shape': (2, 3)}",
        "__import__('os').abort()",
        "[" * 5000,
        "'\\d",
        "",
    ],
)
def test_refuses_a_damaged_header(tmp_path, header):
    path = write_npy(tmp_path / "a.npy", header, b"\0" * 24)
    with pytest.raises(InputError, match="header is damaged"):
        open_source(path)


def test_lying_sizes_allocate_nothing(tmp_path):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**15}, {10**15})}}"
    path = write_npy(tmp_path / "a.npy", header, b"\0" * 24)
    with pytest.raises(InputError, match="cut short"):
        open_source(path)
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"{" * 100)
    with pytest.raises(InputError, match="ends within"):
        open_source(str(tmp_path / "b.npy"))
    (tmp_path / "c.npy").write_bytes(b"\x93NUMPY\x02\x00" + struct.pack("<I", 20000) + b" " * 30000)
    with pytest.raises(InputError, match="too long"):
        open_source(str(tmp_path / "c.npy"))
    (tmp_path / "d.npy").write_bytes(b"\x93NUMPY\x09\x00" + b" " * 300)
    with pytest.raises(InputError, match="version"):
        open_source(str(tmp_path / "d.npy"))


VALID = io.BytesIO()
np.save(VALID, some((4, 3), np.float32))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(
        st.binary(max_size=200).map(lambda tail: b"\x93NUMPY" + tail),
        st.tuples(st.integers(6, 127), st.binary(min_size=1, max_size=12)).map(
            lambda edit: VALID.getvalue()[: edit[0]] + edit[1] + VALID.getvalue()[edit[0] + 1 :]
        ),
        st.text(max_size=60).map(
            lambda text: (
                b"\x93NUMPY\x03\x00"
                + struct.pack("<I", len(text.encode("utf8", "replace")))
                + text.encode("utf8", "replace")
            )
        ),
    )
)
@example(data=b"\x93NUMPY")
def test_arbitrary_bytes_raise_only_our_errors(tmp_path, data):
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    try:
        source = open_source(str(path))
    except LplrError:
        return
    whole(source)
