"""``lplr compare``."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import charts, inputs, options, render
from lplrcli.cli.command import Command
from lplrcli.cli.opened import opened_matrix
from lplrcli.errors import printable
from lplrcli.model.plan import METHODS

if TYPE_CHECKING:
    from lplrcli.cli.inputs import Inputs
    from lplrcli.pipeline.compare import Entry

SIZES = (0.25, 0.5, 1.0, 2.0, 4.0)


def _parse_sizes(
    ctx: click.Context, param: click.Parameter, value: tuple[float, ...]
) -> tuple[float, ...]:
    """Sizes in ascending order, each once."""
    if any(not math.isfinite(size) for size in value):
        raise click.BadParameter("a size is a finite number of bits per coordinate.", ctx, param)
    return tuple(sorted(set(value))) or SIZES


@click.command(
    "compare",
    cls=Command,
    epilog="""\b
Examples:
  lplr compare a.npy
  lplr compare a.npy --bpc 0.5 --bpc 1 --plot a.svg
  lplr compare a.npy --method packed --method rate-distortion --json""",
)
@inputs.argument
@click.option(
    "--bpc",
    "sizes",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    callback=_parse_sizes,
    metavar="X",
    help="Size of the files, in bits per coordinate; may be repeated.  "
    f"[default: {' '.join(f'{size:g}' for size in SIZES)}]",
)
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    help="Compare only these; may be repeated.  [default: all]",
)
@charts.plot
@options.unfold
@options.force
@options.threads
@options.memory_limit
@options.json
@options.progress
def command(
    source: Inputs,
    sizes: tuple[float, ...],
    methods: tuple[str, ...],
    plot: str | None,
    unfold: int | None,
    force: bool,
    threads: int | None,
    memory_limit: int | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Compress the matrix in INPUT by every method at equal file sizes (- is standard input).

    Several inputs are one matrix, as for `lplr compress`. Nothing is written: files are made in
    memory, counted whole, and decoded again to measure the error. Of the methods with a rank and
    depths, the best of a small grid is shown.
    """
    from lplrcli.io import UnfoldingRequest

    started = time.perf_counter()
    with (
        charts.plot_output(plot, force, source.paths) as stream,
        opened_matrix(
            source,
            "comparing",
            request=UnfoldingRequest(unfold),
            threads=threads,
            memory_limit=memory_limit,
            progress=progress,
        ) as matrix,
    ):
        from lplrcli.pipeline.compare import COMPARED, Comparison
        from lplrcli.runtime.parallel import usable_cpus

        comparison = Comparison(matrix, threads or usable_cpus(), source.name)
        entries = matrix.shape[0] * matrix.shape[1]
        results: dict[str, list[dict[str, Any] | None]] = {}
        notes: dict[str, str] = {}
        for method in COMPARED:
            if methods and method not in methods:
                continue
            if note := comparison.refusal(method):
                notes[method] = note
                continue
            found = [comparison.best(method, bpc) for bpc in sizes]
            results[method] = [_described(entry, entries) for entry in found]
        document = {
            "input": source.shown,
            "shape": list(matrix.unfolding.array_shape),
            "matrix_shape": list(matrix.shape),
            "dtype": matrix.dtype.name,
            "bits_per_coordinate": list(sizes),
            "methods": results,
            "notes": notes,
        }
        if stream is not None and plot is not None:
            charts.write_plot(stream, plot, source.shown, _lines(results), {})
    if as_json:
        render.print_json({**document, "seconds": time.perf_counter() - started})
    else:
        render.print_lines(_text(document))


def _described(entry: Entry | None, entries: int) -> dict[str, Any] | None:
    """One file as `--json` prints it."""
    if entry is None:
        return None
    reached = entry.reached
    return {
        "file_bytes": reached.file_bytes,
        "bits_per_coordinate": 8 * reached.file_bytes / entries,
        "relative_frobenius_error": reached.relative_error,
        "mode": reached.mode,
        "rank": reached.rank,
        "bits": entry.bits,
        "bits_right": entry.bits_right,
    }


def _lines(results: dict[str, list[dict[str, Any] | None]]) -> dict[str, charts.Points]:
    return {
        method: [
            (found["bits_per_coordinate"], found["relative_frobenius_error"])
            for found in row
            if found is not None
        ]
        for method, row in results.items()
    }


def _text(document: dict[str, Any]) -> str:
    shape = render.shape_text(document["shape"], document["matrix_shape"])
    sizes = [f"{size:g}" for size in document["bits_per_coordinate"]]
    errors = [["bits/coord.", *sizes]]
    files = [["method", "settings", "bits/coord.", "bytes", "error"]]
    for method, row in document["methods"].items():
        errors.append([method, *(_error_text(found) for found in row)])
        files += [
            [
                method,
                _settings(found),
                f"{found['bits_per_coordinate']:.4g}",
                str(found["file_bytes"]),
                _error_text(found),
            ]
            for found in row
            if found is not None
        ]
    notes = "".join(f"{method}: {note}\n" for method, note in document["notes"].items())
    return (
        f"{printable(document['input'])}: {shape} {document['dtype']}, least relative error of "
        f"files of at most so many bits per coordinate\n{render.aligned(errors)}\n{notes}\n"
        f"the files\n{render.aligned(files, left=2)}"
    )


def _error_text(found: dict[str, Any] | None) -> str:
    return "-" if found is None else render.error_text(found["relative_frobenius_error"])


def _settings(found: dict[str, Any]) -> str:
    """``rank 12, 2/8 bits``, or the mode that the engine chose."""
    if found["bits"] is None:
        return f"{found['mode']}, rank {found['rank']}" if found["rank"] else str(found["mode"])
    if not found["rank"]:
        return f"{found['bits']} bits"
    return f"rank {found['rank']}, {found['bits']}/{found['bits_right']} bits"
