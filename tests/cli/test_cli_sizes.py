"""Sizes as the command line takes them, against exact decimal arithmetic."""

from __future__ import annotations

from fractions import Fraction

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.cli.options import memory_limit
from lplrcli.cli.sizes import parse_size

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def parsed(text):
    command = click.Command("x")
    return parse_size(click.Context(command), click.Option(["--size"]), text)


@given(
    st.integers(0, 10**6),
    st.integers(0, 999),
    st.sampled_from([*UNITS]),
    st.sampled_from(["", "b", "B"]),
    st.booleans(),
)
def test_a_number_and_a_unit_are_bytes_rounded_down(whole, thousandths, unit, byte, spaced):
    text = f"{whole}.{thousandths:03d}{' ' if spaced else ''}{unit}{byte}"
    expected = int((whole + Fraction(thousandths, 1000)) * UNITS[unit])
    if expected < 1:
        with pytest.raises(click.BadParameter):
            parsed(text)
    else:
        assert parsed(text) == parsed(f" {text.upper()} ") == expected


def test_what_was_not_given_is_none():
    assert parsed(None) is None


@pytest.mark.parametrize("text", ["", "k", "-1", "0", "0.4", "1e6", "1 kk", "1,5M", "10%", "inf"])
def test_what_is_no_size_is_wrong_usage_and_quoted(text):
    with pytest.raises(click.BadParameter) as caught:
        parsed(text)
    assert repr(text) in str(caught.value)


def test_an_option_uses_it():
    seen = []
    command = click.command()(memory_limit(lambda memory_limit: seen.append(memory_limit)))
    command.main(["-M", "1.5Ki"], standalone_mode=False)
    assert seen == [1536]
