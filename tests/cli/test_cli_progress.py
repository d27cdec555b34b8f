"""The progress bar: shown where it is wanted, told of stages, gone at the end."""

from __future__ import annotations

import io
import re
import sys

import pytest

from lplrcli.cli import progress, stopping
from lplrcli.cli.progress import progress_bar, tell
from lplrcli.runtime.stages import CODE, counted, stage


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "wanted", "shown"),
    [
        (Terminal, None, True),
        (Terminal, False, False),
        (Terminal, True, True),
        (io.StringIO, None, False),
        (io.StringIO, True, True),
        (lambda: None, True, False),  # standard error is closed
    ],
)
def test_a_bar_is_shown_on_a_terminal_or_if_it_is_asked_for(stream, wanted, shown, monkeypatch):
    found = stream()
    monkeypatch.setattr(sys, "stderr", found)
    with progress_bar("working", wanted) as observe:
        assert (observe is not None) == shown
    if found is not None:
        assert bool(found.getvalue()) == shown


def test_what_is_counted_is_told_to_the_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("working", True, unit="sections") as observe:
        (bar,) = progress._shown
        observe(5, 10)
        assert bar.task.fields["counted"] == "5/10 sections"
        with stage(CODE):
            assert bar.task.description == "working: code"
            list(counted("ab", 2, "chunks"))
        assert bar.task.fields["counted"] == "2/2 chunks"
    with progress_bar("working", True) as observe:
        (bar,) = progress._shown
        observe(5, 10)
        assert bar.task.description == "working, pass 1"
    assert progress._shown == []


def test_notices_stand_above_the_bar_while_there_is_one(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("working", True):
        tell("lplr: a notice")
    during = sys.stderr.getvalue()
    assert re.search(r"(\r\x1b\[2K|\n)lplr: a notice\n", during)
    tell("another")
    assert sys.stderr.getvalue().removeprefix(during) == "another\n"


def test_a_signal_meanwhile_puts_the_cursor_back(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("working", True):
        (farewell,) = stopping._farewells
        assert b"\x1b[?25h" in farewell
    assert not stopping._farewells
