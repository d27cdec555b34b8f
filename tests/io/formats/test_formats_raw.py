"""Files of raw numbers against what NumPy writes with ``tofile``."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from lplrcli.errors import InputError, NotAMatrixError, PlanError
from lplrcli.io import UnfoldingRequest, open_source
from lplrcli.io.formats.raw import RawLayout, named_dtype

A = np.arange(60).reshape(3, 4, 5)


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.bin")


@pytest.mark.parametrize("name", ["float32", ">f4", "<f8", ">i2", "uint8", "bool", "bfloat16", "e"])
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("axes", [1, 2])
def test_reads_what_numpy_writes(path, name, order, axes):
    dtype = np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)
    a = A.astype(dtype)
    (a.T if order == "F" else a).tofile(path)
    layout = RawLayout.of(A.shape, name, order)
    source = open_source(path, layout=layout, request=UnfoldingRequest(axes))
    assert (source.format, source.unfolding.array_shape) == ("raw", A.shape)
    assert source.dtype == dtype.newbyteorder("=")
    assert source.dtype.isnative
    np.testing.assert_array_equal(whole(source), a.reshape(source.shape))


def test_any_content_is_raw(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 2)))
    source = open_source(str(tmp_path / "a.npy"), layout=RawLayout.of((16, 10), "u1"))
    assert bytes(whole(source)[0, :6]) == b"\x93NUMPY"


@pytest.mark.parametrize("size", [0, 479, 481])
def test_the_size_must_fit(path, size):
    np.zeros(size, np.uint8).tofile(path)
    with pytest.raises(InputError, match=f"found {size} bytes, expected 480 for 3x4x5 int64"):
        open_source(path, layout=RawLayout.of(A.shape, "int64"))


def test_it_has_no_names(path):
    A.tofile(path)
    with pytest.raises(InputError, match="a raw file holds one matrix without a name"):
        open_source(path, layout=RawLayout.of(A.shape, "int64"), dataset="x")


@pytest.mark.parametrize("name", ["float33", ">bfloat16", "", "f4,", "(2,", "f9999999999999"])
def test_no_such_type(name):
    with pytest.raises((PlanError, NotAMatrixError)) as caught:
        named_dtype(name)
    assert "float32" in str(caught.value)


@pytest.mark.parametrize("name", ["complex64", "S3", "i4,f4", "M8[s]", "O", "longdouble"])
def test_types_that_are_not_compressed(name):
    with pytest.raises(NotAMatrixError, match="the type given"):
        named_dtype(name)


def test_layouts_of_no_matrix():
    for shape, fault in [((3,), "1-dimensional"), ((2, 0), "empty"), ((1,) * 6, "6-dimensional")]:
        with pytest.raises(NotAMatrixError, match=fault):
            RawLayout.of(shape, "f4")
    with pytest.raises(PlanError, match="no such order: found 'A'"):
        RawLayout.of((2, 2), "f4", "A")
