"""``lplr compress``."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import options, render
from lplrcli.cli.progress import progress_bar
from lplrcli.model.plan import METHODS, SKETCHES

if TYPE_CHECKING:
    from lplrcli.model.compressed import Factorization


@click.command(
    "compress",
    epilog="""\b
Examples:
  lplr compress a.npy -r 64 -b 2             writes a.lplr
  lplr compress run.h5 --dataset /u -r 32 -b 4
  cat a.npy | lplr compress - -r 64 -o - > a.lplr""",
)
@click.argument("source", metavar="INPUT")
@click.option("-r", "--rank", type=click.IntRange(min=1), help="Most components kept.")
@click.option(
    "-b",
    "--bits",
    type=click.IntRange(1, 16),
    default=4,
    show_default=True,
    help="Bits per factor entry: the mean, at most, for packed; exact for the paper's methods.",
)
@click.option(
    "--bits-right", type=click.IntRange(1, 16), help="The same for the right factor.  [default: -b]"
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="packed",
    show_default=True,
    help="The engine, or a method of the LPLR paper.",
)
@click.option(
    "--sketch",
    type=click.Choice(SKETCHES),
    help="Sketching operator of the range finder.  [default: gaussian]",
)
@click.option(
    "--oversampling",
    type=click.IntRange(min=0),
    help="Columns of the sketch beyond the rank.  [default: 8 for packed, none for lplr]",
)
@click.option(
    "--power-iterations",
    type=click.IntRange(min=0),
    help="Products with AᵀA in the range finder.  [default: 2 for packed, 0 for lplr]",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True, help="Of the sketch."
)
@options.dataset("Which dataset of an HDF5 file; not needed if it holds one matrix.")
@options.output
@options.force
@options.threads
@options.json
@options.progress
@options.quiet
@options.verbose
def command(
    source: str,
    rank: int | None,
    bits: int,
    bits_right: int | None,
    method: str,
    sketch: str | None,
    oversampling: int | None,
    power_iterations: int | None,
    seed: int,
    dataset: str | None,
    output: str | None,
    force: bool,
    threads: int | None,
    as_json: bool,
    progress: bool | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compress the matrix in INPUT (.npy, HDF5 or Matrix Market; - is standard input)."""
    if method != "nq" and rank is None:
        raise click.UsageError("Missing option '-r' / '--rank': how many components to keep.")
    target = _output_name(source, output)
    if as_json and target == "-":
        raise click.UsageError("--json and -o - would both write to standard output.")

    from lplrcli.container.writer import write_container
    from lplrcli.io import AtomicOutput, open_source
    from lplrcli.pipeline.compress import compress

    started = time.perf_counter()
    inputs = [] if source == "-" else [source]
    with (
        render.shown_log(verbose),
        AtomicOutput(target, force=force, inputs=inputs) as stream,
        progress_bar("compressing", progress) as observe,
        open_source(source, dataset=dataset, threads=threads, observer=observe) as matrix,
    ):
        _load_kernels(quiet)
        factorization = compress(
            matrix,
            method=method,
            rank=rank,
            bits=bits,
            bits_right=bits_right,
            sketch=sketch,
            oversampling=oversampling,
            power_iterations=power_iterations,
            seed=seed,
            threads=threads,
        )
        written = write_container(stream, [factorization], names=[_matrix_name(source, dataset)])
        entry_bytes = matrix.dtype.itemsize
    seconds = time.perf_counter() - started
    entries = factorization.shape[0] * factorization.shape[1]
    result = {
        "input": source,
        "output": target,
        "shape": list(factorization.shape),
        "dtype": factorization.dtype,
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
        _explain(factorization)
    render.summary(_summary_line(result, entries * entry_bytes), quiet)
    if as_json:
        render.print_json(result)


def _output_name(source: str, output: str | None) -> str:
    """``-o``, or the input's name with the suffix .lplr; standard output for standard input."""
    if output is not None:
        return output
    if source == "-":
        return "-"
    from lplrcli.io import FORMATS

    for suffix in chain.from_iterable(known.suffixes for known in FORMATS.values()):
        if source.lower().endswith(suffix):
            return source[: -len(suffix)] + ".lplr"
    return source + ".lplr"


def _matrix_name(source: str, dataset: str | None) -> str | None:
    """What the matrix is called in the file: no folder of the machine it was made on."""
    if source == "-":
        return None
    name = source.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name}:{dataset}" if dataset else name


def _load_kernels(quiet: bool) -> None:
    """Load the kernels; say why the first run is slow, to a person only."""
    from lplrcli.kernels.loading import compiled_before, load_kernels

    if sys.stderr is not None and sys.stderr.isatty() and not compiled_before():
        render.summary("lplr: compiling its kernels, once; later runs start at once", quiet)
    load_kernels()


def _explain(factorization: Factorization) -> None:
    """Print what was decided, one line a decision."""
    plan, report = factorization.plan, factorization.report
    lines = [f"mode {plan.mode}, method {plan.target.method}, {report.passes} passes over the data"]
    if plan.basis == "gram":
        lines.append("exact spectrum from the Gram matrix: its small side is small")
    elif plan.basis == "sketch":
        lines.append(
            f"{plan.sketch} sketch of {plan.sketch_size} columns, "
            f"{plan.power_iterations} power iterations, seed {plan.seed}"
        )
    for side, factor in (("left", factorization.left), ("right", factorization.right)):
        if factor is not None:
            lines.append(
                f"{side} factor {factor.length} x {factor.components}, bits per component: "
                + " ".join(str(depth) for depth in factor.tables)
            )
    if report.bound is not None:
        lines.append(f"expected error before quantization at most {report.bound:.4g} (Theorem 3.2)")
    for line in lines:
        click.echo(f"  {line}", err=True)


def _summary_line(result: dict[str, Any], source_bytes: int) -> str:
    error = render.error_text(result["relative_frobenius_error"], result["exact"])
    rank = f", rank {result['rank']}" if result["plan"]["mode"] == "factors" else ""
    return (
        f"{result['input']} -> {result['output']}: "
        f"{render.shape_text(tuple(result['shape']))} {result['dtype']}{rank}, "
        f"error {error}, {result['bits_per_coordinate']:.4g} bits/coordinate, "
        f"{render.bytes_text(result['file_bytes'])}, ratio {result['compression_ratio']:.4g}, "
        f"{render.rate_text(source_bytes, result['seconds'])}"
    )
