"""The catalogue of options that several commands share.

==================  ===========  ================================================================
option              commands     meaning
==================  ===========  ================================================================
-o, --output        c d          where to write; ``-`` is standard output
-f, --force         c d p m      replace an existing file
--dataset           c d i p m    path inside an HDF5 file
--unfold            c p m        how many axes of an array become rows
-T, --threads       c d i p m    processors used; never changes a byte
--scheduler         c i p        address of a dask cluster that does the passes
--json              c d i p m    machine-readable result on standard output
--progress          c d i p m    show a progress bar; by default on a terminal
-q, --quiet         c d          no summary
-v, --verbose       c d i        explain decisions
--plot              p m          draw error over size; in charts.py
--bpc               c m          size in bits per coordinate; of a file, of several to compare
--method            c m          an engine, or a method of the paper; the only ones to compare
--matrix            d            which matrix of a file that holds several
==================  ===========  ================================================================

(c compress, d decompress, i inspect, p plan, m compare; what is asked of compress stands in
targets.py, options of one command in its own file.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

output: Decorator = click.option(
    "-o", "--output", metavar="PATH", help="Where to write; - is standard output."
)
force: Decorator = click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
threads: Decorator = click.option(
    "-T",
    "--threads",
    type=click.IntRange(min=1),
    help="Processors to use; the result does not depend on it.  [default: all]",
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


def dataset(help_text: str) -> Decorator:
    """``--dataset``, which means the input of one command and the output of another."""
    return click.option("--dataset", metavar="PATH", help=help_text)


def matrix_name(source: str, dataset: str | None) -> str | None:
    """What the matrix is called in the file: no folder of the machine it was made on."""
    if source == "-":
        return None
    name = source.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name}:{dataset}" if dataset else name
