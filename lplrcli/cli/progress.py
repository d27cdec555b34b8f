"""A progress bar on a terminal, and notices above it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from lplrcli.cli.stopping import farewell
from lplrcli.runtime.stages import watched_by

if TYPE_CHECKING:
    from lplrcli.cli.bar import Bar

_LINE_RESTORED = b"\r\x1b[2K\x1b[?25h"  # the line empty, the cursor there again
_shown: list[Bar] = []


@contextmanager
def progress_bar(
    label: str, wanted: bool | None, unit: str | None = None
) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function to call with (done, in total), or None if no bar is shown.

    Stages of the block are named beside the label, see `lplrcli.runtime.stages`.

    Parameters
    ----------
    label : str
        What is being done.
    wanted : bool or None
        None shows a bar only if standard error is a terminal.
    unit : str, optional
        What is counted, if not the rows that passes see.
    """
    if sys.stderr is None or not (sys.stderr.isatty() if wanted is None else wanted):
        yield None
        return
    from rich.console import Console

    from lplrcli.cli.bar import Bar

    bar = Bar(label, Console(stderr=True, force_terminal=True if wanted else None))
    with farewell(_LINE_RESTORED), bar.progress, watched_by(bar):
        _shown.append(bar)
        try:
            yield bar.rows if unit is None else partial(bar.count, unit=unit)
        finally:
            _shown.remove(bar)


def tell(text: str) -> None:
    """Print a notice on standard error, on a line of its own: above the bar if one is shown."""
    if _shown:
        _shown[-1].tell(text)
    else:
        click.echo(text, err=True)
