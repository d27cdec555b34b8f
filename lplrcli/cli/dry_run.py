"""``lplr compress --dry-run``: what would be chosen, and why."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lplrcli.cli import render
from lplrcli.cli.explanation import target_text
from lplrcli.errors import printable

if TYPE_CHECKING:
    from lplrcli.io import Source
    from lplrcli.model.request import CompressionRequest
    from lplrcli.pipeline.predict.predictions import Predictor


def predicted(
    matrix: Source,
    threads: int | None,
    name: str | None,
    request: CompressionRequest,
    predictor: Predictor | None,
) -> dict[str, Any]:
    """What a compression would give, as ``--json`` prints it.

    For a size or an error that is predicted. What `-r` and `-b`, or no error at all, ask for has
    no choice in it that could be told cheaply: it is carried out in memory, and measured.

    Parameters
    ----------
    matrix : LocalSource or DaskSource
        The matrix.
    threads : int, optional
        All usable processors by default.
    name : str or None
        Name of the matrix in the file.
    request : CompressionRequest
        What is asked.
    predictor : Predictor or None
        What a choice of unfolding has found out about the matrix already.
    """
    from lplrcli.pipeline.compress import carried_out, passes_over, surveyed
    from lplrcli.pipeline.first_plan import first_plan
    from lplrcli.pipeline.predict.estimates import Estimate
    from lplrcli.runtime.parallel import usable_cpus

    threads = threads or usable_cpus()
    plan = first_plan(request, matrix.shape, matrix.dtype)
    passes = passes_over(matrix, plan, threads)
    exact = plan.target.method != "rate-distortion" or plan.target.without_error
    if exact:
        from lplrcli.pipeline.encode.factorization import file_bytes

        done = carried_out(passes, plan, threads, name)
        error = done.report.relative_frobenius_error
        found = [Estimate(done.plan.mode, done.rank, file_bytes(done, name), error)]
    else:
        predictor = predictor or surveyed(passes, plan, threads, name)
        plan, found = predictor.plan, predictor.estimates
    entries = matrix.shape[0] * matrix.shape[1]
    modes = [
        {
            "mode": one.mode,
            "rank": one.rank,
            "file_bytes": one.file_bytes,
            "bits_per_coordinate": 8 * one.file_bytes / entries,
            "compression_ratio": entries * matrix.dtype.itemsize / one.file_bytes,
            "relative_frobenius_error": one.relative_error,
        }
        for one in found
    ]
    return {
        "shape": list(matrix.unfolding.array_shape),
        "matrix_shape": list(matrix.shape),
        "unfold": matrix.unfolding.axes,
        "dtype": matrix.dtype.name,
        "dry_run": True,
        "exact": exact,
        "target": asdict(plan.target),
        **modes[0],
        "modes": modes,
    }


def show_predicted(document: dict[str, Any], as_json: bool) -> None:
    """Print what `predicted` found."""
    if as_json:
        render.print_json(document)
        return
    target = document["target"]
    entries = math.prod(document["shape"])
    told = "" if document["exact"] else "~"
    rows = [["mode", "rank", "bytes", "bits/coord.", "ratio", "error", ""]] + [
        [
            mode["mode"],
            f"{told}{mode['rank']}" if mode["rank"] else "-",
            f"{told}{mode['file_bytes']}",
            f"{mode['bits_per_coordinate']:.4g}",
            f"{mode['compression_ratio']:.4g}",
            f"{told}{mode['relative_frobenius_error']:.4g}",
            "chosen" if number == 0 else "",
        ]
        for number, mode in enumerate(document["modes"])
    ]
    shape = render.shape_text(document["shape"], document["matrix_shape"])
    kind = "measured" if document["exact"] else "predicted"
    asked = target_text(target, entries)
    render.print_lines(
        f"{printable(document['input'])}: {shape} {document['dtype']}, asked: {asked}\n"
        f"{render.aligned(rows)}\n"
        f"{kind}; nothing written to {printable(document['output'])}"
    )
