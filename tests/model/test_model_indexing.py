"""What an index of any kind needs, and that NumPy makes the same of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.model.indexing import Box, Gathering, is_basic

SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@st.composite
def indexed(draw):
    """A shape, and an index that may mix all that NumPy knows."""
    shape = draw(SHAPES)
    common = draw(st.sampled_from([(3,), (1,), (2, 3), (0,)]))
    index, left = [], list(shape)
    while left and draw(st.integers(0, 5)):
        kind = draw(st.sampled_from(["integer", "slice", "new", "list", "array", "mask", "truth"]))
        n = left[0]
        places = st.lists(
            st.integers(-n, n - 1), min_size=math.prod(common), max_size=math.prod(common)
        )
        if kind == "new":
            index.append(None)
            continue
        if kind == "truth":
            index.append(draw(st.booleans()))
            continue
        if kind == "mask":
            axes = draw(st.integers(1, len(left)))
            truths = st.lists(
                st.booleans(), min_size=math.prod(left[:axes]), max_size=math.prod(left[:axes])
            )
            index.append(np.array(draw(truths)).reshape(left[:axes]))
            left = left[axes:]
            continue
        index.append(
            draw(st.integers(-n, n - 1))
            if kind == "integer"
            else draw(st.slices(n))
            if kind == "slice"
            else np.array(draw(places), np.int64).reshape(common)
            if kind == "array"
            else np.array(draw(places), np.int64).reshape(common).tolist()
        )
        left = left[1:]
    if draw(st.booleans()) and not any(isinstance(one, np.ndarray) for one in index):
        index.append(...)
    return shape, tuple(index)


@given(indexed())
def test_an_index_chooses_what_numpy_chooses(case):
    shape, index = case
    flat = np.arange(math.prod(shape)).reshape(shape)
    try:
        expected = flat[index]
    except IndexError:  # shapes that cannot be broadcast
        with pytest.raises(IndexError):
            chosen = Gathering.of(index, shape)
            flat[np.ix_(*(list(each) for each in chosen.box.ranges))][chosen.index]
        return
    chosen = Gathering.of(index, shape)
    for each in chosen.box.ranges:
        positions = list(each)
        assert positions == sorted(set(positions))
    box = flat[np.ix_(*(np.array(list(each), int) for each in chosen.box.ranges))]
    assert chosen.box.shape == box.shape
    np.testing.assert_array_equal(box[chosen.index], expected)


def test_only_what_is_named_lies_in_the_box():
    chosen = Gathering.of(([70, 2, 70], slice(None, None, 3), 4), (99, 7, 9))
    assert [list(each) for each in chosen.box.ranges] == [[2, 70], [0, 3, 6], [4]]
    assert chosen.box.shape == (2, 3, 1)
    assert [list(each) for each in chosen.box.transposed.ranges] == [[4], [0, 3, 6], [2, 70]]
    # Without a gap it is a range, so that whole runs are decoded.
    assert Gathering.of([5, 4, 6], (9,)).box == Box((range(4, 7),))


@pytest.mark.parametrize(
    ("index", "basic"),
    [(1, True), ((slice(2), ...), True), (np.int8(3), True), (None, False), (True, False),
     ([1], False), ((1, None), False)],
    ids=str,
)  # fmt: skip
def test_integers_slices_and_an_ellipsis_are_basic(index, basic):
    assert is_basic(index) is basic


@pytest.mark.parametrize(
    "index",
    [(0, 0, [0]), ([5],), ([0], [-5]), (..., None, ...), np.ones((5, 3), bool), np.ones(4, bool)],
    ids=str,
)
def test_what_is_not_there(index):
    with pytest.raises(IndexError):
        Gathering.of(index, (5, 4))


@pytest.mark.parametrize(
    "index", [1.0, "1", [1.0], ["a"], np.zeros(0), np.ma.masked_array([1, 2], [0, 1])], ids=str
)
def test_what_is_no_index(index):
    with pytest.raises(TypeError, match=r"integers or slices|filled\(\)"):
        Gathering.of((index,), (5, 4))
