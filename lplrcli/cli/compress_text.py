"""What ``lplr compress`` says when it is done: a line, and with ``--verbose`` every decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lplrcli.cli import render
from lplrcli.cli.explanation import (
    basis_text,
    counted,
    estimator_text,
    mode_text,
    reached_text,
    reason_text,
    target_text,
)
from lplrcli.errors import printable

if TYPE_CHECKING:
    from lplrcli.model.compressed import Factorization, QuantizedFactor


def print_decisions(factorization: Factorization, result: dict[str, Any]) -> None:
    """Print what was decided, one line a decision."""
    plan, report = result["plan"], factorization.report
    entries = factorization.shape[0] * factorization.shape[1]
    method = plan["target"]["method"]
    lines: list[str | None] = [
        f"asked: {target_text(plan['target'], entries)}",
        f"mode {plan['mode']}, method {method}, {counted(report.passes, 'pass')} over the data, "
        f"{render.bytes_text(report.bytes_read or 0)} read",
        estimator_text(report.estimator),
        reason_text(plan, report.relative_frobenius_error),
        basis_text(plan),
    ]
    for side in ("left", "right", "residual", "mean_row", "mean_column"):
        factor = getattr(factorization, side)
        if factor is not None:
            lines.append(f"{side.replace('_', ' ')} {_factor_text(side, factor)}")
    if report.bound is not None:
        lines.append(f"expected error before quantization at most {report.bound:.4g} (Theorem 3.2)")
    for line in filter(None, lines):
        click.echo(f"  {line}", err=True)


def _factor_text(side: str, factor: QuantizedFactor) -> str:
    """Shape and quantizer: ``factor 120 x 12, trellis quantizer, step 0.0213``."""
    what = "factor " if side in ("left", "right") else ""
    shape = f"{what}{factor.length} x {factor.components}"
    if factor.basis is not None:
        shape += f", {factor.basis.components} vectors of its grid"
    if factor.coding == "packed":
        if side == "residual":
            return f"{shape}, bits per entry: {factor.coding_parameters[0]}"
        depths = " ".join(map(str, factor.coding_parameters))
        return f"{shape}, bits per component: {depths}"
    from lplrcli.quantize import SteppedQuantizer

    step = SteppedQuantizer.of(factor).step
    states = f" of {2 ** factor.coding_parameters[0]} states" if factor.coding_parameters[0] else ""
    return f"{shape}, {factor.quantizer} quantizer{states}, step {step:.4g}, coding {factor.coding}"


def summary_line(result: dict[str, Any], source_bytes: int) -> str:
    """Line that says what was compressed, how, and what it came to."""
    target = result["plan"]["target"]
    error = render.error_text(result["relative_frobenius_error"], result["exact"])
    return (
        f"{printable(result['input'])} -> {printable(result['output'])}: "
        f"{render.shape_text(result['shape'], result['matrix_shape'])} {result['dtype']}, "
        f"{mode_text(target['method'], result['mode'], result['rank'])}, "
        f"{reached_text(target, error, result['max_abs_error'])}, "
        f"{result['bits_per_coordinate']:.4g} bits/coordinate, "
        f"{render.bytes_text(result['file_bytes'])}, ratio {result['compression_ratio']:.4g}, "
        f"{render.rate_text(source_bytes, result['seconds'])}"
    )
