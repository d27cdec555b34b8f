"""How results look: widths, units, JSON, and names that give a terminal no orders."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.cli import render
from lplrcli.errors import OutputError

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@given(st.integers(0, 2**52))
def test_bytes_are_right_to_three_digits(count):
    number, unit = render.bytes_text(count).split()
    assert float(number) * UNITS[unit] == pytest.approx(count, rel=0.005)
    assert len(number.replace(".", "")) <= 4


@pytest.mark.parametrize(
    ("shape", "matrix", "text"),
    [
        ((3, 4), None, "3 x 4"),
        ((3, 4), [3, 4], "3 x 4"),
        ((3, 4, 5), (3, 20), "3 x 4 x 5 as 3 x 20"),
        ((7,), None, "7"),
        ((), None, "one number"),
    ],
)
def test_shapes(shape, matrix, text):
    assert render.shape_text(shape, matrix) == text


def test_errors_say_whether_they_were_measured():
    assert render.error_text(0.0123456) == "0.01235"
    assert render.error_text(0.0123456, exact=False) == "~0.01235"
    assert render.error_text(None) == "-"


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.text("abc \x1b\n", max_size=6), min_size=width, max_size=width),
            min_size=1,
            max_size=5,
        )
    )
)
def test_columns_are_aligned_and_nothing_in_them_moves_the_cursor(rows):
    text = render.aligned(rows)
    lines = text.split("\n")
    assert len(lines) == len(rows)
    assert all(line == line.rstrip() and "\x1b" not in line for line in lines)
    full = render.aligned([[f"<{cell}>" for cell in row] for row in rows], left=0).split("\n")
    assert len({len(line) for line in full}) == 1


def test_the_first_column_is_flush_left():
    assert render.aligned([["a", "bbb"], ["cc", "d"]]) == "a   bbb\ncc    d"


def test_json_is_json(capsys):
    document = {"a": [1, 2.5, None], "b": "\x1b"}
    render.print_json(document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert "\x1b" not in out
    with pytest.raises(ValueError, match="not JSON compliant"):
        render.print_json(float("nan"))


def test_a_full_device_is_an_error_and_a_closed_pipe_is_not(monkeypatch):
    def failing(error):
        def echo(text):
            raise error

        return echo

    monkeypatch.setattr(render.click, "echo", failing(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left on device"):
        render.print_lines("text")
    monkeypatch.setattr(render.click, "echo", failing(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        render.print_lines("text")


def test_closed_standard_output_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="<stdout>: standard output is closed"):
        render.print_lines("text")


def test_what_is_logged_is_shown_only_if_wanted_and_only_meanwhile(capsys):
    logger = logging.getLogger("lplrcli.stage")
    for wanted in (False, True):
        with render.shown_log(wanted):
            logger.info("a pass over %s", "\x1b[2J\n")
        logger.info("later")
    assert capsys.readouterr().err == "  a pass over \\x1b[2J\\n\n"
    assert not logging.getLogger("lplrcli").handlers


def test_summaries_go_to_standard_error(capsys):
    render.summary("done", quiet=False)
    render.summary("not this", quiet=True)
    assert capsys.readouterr() == ("", "done\n")


def test_rates_are_of_the_uncompressed_matrix():
    assert render.rate_text(5_000_000, 2.0) == "2.00 s, 2.5 MB/s"
    assert "s, " in render.rate_text(1, 0.0)
