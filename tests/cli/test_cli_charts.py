"""Plots on request: in two formats, equal for equal data, of what logarithmic axes can show."""

from __future__ import annotations

import io
import math
import re
import sys

import click
import pytest

from lplrcli.cli.charts import parse_plot, plot_output, write_plot
from lplrcli.errors import MissingDependencyError, OutputError

LINES = {
    "factors": [(0.5, 0.3), (1.0, 0.1), (2.0, 0.01)],
    "direct": [(0.5, None), (1.0, 0.0), (2.0, math.inf), (4.0, 0.2)],
    "nothing": [],
}
DASHED = {"bound": [(0.5, 0.2), (2.0, 0.005)]}


def drawn(path):
    stream = io.BytesIO()
    write_plot(stream, path, "a title", LINES, DASHED)
    return stream.getvalue()


def test_equal_data_give_equal_bytes_without_a_date():
    text = drawn("p.svg")
    assert drawn("p.SVG") == text
    assert b"<dc:date>" not in text
    for label in ("factors", "direct", "nothing", "bound", "a title", "bits per coordinate"):
        assert label in text.decode()


def test_only_points_that_can_be_shown_are_drawn():
    # A marker of each point: three of one line, one of the other, none of the third, and one of
    # each line in the legend.
    uses = re.findall(r"<use xlink:href=\"#(m[0-9a-f]+)\" x=\"[0-9.]+\" y=\"[0-9.]+\" "
                      r"style=\"fill: (#[0-9a-f]{6})", drawn("p.svg").decode())  # fmt: skip
    first, second, third = "#1f77b4", "#ff7f0e", "#2ca02c"
    colours = [colour for _, colour in uses]
    assert [colours.count(colour) for colour in (first, second, third)] == [4, 2, 1]


def test_the_suffix_decides_the_format():
    assert drawn("p.png").startswith(b"\x89PNG\r\n\x1a\n")
    assert drawn("p.svg").startswith(b"<?xml")
    context, option = click.Context(click.Command("x")), click.Option(["--plot"])
    assert parse_plot(context, option, "p.PNG") == "p.PNG"
    assert parse_plot(context, option, None) is None
    for wrong in ("p", "p.pdf", ".png.gz", "png"):
        with pytest.raises(click.BadParameter):
            parse_plot(context, option, wrong)


def test_the_file_is_opened_before_anything_is_computed(tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError), plot_output(str(path), False, []):
        raise AssertionError("not reached")
    with plot_output(str(path), True, []) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"
    with plot_output(None, False, []) as nothing:
        assert nothing is None


def test_without_matplotlib_the_command_to_install_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"lplrcli\[plot\]"):
        plot_output(str(tmp_path / "p.png"), False, [])
