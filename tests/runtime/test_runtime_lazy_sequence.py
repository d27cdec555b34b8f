"""Lazy sequences against lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.runtime.lazy_sequence import LazySequence


class Squares(LazySequence[int]):
    """Squares, counting how many are made."""

    def __init__(self, count):
        self.count = count
        self.made = 0

    def __len__(self):
        return self.count

    def _element(self, at):
        assert 0 <= at < self.count
        self.made += 1
        return at * at


@given(st.integers(0, 9), st.data())
def test_index_as_lists_do(count, data):
    squares = Squares(count)
    listed = [at * at for at in range(count)]
    assert list(squares) == listed
    first, second = data.draw(st.slices(count)), data.draw(st.slices(count))
    assert list(squares[first]) == listed[first]
    assert list(squares[first][second]) == listed[first][second]
    at = data.draw(st.integers(-12, 12))
    if -count <= at < count:
        assert squares[at] == listed[at]
    else:
        with pytest.raises(IndexError):
            squares[at]


def test_only_what_is_asked_for_is_made():
    squares = Squares(10**12)
    part = squares[5 : 10**9 : 3]
    assert squares.made == 0
    assert part[-1] == part[len(part) - 1]
    assert squares.made == 2
