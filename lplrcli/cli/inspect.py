"""``lplr inspect``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import inputs, options, render, spectrum
from lplrcli.cli.command import Command, complete_paths
from lplrcli.cli.inspect_text import print_one, print_table
from lplrcli.cli.opened import opened_container, opened_source
from lplrcli.container.byte_layout import ALL_CHUNKS
from lplrcli.errors import LplrError

if TYPE_CHECKING:
    from lplrcli.cli.inputs import Inputs
    from lplrcli.container.reader import Container


@click.command(
    "inspect",
    cls=Command,
    epilog="""\b
Examples:
  lplr inspect a.lplr                  reads headers only
  lplr inspect *.lplr                  one line a matrix
  lplr inspect a.lplr --against a.npy  measures the error on every entry
  lplr inspect a.lplr --spectrum       decodes factors; singular values
  lplr inspect --json a.lplr | python -m json.tool""",
)
@click.argument("files", metavar="FILE...", shell_complete=complete_paths, nargs=-1, required=True)
@inputs.against
@click.option(
    "--spectrum",
    "with_spectrum",
    is_flag=True,
    help="Decode the factors L and R; show singular values and energy of L R by mode.",
)
@options.threads
@options.memory_limit
@options.scheduler
@options.json
@options.progress
@options.verbose
def command(
    files: tuple[str, ...],
    original: Inputs,
    with_spectrum: bool,
    threads: int | None,
    memory_limit: int | None,
    scheduler: str | None,
    as_json: bool,
    progress: bool | None,
    verbose: bool,
) -> None:
    """Show what .lplr files hold (- is standard input)."""
    if not original.paths and (original.dataset is not None or original.layout is not None):
        raise click.UsageError(
            "--dataset, --shape and --dtype say what the original is, so they need --against."
        )
    if scheduler is not None and not original.paths:
        raise click.UsageError("--scheduler says who reads the original, so it needs --against.")
    if (*files, *original.paths).count("-") > 1:
        raise click.UsageError("Only one of the files can be standard input.")
    opening = {
        "threads": threads,
        "memory_limit": memory_limit,
        "scheduler": scheduler,
        "progress": progress,
    }
    documents: list[dict[str, Any]] = []
    failure: LplrError | None = None
    for path in files:
        try:
            documents.append(_inspect(path, original, with_spectrum, threads, opening))
        except LplrError as error:
            # The files that can be read are shown; the worst that happened is the exit status.
            if len(files) == 1:
                raise
            render.summary(f"lplr: {error}", quiet=False)
            failure = error if failure is None else max(failure, error, key=_severity)
    if as_json:
        render.print_json({"files": documents})
    elif len(files) == 1 and len(documents[0]["matrices"]) == 1:
        print_one(documents[0], verbose)
    elif documents:
        print_table(documents)
    if with_spectrum and not as_json:
        spectrum.print_spectra(documents)
    if failure is not None:
        sys.exit(failure.exit_code)


def _severity(error: LplrError) -> int:
    return error.exit_code


def _inspect(
    path: str,
    original: Inputs,
    with_spectrum: bool,
    threads: int | None,
    opening: dict[str, Any],
) -> dict[str, Any]:
    """Contents of one file, as `--json` prints them."""
    with opened_container(path) as container:
        matrices = [_describe(container, i) for i in range(container.count)]
        if with_spectrum:
            for i, matrix in enumerate(matrices):
                matrix["spectrum"] = spectrum.described(container, i, threads)
        if original.paths:
            for i, matrix in enumerate(matrices):
                matrix["measured"] = _measure(container, i, original, threads, opening)
        shared = container.section_bytes(None)
        owned = [matrix["section_bytes"] for matrix in matrices]
        accounted = sum(sum(sizes.values()) for sizes in (*owned, shared))
        return {
            "path": path,
            "file_bytes": container.file_bytes,
            "format_version": ".".join(str(part) for part in container.version),
            "header_bytes": container.file_bytes - accounted,
            "section_bytes": shared,
            "matrices": matrices,
        }


def _describe(container: Container, i: int) -> dict[str, Any]:
    """Contents of the headers of matrix `i`, as `--json` prints them."""
    metadata = container.metadata(i)
    rows, columns = metadata["matrix"]["shape"]
    factors, plan = metadata["factors"], metadata["plan"]
    sizes = container.section_bytes(i)
    # A file with one matrix is all that matrix; with several, each has its own sections.
    stored = container.file_bytes if container.count == 1 else sum(sizes.values())
    coded = sum(
        section.length
        for tag, sections in container.sections_of(i).items()
        if tag in ALL_CHUNKS
        for section in sections
    )
    # Bases are part of what the entries of their factors take.
    entries = sum(
        factor["length"] * factor["components"]
        for name, factor in factors.items()
        if not name.endswith("_basis")
    )
    kept = metadata.get("kept")
    if kept is not None:
        entries = kept["entries"]
    item_bytes = _item_bytes(metadata["array"]["dtype"])
    return {
        "name": metadata["array"].get("name"),
        "shape": metadata["array"]["shape"],
        "matrix_shape": [rows, columns],
        "unfold": metadata["matrix"]["unfold"],
        "dtype": metadata["array"]["dtype"],
        "mode": plan["mode"],
        "method": plan["target"]["method"],
        "rank": factors["left"]["components"] if "left" in factors else 0,
        "bits_per_factor_entry": 8 * coded / entries if entries else 0.0,
        "bytes": stored,
        "section_bytes": sizes,
        "bits_per_coordinate": 8 * stored / (rows * columns),
        "compression_ratio": rows * columns * item_bytes / stored,
        **metadata["achieved"],
        "plan": plan,
        "factors": factors,
        **({} if kept is None else {"kept": kept}),
        "source": metadata["source"],
        "tool": metadata["tool"],
    }


def _item_bytes(dtype: str) -> int:
    """Bytes of one entry; names of types end in their width in bits, but for bool."""
    return 1 if dtype == "bool" else int(dtype.lstrip("abcdefghijklmnopqrstuvwxyz")) // 8


def _measure(
    container: Container,
    i: int,
    original: Inputs,
    threads: int | None,
    opening: dict[str, Any],
) -> dict[str, Any]:
    """Error of matrix `i` against the original, in one pass over it."""
    from lplrcli.io import UnfoldingRequest
    from lplrcli.pipeline.measure.error import assess
    from lplrcli.runtime.parallel import usable_cpus

    factorization = container.factorization(i)
    request = UnfoldingRequest(like=factorization.unfolding)
    opening = {**opening, "stored_name": container.metadata(i)["array"].get("name")}
    with opened_source(original, "measuring", request=request, **opening) as source:
        report = assess(source, factorization, threads or usable_cpus())
    return {
        "against": original.shown,
        "relative_frobenius_error": report.relative_frobenius_error,
        "max_abs_error": report.max_abs_error,
        "exact": report.exact,
        "source_norm": report.source_norm,
    }
