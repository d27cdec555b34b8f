"""``lplr recover``."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import destinations, options, render
from lplrcli.cli.command import Command, complete_paths
from lplrcli.cli.destinations import DTYPES, DTYPES_TEXT, check_size, check_streams, destination
from lplrcli.cli.opened import chosen_matrix, opened_file
from lplrcli.cli.progress import progress_bar
from lplrcli.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lplrcli.container.salvage import Salvage
    from lplrcli.io.formats.sink import Sink
    from lplrcli.pipeline.integrity.recover import Recovery

_DAMAGED = 3
_SHOWN_LOSSES = 20
"""Losses that are printed; there may be one of every chunk."""

_ADVICE_ON_OUTPUT = "Allow more with --max-output."


@click.command(
    "recover",
    cls=Command,
    epilog="""\b
Examples:
  lplr recover a.lplr -o rest.npy           lost rows are NaN, and listed
  lplr recover i.lplr -o rest.npy --fill 0  keeps the type of integers
  lplr recover a.lplr -o rest.npy --json    where exactly they are
  lplr recover all.lplr --matrix 2 -o two.npy""",
)
@click.argument("source", metavar="DAMAGED", shell_complete=complete_paths)
@destinations.to
@click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    metavar="TYPE",
    help=f"Type of the entries: {DTYPES_TEXT}.  [default: the original one; for integers "
    "and bool with losses and without --fill, float32 where it holds them all, else float64]",
)
@click.option(
    "--fill", type=float, metavar="VALUE", help="Stands for lost entries.  [default: NaN]"
)
@destinations.gzip
@destinations.max_output
@options.matrix
@destinations.dataset
@options.output
@options.force
@options.threads
@options.memory_limit
@options.json
@options.progress
@options.quiet
def command(
    source: str,
    to: str | None,
    dtype: str | None,
    fill: float | None,
    gzip: bool,
    max_output: int | None,
    matrix: int | None,
    dataset: str | None,
    output: str | None,
    force: bool,
    threads: int | None,
    memory_limit: int | None,
    as_json: bool,
    progress: bool | None,
    quiet: bool,
) -> None:
    """Restore what is left of the matrix in DAMAGED, a damaged or truncated .lplr file.

    Entries that depend on a damaged chunk are filled, and listed; all others are what the whole
    file gives. Exit status 0 if nothing is lost, 3 if something is, or everything: then no file
    is written.
    """
    from threadpoolctl import threadpool_limits

    from lplrcli.container.salvage import salvage_container
    from lplrcli.io import AtomicOutput, create_sink
    from lplrcli.pipeline.decode.entry_types import entry_dtype
    from lplrcli.pipeline.integrity.recover import Recovery
    from lplrcli.runtime.parallel import usable_cpus
    from lplrcli.runtime.workspace import limited_memory

    started = time.perf_counter()
    with (
        opened_file(source) as (file, name),
        salvage_container(file, name) as salvage,
        limited_memory(memory_limit),
        threadpool_limits(1, "blas"),
    ):
        number = chosen_matrix(salvage, matrix)
        factorization = salvage.factorization(number)
        kind, target = destination(source, output, to, factorization.source.get("format"))
        check_streams(kind, target, dataset, as_json)
        with AtomicOutput(target, force=force, inputs=[source]) as stream:
            with progress_bar("trying chunks", progress, "chunks") as observe:
                recovery = Recovery(
                    factorization,
                    name,
                    threads or usable_cpus(),
                    None if dtype is None else entry_dtype(dtype),
                    fill,
                    observe,
                )
            result_bytes = math.prod(recovery.shape) * recovery.dtype.itemsize
            check_size(result_bytes, max_output, target, _ADVICE_ON_OUTPUT)
            sink = create_sink(
                kind,
                stream,
                recovery.shape,
                recovery.dtype,
                unfold=recovery.unfold,
                dataset="matrix" if dataset is None else dataset,
                gzip=gzip or (kind == "mtx" and target.lower().endswith(".gz")),
            )
            with progress_bar("recovering", progress, "rows") as observe:
                _write(recovery, sink, observe)
            sink.close()
        result = {
            "input": source,
            "output": target,
            "format": kind,
            **_described(salvage, recovery, number),
            "seconds": time.perf_counter() - started,
        }
        _print_losses(salvage, recovery, number, quiet)
    render.summary(_summary_line(result, result_bytes), quiet)
    if as_json:
        render.print_json(result)
    if not recovery.whole:
        sys.exit(_DAMAGED)


def _write(recovery: Recovery, sink: Sink, observe: Callable[[int, int], None] | None) -> None:
    along = 0 if sink.order == "rows" else 1
    done = 0
    for slab in recovery.slabs(sink.order):
        sink.write(slab)
        done += slab.shape[along]
        if observe is not None:
            observe(done, sink.shape[along])


def _described(salvage: Salvage, recovery: Recovery, number: int) -> dict[str, Any]:
    """What `--json` prints; ranges are from the first on, without the last."""
    losses = recovery.losses
    return {
        "matrix": number,
        "shape": list(recovery.shape),
        "matrix_shape": list(losses.shape),
        "dtype": recovery.dtype.name,
        "whole": recovery.whole,
        "lost_entries": losses.entries,
        "lost_rows": [list(span) for span in losses.rows],
        "lost_columns": [list(span) for span in losses.columns],
        "lost_parts": [
            {"rows": list(part.rows), "columns": list(part.columns)} for part in losses.parts
        ],
        "chunks": {
            factor: {"remaining": remaining, "of": count}
            for factor, (remaining, count) in recovery.chunks.items()
        },
        "lost_chunks": [
            {
                "section": each.chunks.section,
                "chunks": [each.chunks.numbers.start, each.chunks.numbers.stop],
                each.axis: list(each.span),
                "offset": each.chunks.error.offset,
                "error": each.chunks.error.sentence,
            }
            for each in recovery.lost
        ],
        "structure": [error.sentence for error in salvage.damage],
        "matrices": list(salvage.matrices),
    }


def _print_losses(salvage: Salvage, recovery: Recovery, number: int, quiet: bool) -> None:
    for error in salvage.damage:
        render.summary(printable(f"{salvage.path}: {error.sentence}"), quiet)
    for each in recovery.lost[:_SHOWN_LOSSES]:
        start, stop = each.span
        places = f"{each.axis} {start}-{stop - 1}"
        reason = each.chunks.error.sentence
        render.summary(f"{places} of matrix {number} lost: {printable(reason)}", quiet)
    if len(recovery.lost) > _SHOWN_LOSSES:
        more = len(recovery.lost) - _SHOWN_LOSSES
        render.summary(f"and {more} more such losses; --json lists all", quiet)


def _summary_line(result: dict[str, Any], result_bytes: int) -> str:
    entries = math.prod(result["matrix_shape"])
    kept = entries - result["lost_entries"]
    share = "all" if result["whole"] else f"{kept} of {entries}"
    return (
        f"{printable(result['input'])} -> {printable(result['output'])}: "
        f"{render.shape_text(result['shape'], result['matrix_shape'])} {result['dtype']}, "
        f"{share} entries recovered, {render.rate_text(result_bytes, result['seconds'])}"
    )
