"""The line of the progress bar: stage, pass, count, and a clock that runs on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lplrcli.cli.bar import Bar, _Clock

WIDTH = 80


@pytest.fixture
def bar():
    return Bar("working", Console(file=io.StringIO(), force_terminal=True, width=WIDTH))


def line(bar):
    """The line as it would be drawn now."""
    console = Console(file=io.StringIO(), width=WIDTH)
    console.print(bar.progress.get_renderable())
    text = console.file.getvalue()
    assert text.count("\n") == 1
    assert len(text.rstrip("\n")) <= WIDTH
    return " ".join(text.split())


def test_a_pass_that_starts_again_has_the_next_number(bar):
    for done, number in ((5, 1), (9, 1), (5, 2), (10, 2), (5, 3)):
        bar.rows(done, 10)
        assert bar.task.description == f"working, pass {number}"
        assert f"{done}/10 rows" in line(bar)


def test_the_stage_is_named(bar):
    assert line(bar).startswith("working")
    for stage in ("read", "find directions", "choose", "code", "verify", "write"):
        bar.begin(stage)
        assert line(bar).startswith(f"working: {stage}")
    bar.rows(5, 10)
    assert line(bar).startswith("working: write, pass 1")
    bar.begin("code")
    assert "rows" not in line(bar)
    bar.count(3, 7, "chunks")
    assert line(bar).startswith("working: code ")
    assert "3/7 chunks" in line(bar)
    bar.count(4, None, "chunks")
    assert "4 chunks" in line(bar)


def test_chunks_made_within_a_pass_do_not_flicker_with_its_rows(bar):
    bar.rows(5, 10)
    bar.count(1, 2, "chunks")
    assert "5/10 rows" in line(bar)
    bar.rows(10, 10)
    bar.count(2, 2, "chunks")
    assert "2/2 chunks" in line(bar)


def test_the_bar_swings_where_nothing_is_counted(bar):
    assert bar.task.total is None
    bar.rows(5, 10)
    assert (bar.task.completed, bar.task.total) == (5, 10)
    bar.rows(10, 10)  # what is made of all the rows takes its time
    assert bar.task.total is None
    bar.rows(3, 10)
    assert bar.task.total == 10
    bar.begin("code")
    assert bar.task.total is None


def test_the_clock_runs_on_after_a_pass(bar):
    seconds = [100.0]
    bar.task._get_time = lambda: seconds[0]
    bar.task.start_time = 100.0
    for later, shown in ((101.0, "0:00:01"), (160.0, "0:01:00"), (3800.0, "1:01:40")):
        bar.rows(5, 10)
        bar.rows(10, 10)
        seconds[0] = later
        assert _Clock().render(bar.task).plain == shown


def test_a_long_line_fits_its_terminal(bar):
    bar.begin("find directions")
    bar.rows(123456789, 2000000000)
    line(bar)


def test_a_notice_has_a_line_of_its_own(bar):
    stream = bar.progress.console.file
    with bar.progress:
        bar.progress.refresh()
        bar.tell("lplr: [bold]a notice[/bold] " + 100 * "x")
    before, _, after = stream.getvalue().partition("lplr: [bold]a notice[/bold] " + 100 * "x")
    assert before.endswith(("\r\x1b[2K", "\n"))
    assert after.startswith("\n")
