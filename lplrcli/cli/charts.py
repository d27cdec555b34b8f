"""Plots on request: error over size, one line a mode or method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from lplrcli.cli.command import complete_paths
from lplrcli.cli.options import Decorator
from lplrcli.errors import MissingDependencyError, printable

if TYPE_CHECKING:
    Points = Sequence[tuple[float, float | None]]

_PLOT_FORMATS = ("png", "svg")
_MARKERS = "osDvPX*"
_WORST = 1.5
"""Largest error that has a place on the axis, if there are smaller ones."""

_ALIKE = 0.04
"""Difference of logarithms that is hardly seen."""


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
    shell_complete=complete_paths,
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
        drawn = {label: _drawable(points) for label, points in lines.items()}
        shown = [point for points in drawn.values() for point in points]
        top = _top(shown + [point for points in dashed.values() for point in _drawable(points)])
        for number, (label, points) in enumerate(drawn.items()):
            # A line that others lie on is broad and pale below them.
            above = sum(_coincide(points, other) for other in [*drawn.values()][number + 1 :])
            (line,) = axes.plot(
                *_coordinates(points),
                marker=_MARKERS[number % len(_MARKERS)],
                markersize=4 + 3 * above,
                linewidth=1.5 + 3 * above,
                alpha=0.5 if above else 1.0,
                label=label,
            )
            if top is not None:
                _mark_beyond(axes, points, top, line.get_color())
        for label, curve in dashed.items():
            axes.plot(*_coordinates(_drawable(curve)), color="0.4", linestyle="--", label=label)
        axes.set(yscale="log", title=printable(title))
        axes.set_xscale("log", base=2)
        if top is not None:
            low = min(y for _, y in shown if y <= top)
            axes.set_ylim(low * (low / top) ** 0.05, top)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="bits per coordinate", ylabel="relative Frobenius error")
        axes.grid(which="both", color="0.9")
        axes.legend()
        # A date or a version in the file would make equal plots differ.
        nothing = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(stream, format=kind, dpi=150, metadata=nothing)


def _drawable(points: Points) -> list[tuple[float, float]]:
    """The points that logarithmic axes can show."""
    return [(x, y) for x, y in points if y is not None and y > 0 and math.isfinite(y)]


def _coordinates(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _top(points: Sequence[tuple[float, float]]) -> float | None:
    """Where the axis of errors ends, if points beyond it would flatten all others.

    An error of 1 is that of a file that holds nothing.
    """
    beyond = any(y > _WORST for _, y in points)
    return _WORST if beyond and any(y <= _WORST for _, y in points) else None


def _mark_beyond(axes: Any, points: Sequence[tuple[float, float]], top: float, color: Any) -> None:
    """Mark points beyond the axis at its end, with their errors."""
    for x, y in points:
        if y > top:
            axes.plot([x], [top], marker="^", markersize=7, color=color, clip_on=False)
            axes.annotate(
                f"{y:.3g}", (x, top), (0, -4), textcoords="offset points", color=color,
                fontsize="small", ha="center", va="top",
            )  # fmt: skip


def _coincide(some: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> bool:
    """Whether a reader could not tell the lines through these points apart, in part at least."""
    met = sum(
        any(
            abs(math.log(x / other_x)) < _ALIKE and abs(math.log(y / other_y)) < _ALIKE
            for other_x, other_y in others
        )
        for x, y in some
    )
    return met >= min(2, len(some)) > 0
