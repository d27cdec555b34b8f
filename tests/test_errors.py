"""What errors print: two lines at most, that do nothing to a terminal."""

from __future__ import annotations

import pytest

from lplrcli.errors import CorruptSectionError, InputError, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Å 1 × 2", "Å 1 × 2"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb", r"a\nb"),
        ("\u202egnp", r"\u202egnp"),
        ("\udcff", r"\udcff"),
    ],
)
def test_only_what_is_printable_is_shown_as_it_is(text, shown):
    assert printable(text) == shown
    error = InputError(text, path=text, found=text, expected=text, advice=text)
    assert str(error) == f"{shown}: {shown}: found {shown}, expected {shown}\n{shown}"
    assert (error.message, error.found) == (text, text)


def test_long_quotations_are_cut():
    error = CorruptSectionError("m" * 5000, path="p" * 2000, section="META", found="\0" * 5000)
    assert "p" * 2000 in str(error)
    assert len(str(error)) < 3500
    assert str(error).endswith("...")
