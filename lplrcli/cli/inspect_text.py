"""What ``lplr inspect`` prints without ``--json``: one matrix in full, or a line for each."""

from __future__ import annotations

from typing import Any

from lplrcli.cli import render
from lplrcli.cli.explanation import reason_text, target_text


def _shape_text(matrix: dict[str, Any]) -> str:
    return f"{render.shape_text(matrix['shape'], matrix['matrix_shape'])} {matrix['dtype']}"


def _rows(matrix: dict[str, Any]) -> list[list[str]]:
    """Labels and texts of the table of one matrix."""
    error = render.error_text(matrix["relative_frobenius_error"], matrix["exact"])
    rows = [
        ["shape", _shape_text(matrix)],
        ["method", f"{matrix['method']} ({matrix['mode']})"],
        ["rank", str(matrix["rank"])],
        ["bits per factor entry", f"{matrix['bits_per_factor_entry']:.4g}"],
        ["size", f"{matrix['bytes']} bytes ({render.bytes_text(matrix['bytes'])})"],
        ["bits per coordinate", f"{matrix['bits_per_coordinate']:.4g}"],
        ["compression ratio", f"{matrix['compression_ratio']:.4g}"],
        ["relative error, stored", error],
        ["largest error, stored", render.error_text(matrix["max_abs_error"])],
    ]
    if measured := matrix.get("measured"):
        error = render.error_text(measured["relative_frobenius_error"], measured["exact"])
        rows.append(["relative error, measured", error])
        rows.append(["largest error, measured", render.error_text(measured["max_abs_error"])])
    return rows


def print_one(document: dict[str, Any], verbose: bool) -> None:
    """Print a file with one matrix, a line for each fact; `verbose` adds what was decided."""
    matrix = document["matrices"][0]
    rows = [
        ["file", f"{document['path']} (format {document['format_version']})"],
        *([["name", matrix["name"]]] if matrix["name"] else []),
        *_rows(matrix),
        *([_label(side), _factor_text(side, factor)] for side, factor in matrix["factors"].items()),
    ]
    if kept := matrix.get("kept"):
        rows.append(["entries", _kept_text(kept)])
    sizes = {**matrix["section_bytes"], **document["section_bytes"]}
    rows += [[f"section {tag}", f"{size} bytes"] for tag, size in sizes.items()]
    rows.append(["file header", f"{document['header_bytes']} bytes"])
    if verbose:
        rows += _decisions(matrix)
    render.print_lines(render.aligned(rows, left=2))


def _label(side: str) -> str:
    return f"{side} factor" if side in ("left", "right") else side.replace("_", " ")


def _factor_text(side: str, factor: dict[str, Any]) -> str:
    """Shape and coding of a factor: ``120 x 12, trellis quantizer, rans coding``."""
    shape = f"{factor['length']} x {factor['components']}"
    if side != "residual" and len(factor["grid"]) > 1:
        shape += f" on a grid {render.shape_text(factor['grid'])}"
    return f"{shape}, {factor['quantizer']} quantizer, {factor['coding']} coding"


def _kept_text(kept: dict[str, Any]) -> str:
    """Entries that are kept, and how: ``3000, as they are, in chunks of 60 rows``."""
    some = " that are stored, of a sparse matrix" if kept["form"] == "sparse" else ""
    how = f"multiples of {kept['step']:.6g}" if "step" in kept else "as they are"
    return f"{kept['entries']}{some}, {how}, in chunks of {kept['chunk_rows']} rows"


def _decisions(matrix: dict[str, Any]) -> list[list[str]]:
    """Labels and texts of what was asked, what was chosen and why."""
    plan = matrix["plan"]
    rows, columns = matrix["matrix_shape"]
    target = target_text(plan["target"], rows * columns)
    told: dict[str, Any] = {"target": target, "mode": plan["mode"]}
    if reason := reason_text(plan, matrix["relative_frobenius_error"]):
        label, _, values = reason.partition(": ")
        told[label] = values
    told |= {key: value for key, value in plan.items() if key not in ("target", "predictions")}
    told |= {"passes": matrix["passes"], "bound": matrix["bound"]}
    told |= {"estimator": matrix.get("estimator")}
    told |= {f"source {key}": value for key, value in matrix["source"].items()}
    told["tool"] = matrix["tool"]
    return [[key, str(value)] for key, value in told.items() if value is not None]


def print_table(documents: list[dict[str, Any]]) -> None:
    """Print several matrices, a line for each."""
    heads = ("file", "shape", "method", "rank", "bytes", "bits/coord.", "ratio", "error", "largest")
    rows = [list(heads)]
    for document in documents:
        for i, matrix in enumerate(document["matrices"]):
            several = len(document["matrices"]) > 1
            shown = matrix.get("measured", matrix)
            rows.append(
                [
                    f"{document['path']}[{i}]" if several else document["path"],
                    _shape_text(matrix),
                    matrix["method"],
                    str(matrix["rank"]),
                    str(matrix["bytes"]),
                    f"{matrix['bits_per_coordinate']:.4g}",
                    f"{matrix['compression_ratio']:.4g}",
                    render.error_text(shown["relative_frobenius_error"], shown["exact"]),
                    render.error_text(shown["max_abs_error"]),
                ]
            )
    render.print_lines(render.aligned(rows))
