"""The progress bar: shown where it is wanted, numbered by pass, gone at the end."""

from __future__ import annotations

import io
import sys

import pytest

from lplrcli.cli import stopping
from lplrcli.cli.progress import progress_bar


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


def test_a_pass_that_starts_again_has_the_next_number(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("working", True, unit="chunks") as observe:
        progress = observe.__closure__
        tasks = next(c.cell_contents for c in progress if hasattr(c.cell_contents, "tasks")).tasks
        for done, name in ((5, 1), (10, 1), (5, 2), (10, 2), (5, 3)):
            observe(done, 10)
            assert tasks[0].description == f"working, pass {name}"
            assert (tasks[0].completed, tasks[0].total) == (done, 10)
            assert tasks[0].fields["rows"] == f"{done}/10 chunks"


def test_a_signal_meanwhile_puts_the_cursor_back(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("working", True):
        (farewell,) = stopping._farewells
        assert b"\x1b[?25h" in farewell
    assert not stopping._farewells
