"""What an index chooses, against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.model.selection import Selection

SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple)


@st.composite
def indexed(draw):
    shape = draw(SHAPES)
    index = list(draw(st.tuples(*(st.integers(-n, n - 1) | st.slices(n) for n in shape))))
    index = index[: draw(st.integers(0, len(shape)))]
    if draw(st.booleans()):
        place = draw(st.integers(0, len(index)))
        # An ellipsis stands for the axes not indexed, wherever it is.
        sizes = [*shape[:place], *shape[len(shape) - len(index) + place :]]
        index = [draw(st.integers(-n, n - 1) | st.slices(n)) for n in sizes]
        index.insert(place, ...)
    return shape, tuple(index)


@given(indexed())
def test_an_index_chooses_what_numpy_chooses(case):
    shape, index = case
    flat = np.arange(math.prod(shape)).reshape(shape)
    expected = flat[index]
    selection = Selection.of(index, shape)
    assert selection.shape == expected.shape
    assert all(each.step > 0 for each in selection.forwards.ranges)
    for chosen, flips in ((selection, ()), (selection.forwards, selection.flips)):
        found = flat[np.ix_(*(list(each) for each in chosen.ranges))].reshape(selection.shape)
        np.testing.assert_array_equal(found[flips], expected)


def test_an_index_without_brackets():
    assert Selection.of(2, (5, 4)).shape == (4,)
    assert Selection.of(np.int64(2), (5, 4)).shape == (4,)
    assert Selection.of(..., (5, 4)) == Selection.whole((5, 4))
    assert Selection.whole(()).shape == ()


def test_narrower():
    selection = Selection.of((slice(None), 3, slice(1, 9, 2)), (4, 5, 9))
    assert selection.narrowed(2, 1, 3).ranges == (range(4), range(3, 4), range(3, 7, 2))


@pytest.mark.parametrize("index", [(0, 0, 0), (..., 0, 0, 0), 5, (0, -5), (..., ...)], ids=str)
def test_what_is_not_there(index):
    with pytest.raises(IndexError):
        Selection.of(index, (5, 4))


@pytest.mark.parametrize("index", [None, 1.0, "1", True, [0], np.ones(5, bool)], ids=str)
def test_what_is_no_basic_index(index):
    with pytest.raises(TypeError, match="integers or slices"):
        Selection.of((index,), (5, 4))
