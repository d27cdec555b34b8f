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
