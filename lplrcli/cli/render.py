"""How results look: one summary line, numbers with units, JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from lplrcli.cli.progress import tell
from lplrcli.errors import OutputError, printable, printable_lines


def shape_text(shape: Sequence[int], matrix_shape: Sequence[int] | None = None) -> str:
    """``20000 x 4000``, or ``1000 x 128 x 128 as 1000 x 16384`` where it was unfolded."""
    text = " x ".join(str(side) for side in shape) or "one number"
    if matrix_shape is None or list(matrix_shape) == list(shape):
        return text
    return f"{text} as {shape_text(matrix_shape)}"


def bytes_text(count: float) -> str:
    """Bytes with a binary unit, three digits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            digits = 3 if count < 999.5 else 4
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.{digits}g} {unit}"
        count /= 1024
    return f"{count:.4g} TiB"


def error_text(value: float | None, exact: bool = True) -> str:
    """Four digits; ``~`` marks an estimate, ``-`` what was not measured."""
    if value is None:
        return "-"
    return f"{'' if exact else '~'}{value:.4g}"


def summary(text: str, quiet: bool) -> None:
    """Print a line for people, on standard error, without what would do something to a terminal."""
    if not quiet:
        tell(printable_lines(text))


class _EchoHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(f"  {printable(record.getMessage())}")


@contextmanager
def shown_log(wanted: bool) -> Iterator[None]:
    """Show what the algorithm logs of its stages, on standard error: one half of ``-v``."""
    logger = logging.getLogger("lplrcli")
    handler = _EchoHandler()
    if wanted:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def print_lines(text: str) -> None:
    """Print on standard output, without what would do something to a terminal.

    Raises
    ------
    OutputError
        If it is closed, or cannot be written; a pipe whose reader is gone is no error.
    """
    if sys.stdout is None:  # which `click.echo` takes for a wish to see nothing
        raise OutputError("standard output is closed", path="<stdout>")
    try:
        click.echo(printable_lines(text))
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot be written: {reason}", path="<stdout>") from error


def print_json(document: Any) -> None:
    """Print a JSON document on standard output."""
    print_lines(json.dumps(document, indent=2, allow_nan=False))


def aligned(rows: list[list[str]], left: int = 1) -> str:
    """Rows of text in columns: the first `left` flush left, the others flush right.

    Some cells are names out of files.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def rate_text(source_bytes: int, seconds: float) -> str:
    """Seconds, and megabytes of the uncompressed matrix per second."""
    return f"{seconds:.2f} s, {source_bytes / 1e6 / max(seconds, 1e-9):.3g} MB/s"
