"""The catalogue of options that several commands share.

==================  ===============  ============================================================
option              commands         meaning
==================  ===============  ============================================================
-o, --output        c a d r          where to write; ``-`` is standard output
-f, --force         c a d r p m      replace an existing file
--dataset           c a d r v i p m  name of an array in a file that may hold several
--shape, --dtype    c a v i p m      what raw numbers are; in inputs.py, with INPUT..., --against
--order             c a v i p m      how they lie; in inputs.py too
--unfold            c p m            how many axes of an array become rows
-T, --threads       c a d r v i p m  processors used; never changes a byte
-M, --memory-limit  c a d r v i p m  memory used at most; never changes a byte
--scheduler         c i p            address of a dask cluster that does the passes
--json              c a d r v i p m  machine-readable result on standard output
--progress          c a d r v i p m  show a progress bar; by default on a terminal
-q, --quiet         c a d r v        no summary
-v, --verbose       c a d i          explain decisions
--plot              p m              draw error over size; in charts.py
--bpc               c m              size in bits per coordinate; of a file, of several to compare
--method            c m              an engine, or a method of the paper; the only ones to compare
--matrix            a d r v          which matrix of a file that holds several
==================  ===============  ============================================================

(c compress, a append, d decompress, r recover, v verify, i inspect, p plan, m compare; what is
asked of compress stands in targets.py, options of one command in its own file.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from lplrcli.cli.command import complete_paths
from lplrcli.cli.sizes import parse_size

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

output: Decorator = click.option(
    "-o",
    "--output",
    metavar="PATH",
    shell_complete=complete_paths,
    help="Where to write; - is standard output.",
)
force: Decorator = click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
threads: Decorator = click.option(
    "-T",
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processors to use; the result does not depend on it.  [default: all]",
)
memory_limit: Decorator = click.option(
    "-M",
    "--memory-limit",
    callback=parse_size,
    metavar="BYTES",
    help="Most memory to use, such as 500M or 2Gi: what exceeds it goes to scratch files in "
    "TMPDIR; the result does not depend on it.  [default: 3/4 of what is free]",
)
scheduler: Decorator = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Let the workers of this dask cluster read the matrix, such as tcp://host:8786; "
    "the result does not depend on it.",
)
json: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on standard output."
)
progress: Decorator = click.option(
    "--progress/--no-progress",
    default=None,
    help="Show a progress bar.  [default: if standard error is a terminal]",
)
UNFOLDED_AXES = click.IntRange(1, 4)
"""Axes of an array that may become rows: it has five at most, and one must be left."""

unfold: Decorator = click.option(
    "--unfold",
    type=UNFOLDED_AXES,
    metavar="K",
    help="The first K axes of an array of 3 to 5 dimensions become rows.  [default: 1]",
)
quiet: Decorator = click.option("-q", "--quiet", is_flag=True, help="Print no summary.")
verbose: Decorator = click.option("-v", "--verbose", is_flag=True, help="Explain what was decided.")

matrix: Decorator = click.option(
    "--matrix", type=click.IntRange(min=0), metavar="N", help="Which matrix, if there are several."
)


def dataset(help_text: str) -> Decorator:
    """``--dataset``, which means the input of one command and the output of another."""
    return click.option("--dataset", metavar="NAME", help=help_text)


def parse_extents(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Extents of ``128x128``.

    Raises
    ------
    click.BadParameter
        If `value` is not of that form: wrong usage, whatever the matrix.
    """
    if value is None:
        return None
    extents = [text.strip() for text in value.lower().split("x")]
    if not all(text.isdecimal() and text.isascii() and int(text) > 0 for text in extents):
        raise click.BadParameter(
            f"{value!r} is not a shape: write its extents with x between them, such as 16x24.",
            ctx,
            param,
        )
    return tuple(map(int, extents))
