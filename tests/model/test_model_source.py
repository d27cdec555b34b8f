"""How an array lies in a matrix, and in which type its entries are computed with."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.model.source import CsrRows, RowBlock, Unfolding, working_dtype

SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)


@given(SHAPES, st.data())
def test_an_unfolding_is_numpys_reshape(shape, data):
    axes = data.draw(st.integers(1, len(shape) - 1))
    found = Unfolding.of(shape, axes)
    array = np.arange(math.prod(shape)).reshape(shape)
    matrix = array.reshape(found.matrix_shape)
    assert found.matrix_shape == (math.prod(shape[:axes]), math.prod(shape[axes:]))
    row = data.draw(st.integers(0, matrix.shape[0] - 1))
    column = data.draw(st.integers(0, matrix.shape[1] - 1))
    assert array[found.index_of(row, column)] == matrix[row, column]


def test_a_matrix_whose_maker_told_its_grids_is_indexed_as_a_matrix():
    found = Unfolding((12, 10), 1, (3, 4), (5, 2))
    assert found.matrix_shape == (12, 10)
    assert found.index_of(7, 9) == (7, 9)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, "float32") for name in ("bool", "int8", "uint8", "int16", "uint16")),
        *((name, "float32") for name in ("float16", "bfloat16", "float32")),
        *((name, "float64") for name in ("int32", "uint32", "int64", "uint64", "float64")),
    ],
)
def test_entries_are_computed_in_the_narrowest_type_that_holds_them(name, expected):
    dtype = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
    assert working_dtype(dtype) == np.dtype(expected)
    if name in ("int64", "uint64"):
        return  # no floating-point type of the hardware holds them all
    least, greatest = (
        (False, True) if name == "bool"
        else (ml_dtypes.finfo(dtype).min, ml_dtypes.finfo(dtype).max)
        if dtype.kind not in "iu"
        else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    )  # fmt: skip
    for value in (least, greatest):
        exact = np.array([value], dtype)
        np.testing.assert_array_equal(exact.astype(expected).astype(dtype), exact)


def test_a_block_has_nothing_beside_it_unless_given():
    rows = CsrRows((1, 2), np.array([0, 1]), np.array([1]), np.array([3.0]))
    assert RowBlock(5, rows).beside is None
