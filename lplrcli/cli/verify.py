"""``lplr verify``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import inputs, options, render
from lplrcli.cli.command import Command, complete_paths
from lplrcli.cli.opened import chosen_matrix, opened_file, opened_source
from lplrcli.cli.progress import progress_bar
from lplrcli.errors import LplrError, printable

if TYPE_CHECKING:
    from typing import BinaryIO

    from lplrcli.cli.inputs import Inputs
    from lplrcli.errors import CorruptSectionError
    from lplrcli.pipeline.integrity.verify import Verification

_SHOWN_FAULTS = 20
"""Faults of one file that are printed; there may be one in every chunk."""


@click.command(
    "verify",
    cls=Command,
    epilog="""\b
Examples:
  lplr verify *.lplr                  every checksum, and every chunk decoded
  lplr verify -q a.lplr || ...        the exit status alone
  lplr verify a.lplr --against a.npy  is the error it states the true one?
  lplr verify --json a.lplr           all faults, with their places
  curl ... | lplr verify -""",
)
@click.argument("files", metavar="FILE...", shell_complete=complete_paths, nargs=-1, required=True)
@inputs.against
@options.matrix
@options.threads
@options.memory_limit
@options.json
@options.progress
@click.option("-q", "--quiet", is_flag=True, help="Print nothing: the exit status tells.")
def command(
    files: tuple[str, ...],
    original: Inputs,
    matrix: int | None,
    threads: int | None,
    memory_limit: int | None,
    as_json: bool,
    progress: bool | None,
    quiet: bool,
) -> None:
    """Check all that .lplr files hold (- is standard input), and write nothing.

    Exit status 0 if all are whole, 3 if one is damaged or no .lplr file. With --against the
    error that the file states is measured too, and 3 means that it is not the true one.
    """
    if not original.paths and (original.dataset or original.layout or matrix is not None):
        raise click.UsageError(
            "--dataset, --shape, --dtype and --matrix say what is compared, so they need --against."
        )
    if original.paths and len(files) > 1:
        raise click.UsageError("--against is the original of one file.")
    if (*files, *original.paths).count("-") > 1:
        raise click.UsageError("Only one of the files can be standard input.")
    opening = {"threads": threads, "memory_limit": memory_limit, "progress": progress}
    records, status = [], 0
    for path in files:
        record, faults = _verified(path, original, matrix, opening)
        records.append(record)
        status = max(status, *(fault.exit_code for fault in faults), 0)
        _print_lines(record, faults, quiet)
    if as_json:
        render.print_json({"files": records})
    if status:
        sys.exit(status)


def _verified(
    path: str, original: Inputs, matrix: int | None, opening: dict[str, Any]
) -> tuple[dict[str, Any], list[LplrError]]:
    """What `--json` prints of one file, and what is wrong with it."""
    record: dict[str, Any] = {
        "path": path,
        "ok": False,
        "file_bytes": None,
        "format_version": None,
        "matrices": 0,
        "sections": 0,
        "chunks": 0,
        "checked": [],
        "measured": None,
    }
    faults: list[LplrError] = []
    try:
        with opened_file(path) as (file, name):
            found = _checked(file, name, opening)
            record |= {
                "file_bytes": found.file_bytes,
                "format_version": found.format_version,
                "matrices": found.matrices,
                "sections": found.sections,
                "chunks": found.chunks,
                "checked": ["structure", "checksums", "metadata", "tables", "chunks"],
            }
            faults += found.damage
            if original.paths and found.ok:
                record["measured"], disagreeing = _held_against(
                    file, name, original, matrix, opening
                )
                record["checked"].append("error")
                faults += disagreeing
    except LplrError as error:
        faults.append(error)
    return record | {"ok": not faults, "errors": [_fault_record(each) for each in faults]}, faults


def _checked(file: BinaryIO, name: str, opening: dict[str, Any]) -> Verification:
    from lplrcli.pipeline.integrity.verify import verify
    from lplrcli.runtime.parallel import usable_cpus
    from lplrcli.runtime.workspace import limited_memory

    with (
        limited_memory(opening["memory_limit"]),
        progress_bar("verifying", opening["progress"], "sections") as observe,
    ):
        return verify(file, name, opening["threads"] or usable_cpus(), observe)


def _held_against(
    file: BinaryIO,
    name: str,
    original: Inputs,
    matrix: int | None,
    opening: dict[str, Any],
) -> tuple[dict[str, Any], list[CorruptSectionError]]:
    """The true error of a matrix, and what the file states otherwise."""
    from lplrcli.container.reader import open_container
    from lplrcli.io import UnfoldingRequest
    from lplrcli.pipeline.measure.error import scan_and_assess
    from lplrcli.pipeline.measure.stated_error import disagreements
    from lplrcli.runtime.parallel import usable_cpus

    container = open_container(file, name)
    number = chosen_matrix(container, matrix)
    factorization = container.factorization(number)
    opening = {**opening, "stored_name": container.metadata(number)["array"].get("name")}
    request = UnfoldingRequest(like=factorization.unfolding)
    with opened_source(original, "measuring", request=request, **opening) as source:
        threads = opening["threads"] or usable_cpus()
        scan, report = scan_and_assess(source, factorization, threads)
    measured = {
        "against": original.shown,
        "relative_frobenius_error": report.relative_frobenius_error,
        "max_abs_error": report.max_abs_error,
        "exact": report.exact,
        "source_norm": report.source_norm,
    }
    return measured, disagreements(factorization, scan, report, name)


def _fault_record(error: LplrError) -> dict[str, Any]:
    """A fault as `--json` prints it."""
    section, offset = getattr(error, "section", None), getattr(error, "offset", None)
    return {
        "message": error.sentence,
        "section": section,
        "offset": offset,
        "found": _plain(error.found),
        "expected": _plain(error.expected),
        "advice": error.advice,
    }


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _print_lines(record: dict[str, Any], faults: list[LplrError], quiet: bool) -> None:
    """One line of a whole file; of another one a line for each fault."""
    if not faults:
        matrices = _counted(record["matrices"], "matrix", "matrices")
        chunks = _counted(record["chunks"], "chunk", "chunks")
        size = render.bytes_text(record["file_bytes"])
        error = ""
        if measured := record["measured"]:
            error = ", error as stated: " + render.error_text(
                measured["relative_frobenius_error"], measured["exact"]
            )
        render.summary(
            f"{printable(record['path'])}: OK, {matrices}, {chunks}, {size}{error}", quiet
        )
    elif len(faults) == 1:
        render.summary(f"lplr: {faults[0]}", quiet)
    else:
        for fault in faults[:_SHOWN_FAULTS]:
            render.summary(f"lplr: {str(fault).splitlines()[0]}", quiet)
        if len(faults) > _SHOWN_FAULTS:
            more = len(faults) - _SHOWN_FAULTS
            render.summary(
                f"lplr: {printable(record['path'])}: {more} more; --json lists all", quiet
            )


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
