"""Check that a file which was read, and is to be replaced, was not changed meanwhile."""

from __future__ import annotations

from pathlib import Path

from lplrcli.errors import OutputError


class Unchanged:
    """Record of the file that a name stood for, and of its state.

    Parameters
    ----------
    path : str
        Name of the file. A name without a file, such as ``-``, counts as unchanged.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._found = self._look()

    def check(self) -> None:
        """Check that no other process wrote to the file or replaced it.

        Raises
        ------
        OutputError
            Another process did; replacing the file now would lose what that wrote.
        """
        if self._look() != self._found:
            raise OutputError(
                "the file was changed by another program meanwhile; that version is kept",
                path=self.path,
                advice="Run the command again.",
            )

    def _look(self) -> tuple[int, ...] | None:
        try:
            status = Path(self.path).stat()
        except (OSError, ValueError):
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
