"""Rows put where they belong, part by part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.linalg.row_filler import RowFiller, dropped


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_parts_fill_the_array_in_order_and_a_second_time_from_its_start(heights):
    rows = np.random.default_rng(0).standard_normal((sum(heights), 3))
    filler = RowFiller(np.empty_like(rows))
    for expected in (rows, -rows):
        for part in np.split(expected, np.cumsum(heights)[:-1]):
            filler.take(part)
        np.testing.assert_array_equal(filler.out, expected)


def test_parts_are_converted_to_the_type_of_the_array():
    filler = RowFiller(np.zeros(3, np.float32))
    filler.take(np.array([1.0, 2.5]))
    assert filler.out.tolist() == [1, 2.5, 0]
    with pytest.raises(ValueError, match="broadcast"):
        filler.take(np.ones(2))  # one row is left


def test_what_is_dropped_leaves_nothing():
    assert dropped(np.ones(3)) is None
