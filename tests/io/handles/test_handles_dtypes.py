"""Which types are compressed, and blocks of them in native order."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.dtypes import are_sizes, matrix_shape, real_dtype, to_native

ACCEPTED = [*"?bBhHiIqQefd", ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", ACCEPTED, ids=str)
@pytest.mark.parametrize("order", "<>=")
def test_a_type_of_either_byte_order_becomes_the_native_one(dtype, order):
    stored = np.dtype(dtype).newbyteorder(order)
    found = real_dtype(stored, "a")
    assert found == np.dtype(dtype)
    assert found.isnative
    values = np.arange(2).astype(stored)
    np.testing.assert_array_equal(to_native(values, found).astype(float), [0, 1])


def test_two_raw_bytes_are_bfloat16():
    values = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    raw = values.view("V2")
    assert real_dtype(raw.dtype, "a") == ml_dtypes.bfloat16
    np.testing.assert_array_equal(to_native(raw, real_dtype(raw.dtype, "a")), values)


@pytest.mark.parametrize(
    "dtype",
    ["c8", "c16", "O", "S3", "U2", "M8[s]", "m8[D]", "V3", "V4", [("x", "f4"), ("y", "f4")],
     ("f4", (2,)), *(["g"] if np.dtype("g").itemsize > 8 else [])],
    ids=str,
)  # fmt: skip
def test_what_is_no_real_number_is_refused_with_advice(dtype):
    with pytest.raises(NotAMatrixError) as caught:
        real_dtype(np.dtype(dtype), "a.npy")
    error = caught.value
    assert error.path == "a.npy"
    assert "float32" in error.expected
    assert error.advice


@given(st.lists(st.integers(0, 9), max_size=4).map(tuple))
def test_only_two_extents_that_are_not_zero_are_a_matrix(shape):
    if len(shape) == 2 and 0 not in shape:
        found = matrix_shape(np.array(shape), "a")
        assert found == shape
        assert all(type(extent) is int for extent in found)
    else:
        with pytest.raises(NotAMatrixError):
            matrix_shape(shape, "a")


@pytest.mark.parametrize(
    ("values", "sound"),
    [
        ((), True), ((0, 2**63 - 1), True), ([1] * 64, True),
        ([1] * 65, False), ((2**63,), False), ((-1,), False), ((1.0,), False), ((True,), False),
    ],
)  # fmt: skip
def test_extents_are_integers_that_numpy_can_hold(values, sound):
    assert are_sizes(values) == sound


def test_what_is_native_and_contiguous_is_not_copied():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert to_native(values, values.dtype) is values
    turned = to_native(values.T, values.dtype)
    assert turned.flags.c_contiguous
    np.testing.assert_array_equal(turned, values.T)
    unaligned = np.frombuffer(b"x" + values.tobytes(), np.float32, offset=1)
    assert to_native(unaligned, values.dtype).flags.aligned
