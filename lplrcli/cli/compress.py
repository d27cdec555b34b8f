"""``lplr compress``."""

from __future__ import annotations

import time
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import inputs, options, render
from lplrcli.cli.command import Command
from lplrcli.cli.compress_text import print_decisions, summary_line
from lplrcli.cli.destinations import goes_to_stdout
from lplrcli.cli.dry_run import predicted, show_predicted
from lplrcli.cli.opened import opened_matrix
from lplrcli.cli.targets import requested, target_options
from lplrcli.model.plan import SKETCHES

if TYPE_CHECKING:
    from lplrcli.cli.inputs import Inputs
    from lplrcli.io import Source
    from lplrcli.model.request import CompressionRequest
    from lplrcli.pipeline.predict.predictions import Predictor

AUTO = "auto"

GROUPS = {
    "What to reach": (
        *("bpc", "ratio", "size", "rel_error", "max_abs_error", "rank", "bits", "bits_right"),
    ),
    "What to read": (
        *("dataset", "shape", "dtype", "order", "unfold", "row_grid", "column_grid"),
        *("passes", "scheduler"),
    ),
    "How to compress": (
        *("method", "mode", "transform", "center", "sketch", "oversampling", "power_iterations"),
        *("seed", "threads", "memory_limit"),
    ),
    "Where to write": ("output", "force", "dry_run"),
    "What to print": ("as_json", "progress", "quiet", "verbose", "help"),
}
"""Options by what they are about, in the order of the help."""


def _parse_unfold(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> int | str | None:
    """Parse a number of axes, or ``auto``.

    Raises
    ------
    click.BadParameter
        If `value` is neither: wrong usage, whatever the array.
    """
    if value is None or value == AUTO:
        return value
    return int(options.UNFOLDED_AXES(value, param, ctx))


@click.command(
    "compress",
    cls=Command,
    groups=GROUPS,
    epilog="""\b
Examples:
  lplr compress a.npy --bpc 1               least error, 1 bit per coordinate
  lplr compress a.npy -e 0.01               smallest file of at most 1 % error
  lplr compress a.npy -r 64 -b 2            64 components, 2 bits an entry
  lplr compress run.h5 --dataset /u --size 20M
  lplr compress a.npy --ratio 30 --dry-run  what would be chosen, and why
  lplr compress u.npy -e 0.01 --unfold 2    axes 1 and 2 against the others
  lplr compress part-*.npy --bpc 1 -o all.lplr
  lplr compress u.bin --shape 1000x500 --dtype float32 --bpc 1
  lplr compress a.npy --bpc 1 --scheduler tcp://host:8786
  cat a.npy | lplr compress - --bpc 1 -o - > a.lplr
  cat a.npy | lplr compress - --passes 1 -r 64 -b 2 -o - > a.lplr""",
)
@target_options
@click.option(
    "--passes",
    type=click.IntRange(min=1),
    metavar="P",
    help="Read the matrix at most P times; with 1 or 2 the error is estimated.  [default: as "
    "often as is worth it]",
)
@click.option(
    "--sketch",
    type=click.Choice(SKETCHES),
    help="Sketching operator of the range finder.  [default: gaussian]",
)
@click.option(
    "--oversampling",
    type=click.IntRange(min=0),
    metavar="N",
    help="Columns of the sketch beyond the rank.  [default: 8 for packed, 3 r + 1 for one pass]",
)
@click.option(
    "--power-iterations",
    type=click.IntRange(min=0),
    metavar="N",
    help="Products with AᵀA in the range finder.  [default: 2 for the engines, 0 for lplr]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of the sketch.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be chosen, and why; write nothing.")
@inputs.argument
@click.option(
    "--unfold",
    callback=_parse_unfold,
    metavar="K|auto",
    help="The first K axes of an array become rows; auto takes the K of the least predicted error, "
    "or size.  [default: 1]",
)
@click.option(
    "--row-grid",
    metavar="AxB",
    callback=options.parse_extents,
    help="Rows of the matrix are a grid that was flattened, such as 128x128.",
)
@click.option(
    "--col-grid",
    "column_grid",
    metavar="AxB",
    callback=options.parse_extents,
    help="Columns of the matrix are a grid that was flattened, such as 128x128.",
)
@options.output
@options.force
@options.threads
@options.memory_limit
@options.scheduler
@options.json
@options.progress
@options.quiet
@options.verbose
def command(
    source: Inputs,
    dry_run: bool,
    unfold: int | str | None,
    row_grid: tuple[int, ...] | None,
    column_grid: tuple[int, ...] | None,
    output: str | None,
    force: bool,
    threads: int | None,
    memory_limit: int | None,
    scheduler: str | None,
    as_json: bool,
    progress: bool | None,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Compress the matrix in INPUT into one .lplr file (- is standard input).

    INPUT is .npy, .npz (SciPy's sparse ones too), HDF5, Zarr, safetensors, Matrix Market, netCDF
    or MATLAB, by its content; or raw numbers, with --shape and --dtype. Several inputs are joined
    along their first axis, in the order given; -o then says where to.

    An array of 3 to 5 dimensions is unfolded: its first axis against the others, or --unfold.

    Ask for a size (--bpc, --ratio, --size) to get the least error, for an error (-e,
    --max-abs-error) to get the least size, or for a rank and bits (-r, -b).
    """
    destination = _output_name(source, output)
    if as_json and goes_to_stdout(destination) and not dry_run:
        raise click.UsageError("--json and -o - would both write to standard output.")
    asked = requested(options)
    if unfold == AUTO and asked.passes is not None:
        raise click.UsageError(
            "--unfold auto takes a number of passes over the data that is not known beforehand."
        )
    if unfold == AUTO and not asked.goals:
        raise click.UsageError(
            "--unfold auto goes by what is predicted for a size or an error: ask for one of them."
        )

    from lplrcli.container.writer import write_container
    from lplrcli.io import AtomicOutput, UnfoldingRequest
    from lplrcli.pipeline.compress import compress

    started = time.perf_counter()
    name = source.name
    opening: dict[str, Any] = {
        "request": UnfoldingRequest(
            unfold if isinstance(unfold, int) else None, row_grid, column_grid
        ),
        "threads": threads,
        "memory_limit": memory_limit,
        "scheduler": scheduler,
        "once": asked.passes == 1,
        "progress": progress,
    }
    if dry_run:
        with render.shown_log(verbose), opened_matrix(source, "predicting", **opening) as matrix:
            predictor = None
            if unfold == AUTO:
                matrix, predictor = _best_unfolded(matrix, threads, name, asked)
            document = predicted(matrix, threads, name, asked, predictor)
        show_predicted({"input": source.shown, "output": destination, **document}, as_json)
        return
    with (
        render.shown_log(verbose),
        AtomicOutput(destination, force=force, inputs=source.paths) as stream,
        opened_matrix(source, "compressing", **opening) as matrix,
    ):
        predictor = None
        if unfold == AUTO:
            matrix, predictor = _best_unfolded(matrix, threads, name, asked)
        factorization = compress(matrix, asked, threads=threads, name=name, predictor=predictor)
        written = write_container(stream, [factorization], names=[name])
        entry_bytes = matrix.dtype.itemsize
    seconds = time.perf_counter() - started
    entries = factorization.shape[0] * factorization.shape[1]
    result = {
        "input": source.shown,
        "output": destination,
        "shape": list(factorization.array_shape),
        "matrix_shape": list(factorization.shape),
        "unfold": factorization.unfold,
        "dtype": factorization.dtype,
        "mode": factorization.plan.mode,
        "rank": factorization.rank,
        "file_bytes": written,
        "bits_per_coordinate": 8 * written / entries,
        "compression_ratio": entries * entry_bytes / written,
        **asdict(factorization.report),
        "seconds": seconds,
        "bytes_per_second": entries * entry_bytes / seconds,
        "plan": asdict(factorization.plan),
    }
    if verbose:
        print_decisions(factorization, result)
    render.summary(summary_line(result, entries * entry_bytes), quiet)
    if as_json:
        render.print_json(result)


def _best_unfolded(
    matrix: Source, threads: int | None, name: str | None, asked: CompressionRequest
) -> tuple[Source, Predictor | None]:
    from lplrcli.pipeline.unfold import best_unfolded
    from lplrcli.runtime.parallel import usable_cpus

    return best_unfolded(matrix, asked, threads or usable_cpus(), name)


def _output_name(source: Inputs, output: str | None) -> str:
    """Return ``-o``, or the input's name with the suffix .lplr; standard output for standard input.

    What a URL names is written into the working folder.
    """
    if output is not None:
        return output
    if len(source.paths) > 1:
        raise click.UsageError(
            "Several inputs are joined into one matrix: say with -o where to write it."
        )
    if source.paths == ("-",):
        return "-"
    from lplrcli.io import FORMATS

    path = source.paths[0].rstrip("/")
    if "://" in path:
        path = path.rsplit("/", 1)[-1]
    known = chain.from_iterable(entry.suffixes for entry in FORMATS.values())
    for suffix in (*known, ".bin") if source.layout else known:
        if path.lower().endswith(suffix):
            return path[: -len(suffix)] + ".lplr"
    return path + ".lplr"
