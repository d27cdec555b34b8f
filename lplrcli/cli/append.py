"""``lplr append``."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import inputs, options, render
from lplrcli.cli.command import Command, complete_paths
from lplrcli.cli.destinations import goes_to_stdout
from lplrcli.cli.explanation import mode_text
from lplrcli.cli.opened import chosen_matrix, opened_container, opened_matrix
from lplrcli.errors import printable

if TYPE_CHECKING:
    from lplrcli.cli.inputs import Inputs
    from lplrcli.pipeline.append.append import Appended


@click.command(
    "append",
    cls=Command,
    epilog="""\b
Examples:
  lplr append a.lplr more.npy          a.lplr with the new rows, or as it was
  lplr append a.lplr more.npy -e 0.02  new rows of at most 2 % error
  lplr append run.lplr new.h5 --dataset /u -o longer.lplr
  cat more.npy | lplr append a.lplr -""",
)
@click.argument("source", metavar="FILE", shell_complete=complete_paths)
@inputs.addition
@click.option(
    "-e",
    "--rel-error",
    type=click.FloatRange(min=0),
    metavar="E",
    help="Largest relative error of the new rows.  [default: what was asked of FILE; where no "
    "error was, 1.1 times the one it has]",
)
@options.matrix
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    shell_complete=complete_paths,
    help="Where to write; - is standard output.  [default: FILE itself, replaced at once]",
)
@click.option("-f", "--force", is_flag=True, help="Replace an existing file that -o names.")
@options.threads
@options.memory_limit
@options.json
@options.progress
@options.quiet
@options.verbose
def command(
    source: str,
    addition: Inputs,
    rel_error: float | None,
    matrix: int | None,
    output: str | None,
    force: bool,
    threads: int | None,
    memory_limit: int | None,
    as_json: bool,
    progress: bool | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Append the rows in INPUT... to the matrix in FILE, an .lplr file.

    Each INPUT is a file as `lplr compress` reads them; - is standard input. It has the type and
    the width of the matrix in FILE; to an array of 3 to 5 dimensions it is appended along the
    first axis.

    New rows are projected on the right factor of FILE and quantized with its steps; those in
    FILE decode to what they did. Rows that do not fit are refused with the error they would have.
    """
    destination = output if output is not None else source
    if source == "-" and "-" in addition.paths:
        raise click.UsageError("FILE and INPUT cannot both be standard input.")
    if output is None and source != "-" and Path(source).is_fifo():
        raise click.UsageError("FILE is a pipe, which cannot be replaced: say -o.")
    if as_json and goes_to_stdout(destination):
        raise click.UsageError("--json and -o - would both write to standard output.")
    if rel_error is not None and not math.isfinite(rel_error):
        raise click.BadParameter("it must be a finite number.", param_hint="'-e' / '--rel-error'")

    from lplrcli.container.rewriter import check_rewritable, rewrite_container
    from lplrcli.io import AtomicOutput
    from lplrcli.io.files.unchanged import Unchanged
    from lplrcli.io.handles.unfolding import ANY_ARRAY
    from lplrcli.pipeline.append.append import append

    started = time.perf_counter()
    unchanged = Unchanged(destination)
    kept = addition.paths if output is None else (*addition.paths, source)
    with (
        render.shown_log(verbose),
        opened_container(source) as container,
        AtomicOutput(
            destination, force=force or output is None, inputs=kept, unchanged=unchanged
        ) as stream,
        opened_matrix(
            addition,
            "appending",
            request=ANY_ARRAY,
            threads=threads,
            memory_limit=memory_limit,
            progress=progress,
        ) as rows,
    ):
        check_rewritable(container)
        number = chosen_matrix(container, matrix)
        factorization = container.factorization(number)
        done = append(
            rows, factorization, rel_error=rel_error, threads=threads, path=container.path
        )
        written = rewrite_container(stream, container, number, done.factorization)
        entry_bytes = rows.dtype.itemsize
    result = _result(done, written, entry_bytes)
    result = {"file": source, "input": addition.shown, "output": destination, **result}
    result["seconds"] = time.perf_counter() - started
    render.summary(_summary_line(result, done.rows * done.factorization.shape[1] * entry_bytes),
                   quiet)  # fmt: skip
    if as_json:
        render.print_json(result)


def _result(done: Appended, written: int, entry_bytes: int) -> dict[str, Any]:
    """What to print of an appended file; null for what is not finite."""
    grown = done.factorization
    entries = grown.shape[0] * grown.shape[1]
    added = asdict(done.added)
    new_error = done.added.relative_frobenius_error
    added["relative_frobenius_error"] = new_error if math.isfinite(new_error) else None
    return {
        "shape": list(grown.array_shape),
        "matrix_shape": list(grown.shape),
        "dtype": grown.dtype,
        "mode": grown.plan.mode,
        "method": grown.plan.target.method,
        "rank": grown.rank,
        "rows_added": done.rows,
        "limit": done.limit if math.isfinite(done.limit) else None,
        "asked": done.asked,
        "added": {key: added[key] for key in ("relative_frobenius_error", "max_abs_error",
                                              "exact", "source_norm", "passes")},
        "file_bytes": written,
        "bits_per_coordinate": 8 * written / entries,
        "compression_ratio": entries * entry_bytes / written,
        **asdict(grown.report),
    }  # fmt: skip


def _summary_line(result: dict[str, Any], source_bytes: int) -> str:
    names = f"{result['file']} + {result['input']}", result["output"]
    new = render.error_text(result["added"]["relative_frobenius_error"])
    allowed = "" if result["limit"] is None else f" (at most {result['limit']:.4g})"
    whole = render.error_text(result["relative_frobenius_error"], result["exact"])
    asked = result["asked"]
    if asked is not None and result["relative_frobenius_error"] > asked:
        whole += f" (more than the {asked:.4g} that was asked; the file now says so)"
    return (
        f"{' -> '.join(map(printable, names))}: "
        f"{result['rows_added']} rows added, "
        f"{render.shape_text(result['shape'], result['matrix_shape'])} {result['dtype']}, "
        f"{mode_text(result['method'], result['mode'], result['rank'])}, "
        f"error of the new rows {new}{allowed}, of all {whole}, "
        f"{result['bits_per_coordinate']:.4g} bits/coordinate, "
        f"{render.bytes_text(result['file_bytes'])}, ratio {result['compression_ratio']:.4g}, "
        f"{render.rate_text(source_bytes, result['seconds'])}"
    )
