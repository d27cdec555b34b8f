"""A file that is read and then replaced: whether it still is what was read."""

from __future__ import annotations

from pathlib import Path

from lplrcli.errors import OutputError


class Unchanged:
    """Remembers which file a name stood for, and how it was.

    Parameters
    ----------
    path : str
        Its name. What is no file, such as ``-``, never changes.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._found = self._look()

    def check(self) -> None:
        """Check that nobody wrote to the file or replaced it.

        Raises
        ------
        OutputError
            Somebody did: to replace it now would lose what they wrote.
        """
        if self._look() != self._found:
            raise OutputError(
                "the file was changed by another program meanwhile; it is left as that made it",
                path=self.path,
                advice="Run the command again.",
            )

    def _look(self) -> tuple[int, ...] | None:
        try:
            status = Path(self.path).stat()
        except (OSError, ValueError):
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
