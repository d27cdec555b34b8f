"""A progress bar by blocks of rows, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lplrcli.cli.stopping import farewell

_LINE_RESTORED = b"\r\x1b[2K\x1b[?25h"  # the line empty, the cursor there again


@contextmanager
def progress_bar(
    label: str, wanted: bool | None, unit: str = "rows"
) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function to call with (rows done, rows in total), or None if no bar is shown.

    A pass that starts again from the first rows starts the bar again, under the next number.

    Parameters
    ----------
    label : str
        What is being done.
    wanted : bool or None
        None shows a bar only if standard error is a terminal.
    unit : str
        What is counted, if not rows.
    """
    if sys.stderr is None or not (sys.stderr.isatty() if wanted is None else wanted):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True, force_terminal=True if wanted else None)
    with farewell(_LINE_RESTORED), Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(label, total=None, rows="")
        passes = 0
        last = 0

        def observe(done: int, total: int) -> None:
            nonlocal passes, last
            if done <= last or passes == 0:
                passes += 1
                progress.update(task, description=f"{label}, pass {passes}")
            last = done
            progress.update(task, completed=done, total=total, rows=f"{done}/{total} {unit}")

        yield observe
