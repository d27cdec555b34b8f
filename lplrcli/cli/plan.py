"""``lplr plan``."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import charts, inputs, options, render
from lplrcli.cli.command import Command
from lplrcli.cli.opened import opened_matrix
from lplrcli.errors import printable

if TYPE_CHECKING:
    from lplrcli.cli.inputs import Inputs
    from lplrcli.pipeline.forecast import Forecast
    from lplrcli.pipeline.predict.estimates import Estimate

SIZES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
ERRORS = (0.1, 0.01, 0.001)
_DRAWN = [0.125 * 2 ** (k / 2) for k in range(13)]
"""Bits per coordinate of the points of a plot: 0.125 to 8."""

_ENERGY_SHARES = (0.9, 0.99, 0.999)
_LEADING = 8


@click.command(
    "plan",
    cls=Command,
    epilog="""\b
Examples:
  lplr plan a.npy  what sizes cost in error, and errors in size
  lplr plan a.npy --plot a.svg
  lplr plan --json run.h5 --dataset /u""",
)
@inputs.argument
@charts.plot
@options.unfold
@options.force
@options.threads
@options.memory_limit
@options.scheduler
@options.json
@options.progress
def command(
    source: Inputs,
    plot: str | None,
    unfold: int | None,
    force: bool,
    threads: int | None,
    memory_limit: int | None,
    scheduler: str | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Look at the matrix in INPUT and predict what compressing it would give (- is standard input).

    Several inputs are one matrix, as for `lplr compress`.

    The bounds beside the predictions are those of normally distributed coefficients (reverse
    water-filling); entries that are sparse, or on a lattice, may go below.
    """
    from lplrcli.io import UnfoldingRequest

    started = time.perf_counter()
    with (
        charts.plot_output(plot, force, source.paths) as stream,
        opened_matrix(
            source,
            "looking",
            request=UnfoldingRequest(unfold),
            threads=threads,
            memory_limit=memory_limit,
            scheduler=scheduler,
            progress=progress,
        ) as matrix,
    ):
        from lplrcli.pipeline.forecast import Forecast
        from lplrcli.runtime.parallel import usable_cpus

        forecast = Forecast(matrix, threads or usable_cpus(), max(SIZES), min(ERRORS))
        document = {
            "input": source.shown,
            "shape": list(matrix.unfolding.array_shape),
            "matrix_shape": list(matrix.shape),
            "dtype": matrix.dtype.name,
            **_spectrum(forecast),
            "sizes": [_at_size(forecast, bpc) for bpc in SIZES],
            "errors": [_at_error(forecast, error) for error in ERRORS],
            "passes": forecast.passes.count,
        }
        if stream is not None and plot is not None:
            _draw(stream, plot, source.shown, forecast)
    if as_json:
        render.print_json({**document, "seconds": time.perf_counter() - started})
    else:
        render.print_lines(_text(document, list(forecast.modes)))


def _spectrum(forecast: Forecast) -> dict[str, Any]:
    """Norm, spectrum and lattice of the matrix, as `--json` prints them."""
    energies, total = forecast.energies, forecast.norm**2
    lattice = forecast.lattice
    strongest = float(energies[0]) if len(energies) else 0.0
    scale = forecast.source_norm / forecast.norm if forecast.norm else 0.0
    return {
        "source_norm": forecast.source_norm,
        "directions": len(energies),
        "complete": forecast.complete,
        "found_by": forecast.found_by,
        "ranks": {f"{share:g}": forecast.rank_holding(share) for share in _ENERGY_SHARES},
        "stable_rank": total / strongest if strongest else 0.0,
        "singular_values": [float(value) ** 0.5 * scale for value in energies[:_LEADING]],
        "tail": (forecast.spectrum.tail / total) ** 0.5 if total else 0.0,
        "lattice": None if lattice is None else asdict(lattice),
    }


def _at_size(forecast: Forecast, bpc: float) -> dict[str, Any]:
    found = forecast.at_size(bpc)
    return {
        "bits_per_coordinate": bpc,
        "file_bytes": int(bpc * forecast.entries / 8),
        "modes": {mode: _outcome(forecast, outcome) for mode, outcome in found.items()},
    }


def _at_error(forecast: Forecast, error: float) -> dict[str, Any]:
    found = forecast.at_error(error)
    return {
        "relative_frobenius_error": error,
        "modes": {mode: _outcome(forecast, outcome) for mode, outcome in found.items()},
    }


def _outcome(forecast: Forecast, outcome: Estimate) -> dict[str, Any]:
    return {
        "file_bytes": outcome.file_bytes,
        "bits_per_coordinate": 8 * outcome.file_bytes / forecast.entries,
        "relative_frobenius_error": outcome.relative_error,
        "bound": outcome.bound,
    }


def _draw(stream: Any, path: str, title: str, forecast: Forecast) -> None:
    found = {bpc: forecast.at_size(bpc) for bpc in _DRAWN}
    lines = {
        mode: [(bpc, found[bpc][mode].relative_error) for bpc in _DRAWN if mode in found[bpc]]
        for mode in forecast.modes
    }
    bound = [(bpc, forecast.bound(bpc)) for bpc in _DRAWN if forecast.norm]
    charts.write_plot(stream, path, title, lines, {"Gaussian rate-distortion bound": bound})


def _text(document: dict[str, Any], modes: list[str]) -> str:
    shape = render.shape_text(document["shape"], document["matrix_shape"])
    head = f"{printable(document['input'])}: {shape} {document['dtype']}"
    return "\n\n".join(
        [
            f"{head}\n{render.aligned(_facts(document), left=2)}",
            f"error at a size, and the least that normal coefficients could have\n"
            f"{render.aligned(_size_table(document, modes), left=0)}",
            f"size at an error, in bytes and bits per coordinate, and the least for such numbers\n"
            f"{render.aligned(_error_table(document, modes), left=0)}",
        ]
    )


def _facts(document: dict[str, Any]) -> list[list[str]]:
    """Labels and texts of norm, spectrum and lattice."""
    rows, columns = document["matrix_shape"]
    known, possible = document["directions"], min(rows, columns)
    ranks = [f">{known}" if rank is None else str(rank) for rank in document["ranks"].values()]
    shares = " / ".join(f"{100 * float(share):g}" for share in document["ranks"])
    values = " ".join(f"{value:.4g}" for value in document["singular_values"])
    facts = [
        ["Frobenius norm", f"{document['source_norm']:.6g}"],
        [f"rank at {shares} % of the energy", f"{' / '.join(ranks)} of {possible}"],
        ["stable rank", f"{document['stable_rank']:.4g}"],
        ["leading singular values", values],
    ]
    if not document["complete"]:
        tail = f"{document['tail']:.4g} of the norm: figures for factors are upper limits"
        facts.append([f"beyond the {known} directions known", tail])
    if lattice := document["lattice"]:
        bpc = 8 * lattice["file_bytes"] / (rows * columns)
        lossless = f"about {lattice['file_bytes']} bytes ({bpc:.4g} bits/coordinate)"
        facts.append(
            [f"all entries are multiples of {lattice['step']:.6g}", f"lossless {lossless}"]
        )
    else:
        facts.append(["lattice", "none: entries are not multiples of one number"])
    return facts


def _size_table(document: dict[str, Any], modes: list[str]) -> list[list[str]]:
    heads = ["bits/coord.", "bytes", *(head for mode in modes for head in (mode, "bound"))]
    rows = [heads]
    for row in document["sizes"]:
        cells = [f"{row['bits_per_coordinate']:g}", str(row["file_bytes"])]
        for mode in modes:
            outcome = row["modes"].get(mode)
            cells += _cells(outcome, ["relative_frobenius_error", "bound"])
        rows.append(cells)
    return rows


def _error_table(document: dict[str, Any], modes: list[str]) -> list[list[str]]:
    heads = ["error", *(head for mode in modes for head in (mode, "bpc", "bound"))]
    rows = [heads]
    for row in document["errors"]:
        cells = [f"{100 * row['relative_frobenius_error']:g} %"]
        for mode in modes:
            outcome = row["modes"].get(mode)
            cells += _cells(outcome, ["file_bytes", "bits_per_coordinate", "bound"])
        rows.append(cells)
    return rows


def _cells(outcome: dict[str, Any] | None, keys: list[str]) -> list[str]:
    values = [None if outcome is None else outcome[key] for key in keys]
    return ["-" if v is None else str(v) if isinstance(v, int) else f"{v:.4g}" for v in values]
