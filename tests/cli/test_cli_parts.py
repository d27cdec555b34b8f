"""Ranges and slices on the command line choose what NumPy chooses."""

from __future__ import annotations

from types import SimpleNamespace

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.cli.parts import chosen_part, parse_range, parse_slice
from lplrcli.errors import InputError, PlanError

CONTEXT = click.Context(click.Command("x"))
OPTION = click.Option(["--slice"])
WHOLE = (None, None)
ENDS = st.none() | st.integers(-9, 9)


def sliced(text):
    return parse_slice(CONTEXT, OPTION, text)


def ranged(text):
    return parse_range(CONTEXT, OPTION, text)


def written(end):
    return "" if end is None else str(end)


@given(ENDS, ENDS)
def test_a_range_has_two_ends(first, last):
    assert ranged(f"{written(first)}:{written(last)}") == (first, last)
    assert ranged(None) == WHOLE


@pytest.mark.parametrize("text", ["", "3", "a:b", "1:2:3", "1.5:2", ":x"])
def test_what_is_no_range_is_wrong_usage(text):
    with pytest.raises(click.BadParameter) as caught:
        ranged(text)
    assert repr(text) in str(caught.value)


@given(
    st.lists(
        st.integers(-4, 3)
        | st.just(...)
        | st.builds(slice, ENDS, ENDS, st.none() | st.integers(1, 3)),
        min_size=1,
        max_size=3,
    ).filter(lambda index: index.count(...) < 2)
)
def test_a_slice_chooses_what_numpy_chooses(index):
    texts = [
        "..." if one is ...
        else str(one) if isinstance(one, int)
        else f"{written(one.start)}:{written(one.stop)}"
        + (f":{one.step}" if one.step is not None else "")
        for one in index
    ]  # fmt: skip
    array = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    parsed = sliced(" , ".join(texts))
    assert np.array_equal(array[parsed], array[tuple(index)])
    whole = SimpleNamespace(array_shape=array.shape, shape=(4, 30))
    if array[tuple(index)].size:
        assert chosen_part(whole, parsed, WHOLE, WHOLE, "a").shape == array[tuple(index)].shape
    else:
        with pytest.raises(InputError, match="chooses nothing"):
            chosen_part(whole, parsed, WHOLE, WHOLE, "a")


@pytest.mark.parametrize("text", ["", "a", "1:2:0", "1:2:-1", "1:2:3:4", "1,,2", "1;2"])
def test_what_is_no_slice_is_wrong_usage(text):
    with pytest.raises(click.BadParameter) as caught:
        sliced(text)
    assert repr(text) in str(caught.value)
    assert sliced(None) is None


MATRIX = SimpleNamespace(array_shape=(9, 7), shape=(9, 7))


@given(ENDS, ENDS, ENDS, ENDS)
def test_rows_and_columns_are_a_part_that_is_not_empty_or_are_refused(a, b, c, d):
    if (a, b) == (c, d) == WHOLE:
        assert chosen_part(MATRIX, None, WHOLE, WHOLE, "a").shape == (9, 7)
        return
    inside = all(
        end is None or -size <= end <= size for end, size in ((a, 9), (b, 9), (c, 7), (d, 7))
    )
    expected = np.zeros((9, 7))[a:b, c:d].shape
    if inside and 0 not in expected:
        assert chosen_part(MATRIX, None, (a, b), (c, d), "a").shape == expected
    else:
        with pytest.raises(InputError, match="empty or outside"):
            chosen_part(MATRIX, None, (a, b), (c, d), "a")


def test_what_does_not_fit_is_refused():
    array = SimpleNamespace(array_shape=(3, 4, 5), shape=(3, 20))
    with pytest.raises(PlanError, match="--rows and --cols"):
        chosen_part(array, None, (0, 1), WHOLE, "a")
    with pytest.raises(InputError, match="3 x 4 x 5"):
        chosen_part(array, (7,), WHOLE, WHOLE, "a")
