"""How results look: one summary line, numbers with units, JSON."""

from __future__ import annotations

import json
from typing import Any

import click


def shape_text(shape: tuple[int, int]) -> str:
    """``20000 x 4000``."""
    return " x ".join(str(side) for side in shape)


def bytes_text(count: float) -> str:
    """Bytes with a binary unit, three digits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.4g} TiB"


def error_text(value: float | None, exact: bool = True) -> str:
    """Four digits; ``~`` marks an estimate, ``-`` what was not measured."""
    if value is None:
        return "-"
    return f"{'' if exact else '~'}{value:.4g}"


def summary(text: str, quiet: bool) -> None:
    """Print the one line that a command leaves on standard error."""
    if not quiet:
        click.echo(text, err=True)


def print_json(document: Any) -> None:
    """Print a JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))


def rate_text(source_bytes: int, seconds: float) -> str:
    """Seconds, and megabytes of the uncompressed matrix per second."""
    return f"{seconds:.2f} s, {source_bytes / 1e6 / max(seconds, 1e-9):.0f} MB/s"
