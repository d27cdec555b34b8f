"""Errors as text: two lines, harmless on a terminal whatever the file held that they quote."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.errors import (
    CorruptSectionError,
    InputError,
    LplrError,
    NonFiniteError,
    printable,
    printable_lines,
)


def test_an_error_prints_path_fault_found_expected_and_advice():
    error = LplrError("is odd", path="a.npy", found=3, expected="an even number", advice="Add one.")
    assert str(error) == "a.npy: is odd: found 3, expected an even number\nAdd one."
    assert str(LplrError("is odd")) == "is odd"
    assert str(LplrError("is odd", expected=2)) == "is odd: expected 2"


def test_what_a_terminal_would_obey_is_escaped_in_every_part():
    trick = "\x1b[2J\n\x9b\u202e\udc80"
    shown = "\\x1b[2J\\n\\x9b\\u202e\\udc80"
    error = LplrError(trick, path=trick, found=trick, expected=trick, advice=trick)
    text = f"{shown}: {shown}: found {shown}, expected {shown}\n{shown}"
    assert str(error) == text
    assert str(pickle.loads(pickle.dumps(error))) == text


@pytest.mark.parametrize("text", ["plain", "Größe 矩阵 ∑", "a b", "C:\\x1b", ""])
def test_what_people_write_stays_as_it_is(text):
    assert printable(text) == text
    assert str(InputError("x", path=text or None)).endswith("x")


def test_long_quotations_are_cut():
    error = CorruptSectionError("m" * 5000, path="p" * 2000, section="META", found="\0" * 5000)
    assert "p" * 2000 in str(error)
    assert len(str(error)) < 3500
    assert str(error).endswith("...")


@pytest.mark.parametrize(
    "error", [NonFiniteError(3, (1, 2), path="a"), InputError("x", path="b", found=1, advice="c")]
)
def test_errors_travel(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


@given(st.text("ab\x1b\x07\u202e\n"))
def test_lines_stay_lines_and_give_a_terminal_no_orders(text):
    shown = printable_lines(text)
    assert shown.count("\n") == text.count("\n")
    assert all(line.isprintable() for line in shown.split("\n"))
