"""Help of every command, as it reaches a terminal."""

from __future__ import annotations

import pytest
from lplr_command import lplr

from lplrcli.cli.main import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_shown_as_they_are_typed(command):
    result = lplr(command, "--help")
    assert (result.code, result.err) == (0, "")
    assert "  Examples:\n    lplr " in result.text
    assert "\b" not in result.text
    assert "\\" not in result.text


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("columns", ["80", "200"])
def test_help_fits_eighty_columns(command, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    lines = lplr(*([command] if command else []), "--help").text.splitlines()
    assert [line for line in lines if len(line) > 80] == []
