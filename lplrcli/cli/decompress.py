"""``lplr decompress``."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import destinations, options, render
from lplrcli.cli.command import Command, complete_paths
from lplrcli.cli.destinations import (
    DTYPES,
    DTYPES_TEXT,
    check_size,
    check_streams,
    destination,
    is_a_stream,
)
from lplrcli.cli.opened import chosen_matrix, opened_container
from lplrcli.cli.parts import Range, chosen_part, parse_range, parse_slice
from lplrcli.cli.progress import progress_bar
from lplrcli.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lplrcli.io.formats.sink import Sink
    from lplrcli.model.compressed import Factorization
    from lplrcli.model.selection import Index, Selection

_ADVICE_IF_LARGE = "Decode a part with --rows, --cols or --slice, or allow more with --max-output."


@click.command(
    "decompress",
    cls=Command,
    epilog="""\b
Examples:
  lplr decompress a.lplr  writes a.npy, or the format it came from
  lplr decompress a.lplr -o b.h5 --dataset /u --gzip
  lplr decompress a.lplr --rows 100:200 -o - | ...
  lplr decompress u.lplr --slice 10,:,32:64 -o part.npy""",
)
@click.argument("source", metavar="INPUT", shell_complete=complete_paths)
@destinations.to
@click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    metavar="TYPE",
    help=f"Type of the entries: {DTYPES_TEXT}.  [default: the original one]",
)
@click.option(
    "--rows",
    metavar="A:B",
    callback=parse_range,
    help="Only rows A to B - 1; -3: is the last three.",
)
@click.option("--cols", metavar="A:B", callback=parse_range, help="Only these columns.")
@click.option(
    "--slice",
    "index",
    metavar="INDEX",
    callback=parse_slice,
    help="Only this part, as NumPy indexes: 10,:,32:64 or ...,::2; an integer drops its axis.",
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
@options.verbose
def command(
    source: str,
    to: str | None,
    dtype: str | None,
    rows: Range,
    cols: Range,
    index: tuple[Index, ...] | None,
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
    verbose: bool,
) -> None:
    """Restore the matrix or array in INPUT (an .lplr file; - is standard input)."""
    if index is not None and (rows != (None, None) or cols != (None, None)):
        raise click.UsageError("--slice says all; it does not go with --rows or --cols.")
    from threadpoolctl import threadpool_limits

    from lplrcli.io import AtomicOutput, create_sink
    from lplrcli.model.selection import Selection
    from lplrcli.pipeline.decode.entry_types import entry_dtype
    from lplrcli.pipeline.decode.memory_needs import require_for_decoding
    from lplrcli.runtime.parallel import usable_cpus
    from lplrcli.runtime.workspace import limited_memory

    started = time.perf_counter()
    threads = threads or usable_cpus()
    with opened_container(source) as container:
        factorization = container.factorization(chosen_matrix(container, matrix))
        kind, target = destination(source, output, to, factorization.source.get("format"))
        check_streams(kind, target, dataset, as_json)
        selection = chosen_part(factorization, index, rows, cols, source)
        entry_type = entry_dtype(dtype or factorization.dtype)
        result_bytes = math.prod(selection.shape) * entry_type.itemsize
        check_size(result_bytes, max_output, target, _ADVICE_IF_LARGE)
        gzip = gzip or (kind == "mtx" and target.lower().endswith(".gz"))
        whole = selection == Selection.whole(factorization.array_shape)
        if whole and is_a_stream(target):
            container.check_unread()  # what has gone out cannot be taken back
        with limited_memory(memory_limit):
            require_for_decoding(factorization, threads, container.path)
            with (
                AtomicOutput(target, force=force, inputs=[source]) as stream,
                progress_bar("decompressing", progress, "rows") as observe,
                threadpool_limits(1, "blas"),
                render.shown_log(verbose),
            ):
                sink = create_sink(
                    kind,
                    stream,
                    selection.shape,
                    entry_type,
                    unfold=sum(axis < factorization.unfold for axis in selection.kept),
                    dataset="matrix" if dataset is None else dataset,
                    gzip=gzip,
                )
                _write(factorization, sink, selection, threads, observe)
                sink.close()
                if whole:
                    container.check_unread()
    seconds = time.perf_counter() - started
    report = factorization.report
    result: dict[str, Any] = {
        "input": source,
        "output": target,
        "format": kind,
        "shape": list(selection.shape),
        "dtype": entry_type.name,
        "relative_frobenius_error": report.relative_frobenius_error,
        "max_abs_error": report.max_abs_error,
        "exact": report.exact,
        "bits_per_coordinate": 8
        * container.file_bytes
        / (factorization.shape[0] * factorization.shape[1]),
        "seconds": seconds,
    }
    render.summary(_summary_line(result, result_bytes), quiet)
    if as_json:
        render.print_json(result)


def _write(
    factorization: Factorization,
    sink: Sink,
    selection: Selection,
    threads: int,
    observe: Callable[[int, int], None] | None,
) -> None:
    """Decode block by block into `sink`, in the order that it stores."""
    from lplrcli.pipeline.decode.array_part import Part, column_slabs

    if sink.order == "rows":
        slabs = Part(factorization, selection, threads, sink.dtype).blocks()
    else:
        slabs = column_slabs(factorization, selection, threads, sink.dtype)
    along = 0 if sink.order == "rows" else 1
    done, total = 0, sink.shape[along]
    for slab in slabs:
        sink.write(slab)
        done += slab.shape[along]
        if observe is not None:
            observe(done, total)


def _summary_line(result: dict[str, Any], result_bytes: int) -> str:
    error = render.error_text(result["relative_frobenius_error"], result["exact"])
    return (
        f"{printable(result['input'])} -> {printable(result['output'])}: "
        f"{render.shape_text(result['shape'])} {result['dtype']}, stored error {error}, "
        f"{result['bits_per_coordinate']:.4g} bits/coordinate, "
        f"{render.rate_text(result_bytes, result['seconds'])}"
    )
