"""Variables of MATLAB files, found in bytes, against SciPy's writer and reader."""

from __future__ import annotations

import io

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lplrcli.io.formats.mat_variables import DamagedError, numbers_of, variables_4, variables_5


def saved(version, compressed, arrays):
    stream = io.BytesIO()
    scipy.io.savemat(stream, arrays, format=version, do_compression=compressed)
    return memoryview(stream.getvalue())


ARRAYS = st.dictionaries(
    st.text("abcXYZ_", min_size=1, max_size=9).map(lambda name: f"v{name}"),
    npst.arrays(
        st.sampled_from(["f8", "f4", "i4", "i2", "u2", "u1"]).map(np.dtype),
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(ARRAYS, st.booleans())
def test_all_that_is_saved_is_found(arrays, compressed):
    found = {one.name: one for one in variables_5(saved("5", compressed, arrays))}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        (numbers,) = numbers_of(found[name])
        np.testing.assert_array_equal(numbers.reshape(found[name].shape, order="F"), array)
    found = {one.name: one for one in variables_4(saved("4", False, arrays), "<")}
    for name, array in arrays.items():
        (numbers,) = numbers_of(found[name])
        np.testing.assert_array_equal(numbers.reshape(found[name].shape, order="F"), array)


@pytest.mark.parametrize("order", "<>")
def test_either_order_of_bytes(order):
    head = np.array([1000 * (order == ">"), 2, 1, 0, 2], f"{order}i4").tobytes()
    data = memoryview(head + b"a\0" + np.array([1.5, 2], f"{order}f8").tobytes())
    (found,) = variables_4(data, order)
    assert (found.name, found.shape, found.kind) == ("a", (2, 1), "double")
    np.testing.assert_array_equal(numbers_of(found)[0], [1.5, 2])


@pytest.mark.parametrize("version", ["4", "5"])
def test_what_is_cut_short_is_named(version):
    data = saved(version, False, {"a": np.ones((3, 4))})
    with pytest.raises(DamagedError, match=r"cut short|are left"):
        list(variables_4(data[:-9], "<") if version == "4" else variables_5(data[:-9]))
