"""What every refusal must be like, whatever the input was."""

from __future__ import annotations

MOST_CHARACTERS = 3000


def check_refusal(error):
    """A short text of one or two lines that a terminal shows as it is."""
    text = str(error)
    assert text, repr(error)
    assert len(text) <= MOST_CHARACTERS, len(text)
    assert text.count("\n") <= 1, text
    assert text.replace("\n", "").isprintable(), text
