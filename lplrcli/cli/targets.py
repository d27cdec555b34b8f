"""What `lplr compress` may be asked for: its options of target, and what they say together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from lplrcli.cli.options import Decorator
from lplrcli.cli.sizes import parse_size
from lplrcli.errors import PlanError
from lplrcli.model.plan import CENTERS, METHODS, MODES, TRANSFORMS
from lplrcli.model.request import CompressionRequest

GOALS = {
    "bpc": "--bpc",
    "ratio": "--ratio",
    "size": "--size",
    "rel_error": "-e/--rel-error",
    "max_abs_error": "--max-abs-error",
}
"""Parameters of the targets of which one is to be met, with their flags."""

_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--bpc",
        type=click.FloatRange(min=0, min_open=True),
        metavar="X",
        help="Size: the whole file takes at most X bits per coordinate.",
    ),
    click.option(
        "--ratio",
        type=click.FloatRange(min=0, min_open=True),
        metavar="X",
        help="Size: the file is at most 1/X of the size of the uncompressed matrix.",
    ),
    click.option(
        "--size",
        callback=parse_size,
        metavar="BYTES",
        help="Size: the file has at most BYTES; 20k, 1.5M, 1G in 1000s, Ki, Mi, Gi in 1024s.",
    ),
    click.option(
        "-e",
        "--rel-error",
        type=click.FloatRange(min=0),
        metavar="E",
        help="Error: the relative Frobenius error of the decoded matrix is at most E; "
        "0 for lossless.",
    ),
    click.option(
        "--max-abs-error",
        type=click.FloatRange(min=0),
        metavar="E",
        help="Error: no decoded entry is off by more than E.",
    ),
    click.option(
        "--mode",
        type=click.Choice(MODES),
        help="How the matrix is coded (with a size or error target).  [default: the best]",
    ),
    click.option(
        "--transform",
        type=click.Choice(["auto", *TRANSFORMS]),
        callback=lambda _context, _option, value: None if value == "auto" else value,
        default="auto",
        show_default=True,
        help="Transform of smooth factors before quantization (with a size or error target): "
        "dct, cdf97, cdf97-tensor, klt, or none.",
    ),
    click.option(
        "--center",
        type=click.Choice(CENTERS),
        default="none",
        show_default=True,
        help="Means stored apart (with a size or error target): the mean row is the mean over the "
        "rows, 1 x d, the mean column that over the columns, n x 1; auto predicts what pays.",
    ),
    click.option(
        "-r",
        "--rank",
        type=click.IntRange(min=1),
        metavar="N",
        help="Largest number of components; needed without a size or error target.",
    ),
    click.option(
        "-b",
        "--bits",
        type=click.IntRange(1, 16),
        metavar="N",
        help="Bits per factor entry (with a rank alone): at most this on average for packed, "
        "exactly this for the paper's methods.  [default: 4]",
    ),
    click.option(
        "--bits-right",
        type=click.IntRange(1, 16),
        metavar="N",
        help="Bits per entry of the right factor.  [default: those of -b]",
    ),
    click.option(
        "--method",
        type=click.Choice(METHODS),
        help="An engine, or a method of the LPLR paper.  [default: rate-distortion for a size or "
        "an error, packed for a rank]",
    ),
)


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """All options of target, in the order of `lplr compress --help`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def requested(asked: dict[str, Any]) -> CompressionRequest:
    """The request that options stand for, unless they contradict each other, whatever the matrix.

    Parameters
    ----------
    asked : dict
        Options of `target_options` and of the range finder, by the names of the attributes of
        `CompressionRequest`.

    Raises
    ------
    click.UsageError
        It says why.
    """
    request = CompressionRequest(**asked)
    goals = [GOALS[name] for name in request.goals]
    if not goals and request.rank is None and request.method != "nq":
        raise click.UsageError(
            "Say how large the file may be (--bpc, --ratio, --size), how large the error "
            "(-e, --max-abs-error), or how many components to keep (-r, --rank)."
        )
    if len(goals) > 1:
        raise click.UsageError(
            f"One target at a time: {' and '.join(goals)} may contradict each other. "
            "The engine makes the best of the one that is given."
        )
    from lplrcli.planning.targets import check

    try:
        check(request)
    except PlanError as error:
        raise click.UsageError(str(error)) from None
    return request
