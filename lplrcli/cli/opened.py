"""Opening an ``.lplr`` file named on the command line, standard input included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lplrcli.container.reader import Container


@contextmanager
def opened_container(path: str) -> Iterator[Container]:
    """Yield the container in the file at `path`; ``-`` is standard input.

    Raises
    ------
    InputError
        If the file cannot be read.
    ContainerError
        If it is not an ``.lplr`` file, or is damaged.
    """
    from lplrcli.container.reader import open_container
    from lplrcli.io.spool import open_seekable

    file, name, _ = open_seekable(path)
    with file, open_container(file, name) as container:
        yield container
