"""Options that several commands share: the same wherever they stand, as the catalogue has them."""

from __future__ import annotations

import importlib

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.cli import options
from lplrcli.cli.main import COMMANDS

LETTERS = dict(zip(COMMANDS, "cadvripm-", strict=True))  # completion takes none of them


MORE = ("--dtype",)
"""An option with a second meaning: the type of what `lplr decompress` writes."""


def declared(name):
    """Option names of a command."""
    command = importlib.import_module(f"lplrcli.cli.{name}").command
    return {text for parameter in command.params for text in parameter.opts}


def catalogue():
    """Names of options, and letters of the commands that take them."""
    lines = options.__doc__.splitlines()
    _, start, end = (i for i, line in enumerate(lines) if line.startswith("==="))
    for row in lines[start + 1 : end]:
        yield row[:18].replace(",", " ").split(), row[20:36].split()


def test_every_command_takes_the_options_that_the_catalogue_says():
    rows = list(catalogue())
    assert len(rows) > 15
    for names, letters in rows:
        for name in (name for name in names if name.startswith("--")):
            found = [letter for command, letter in LETTERS.items() if name in declared(command)]
            if name in MORE:
                assert set(letters) <= set(found), name
            else:
                assert sorted(found) == sorted(letters), name


def parsed(text):
    return options.parse_extents(click.Context(click.Command("x")), click.Option(["--shape"]), text)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=5), st.sampled_from(["x", "X", " x "]))
def test_extents_are_integers_with_crosses_between(extents, cross):
    assert parsed(cross.join(map(str, extents))) == tuple(extents)


@pytest.mark.parametrize(
    "text", ["", "x", "3x", "0x4", "-1x4", "3.5x4", "3*4", "a", "²x3", "3x4 5"]
)
def test_what_is_no_shape_is_wrong_usage_and_quoted(text):
    with pytest.raises(click.BadParameter) as caught:
        parsed(text)
    assert repr(text) in str(caught.value)
    assert parsed(None) is None
