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


def axes_of(monkeypatch, lines, dashed=None):
    """The axes of a plot, before it is written."""
    from matplotlib.figure import Figure

    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: kept.append(figure.axes[0]))
    write_plot(io.BytesIO(), "p.svg", "a title", lines, dashed or {})
    return kept[0]


USUAL = {"one": [(0.5, 0.3), (1.0, 0.1)], "other": [(0.5, 0.4), (1.0, 0.2)]}


@pytest.mark.parametrize("outlier", [1.6, 40.0, 3e5, 1e200])
def test_an_outlier_flattens_nothing(outlier, monkeypatch):
    low, high = axes_of(monkeypatch, {**USUAL, "third": [(1.0, outlier), (2.0, 0.3)]}).get_ylim()
    assert high <= 1.5
    assert 0.1 / low < 1.2  # the least error is near the other end of the axis


def test_an_outlier_is_marked_with_its_error(monkeypatch):
    axes = axes_of(monkeypatch, {**USUAL, "third": [(1.0, 40.0), (2.0, 0.3)]})
    (text,) = axes.texts
    assert text.get_text() == "40"
    assert text.get_color() == axes.lines[2].get_color()
    (mark,) = [line for line in axes.lines if line.get_marker() == "^"]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (1.0, axes.get_ylim()[1])
    assert axes.lines[2].get_ydata()[0] == 40.0  # the line still goes there


def test_where_all_errors_are_large_the_axis_shows_them(monkeypatch):
    axes = axes_of(monkeypatch, {"one": [(0.5, 30.0), (1.0, 20.0)]})
    assert axes.get_ylim()[1] > 30
    assert not axes.texts
    assert axes_of(monkeypatch, USUAL).get_ylim()[1] < 0.5


def test_curves_that_lie_on_one_another_are_told_apart(monkeypatch):
    points = [(0.5, 0.3), (1.0, 0.1), (2.0, 0.01)]
    near = [(x, y * 1.01) for x, y in points]
    apart = [(x, y * 1.5) for x, y in points]
    axes = axes_of(monkeypatch, {"a": points, "b": near, "c": points, "d": apart})
    widths = [line.get_linewidth() for line in axes.lines]
    sizes = [line.get_markersize() for line in axes.lines]
    assert widths[0] > widths[1] + 1 > widths[2] + 2
    assert sizes[0] > sizes[1] + 1 > sizes[2] + 2
    assert widths[3] == widths[2]
    assert len({line.get_marker() for line in axes.lines}) == 4
    assert [line.get_alpha() == 1 for line in axes.lines] == [False, False, True, True]


def test_lines_that_cross_do_not_lie_on_one_another(monkeypatch):
    crossing = {"a": [(0.5, 0.3), (1.0, 0.1), (2.0, 0.05)], "b": [(0.5, 0.4), (1.0, 0.1)]}
    widths = {line.get_linewidth() for line in axes_of(monkeypatch, crossing).lines}
    assert len(widths) == 1
