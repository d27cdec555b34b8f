"""The progress bar itself, drawn by Rich: imported only where one is shown."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text


class _Clock(ProgressColumn):
    """Time since the bar appeared, which runs on when a pass or a stage is over."""

    def render(self, task: Task) -> Text:
        """Hours, minutes and seconds."""
        return Text(str(timedelta(seconds=int(task.elapsed or 0))))


class Bar:
    """One line that says what is being done: task, stage, pass; how far it is; for how long.

    A watcher of stages, see `lplrcli.runtime.stages.Watcher`. Where it is not known how much is
    left, the bar swings.

    Parameters
    ----------
    label : str
        What is being done.
    console : rich.console.Console
        Where the line stands.
    """

    def __init__(self, label: str, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[counted]}"),
            _Clock(),
        )
        self.progress = Progress(*columns, console=console, transient=True, expand=True)
        self._id = self.progress.add_task(label, total=None, counted="")
        self._label = label
        self._stage: str | None = None
        self._pass = 0
        self._rows_done = 0
        self._within_pass = False

    @property
    def task(self) -> Task:
        """What Rich knows of the line."""
        return self.progress.tasks[0]

    def begin(self, stage: str) -> None:
        """Name the stage."""
        self._stage = stage
        self._within_pass = False
        self._describe("")
        self._draw(0, None, "")

    def count(self, done: int, total: int | None, unit: str) -> None:
        """Show how many are done; a count within a pass over rows is left to the rows."""
        if not self._within_pass:
            self._describe("")
            self._draw(done, total, unit)

    def rows(self, done: int, total: int) -> None:
        """Show how many rows a pass has seen; one that starts again has the next number."""
        if done <= self._rows_done or self._pass == 0:
            self._pass += 1
        self._rows_done = done
        self._within_pass = done < total
        self._describe(f", pass {self._pass}")
        self._draw(done, total, "rows")

    def tell(self, text: str) -> None:
        """Print a notice on a line of its own, above the bar."""
        self.progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _describe(self, which: str) -> None:
        stage = "" if self._stage is None else f": {self._stage}"
        self.progress.update(self._id, description=f"{self._label}{stage}{which}")

    def _draw(self, done: int, total: int | None, unit: str) -> None:
        text = unit and (f"{done} {unit}" if total is None else f"{done}/{total} {unit}")
        self.progress.update(self._id, completed=done, counted=text)
        # What follows all rows or chunks takes its time too, and the bar is to move meanwhile.
        self.task.total = total if total is not None and done < total else None
