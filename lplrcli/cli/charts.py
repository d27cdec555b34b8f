"""Plots on request: error over size, one line a mode or method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from lplrcli.cli.options import Decorator
from lplrcli.errors import MissingDependencyError, printable

if TYPE_CHECKING:
    Points = Sequence[tuple[float, float | None]]

_PLOT_FORMATS = ("png", "svg")
_MARKERS = "osD^vPX"


def parse_plot(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check the suffix of a file to plot into, and that there is something to plot with.

    Raises
    ------
    click.BadParameter
        The suffix is neither ``.png`` nor ``.svg``.
    """
    if value is not None and PurePath(value).suffix.lower()[1:] not in _PLOT_FORMATS:
        raise click.BadParameter(f"{value!r} ends neither in .png nor in .svg.", ctx, param)
    return value


plot: Decorator = click.option(
    "--plot",
    metavar="PATH",
    callback=parse_plot,
    help="Plot error over size into this .png or .svg file; needs matplotlib.",
)


def plot_output(
    path: str | None, force: bool, inputs: Sequence[str]
) -> AbstractContextManager[BinaryIO | None]:
    """The file to plot into, opened before anything is computed; nothing if none is asked for.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    OutputError
        On entering: the file exists, or cannot be written.
    """
    if path is None:
        return nullcontext()
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise MissingDependencyError(
            "plots need matplotlib, which is not installed",
            path=path,
            advice='Install it with pip install "lplrcli[plot]".',
        ) from error
    from lplrcli.io import AtomicOutput

    return AtomicOutput(path, force=force, inputs=inputs)


def write_plot(
    stream: BinaryIO,
    path: str,
    title: str,
    lines: Mapping[str, Points],
    dashed: Mapping[str, Points],
) -> None:
    """Draw relative error over bits per coordinate, both on logarithmic axes.

    The same data give the same bytes.

    Parameters
    ----------
    stream : binary file
        Where to write.
    path : str
        Its suffix tells the format.
    title : str
        What was compressed.
    lines : mapping
        Points (bits per coordinate, relative error) of each line, by its label; points without
        an error, or with none at all, are left out.
    dashed : mapping
        Curves drawn without markers: what the lines are to be compared with.
    """
    matplotlib: Any = import_module("matplotlib")
    figures: Any = import_module("matplotlib.figure")
    kind = PurePath(path).suffix.lower()[1:]
    with matplotlib.rc_context({"svg.hashsalt": "lplr", "svg.fonttype": "none"}):
        figure = figures.Figure(figsize=(7, 4.5), layout="constrained")
        axes = figure.add_subplot()
        for number, (label, points) in enumerate(lines.items()):
            marker = _MARKERS[number % len(_MARKERS)]
            axes.plot(*_drawable(points), marker=marker, markersize=4, label=label)
        for label, points in dashed.items():
            axes.plot(*_drawable(points), color="0.4", linestyle="--", label=label)
        axes.set(yscale="log", title=printable(title))
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="bits per coordinate", ylabel="relative Frobenius error")
        axes.grid(which="both", color="0.9")
        axes.legend()
        # A date or a version in the file would make equal plots differ.
        nothing = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(stream, format=kind, dpi=150, metadata=nothing)


def _drawable(points: Points) -> tuple[list[float], list[float]]:
    """Coordinates of the points that logarithmic axes can show."""
    shown = [(x, y) for x, y in points if y is not None and y > 0 and math.isfinite(y)]
    return [x for x, _ in shown], [y for _, y in shown]
