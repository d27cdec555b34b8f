"""Spellings of numbers that SciPy does not read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.io.formats import mtx_spelling
from lplrcli.io.formats.mtx_spelling import plain_numbers


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("real", "1 +2 +1.5\n+.5 1e+3 -1", "1  2  1.5\n .5 1e+3 -1"),
        ("real", "+inf +nan +NaN ++1 +-1 + 1", " inf  nan  NaN ++1 +-1 + 1"),
        ("real", "1.0 2. 3", "1.0 2. 3"),
        ("integer", "1.0 +2. -3.000\n4.\t5.0", "1    2  -3    \n4 \t5  "),
        ("integer", "1.5 .0 1.0e3 1.0.x 0.0", "1.5 .0 1.0e3 1.0.x 0  "),
        ("unsigned-integer", "18446744073709551615.0", "18446744073709551615  "),
    ],
)
def test_spellings(field, text, expected):
    assert plain_numbers(io.BytesIO(text.encode()), field).read() == expected.encode()


@given(
    st.lists(st.sampled_from(["+1", "1.0", "+2.00", "7", "-3.", "1.5", "+"]), max_size=40),
    st.sampled_from([" ", "\n", "\t", "  \r\n"]),
    st.integers(1, 9),
)
def test_pieces_do_not_matter(numbers, space, size):
    text = space.join(numbers).encode()
    whole = plain_numbers(io.BytesIO(text), "integer").read()
    before, mtx_spelling._PIECE = mtx_spelling._PIECE, size
    try:
        # Numbers are longer than a piece here: only those of up to two pieces are respelled.
        found = plain_numbers(io.BytesIO(text), "integer").read()
    finally:
        mtx_spelling._PIECE = before
    assert len(found) == len(whole) == len(text)
    if size >= 5:
        assert found == whole
