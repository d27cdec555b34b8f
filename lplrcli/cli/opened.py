"""Opening what is named on the command line, standard input included."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lplrcli.cli import render
from lplrcli.cli.progress import progress_bar

if TYPE_CHECKING:
    from lplrcli.container.reader import Container
    from lplrcli.io import UnfoldingRequest
    from lplrcli.io.backends import LocalSource


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


@contextmanager
def opened_matrix(
    path: str,
    label: str,
    *,
    dataset: str | None,
    request: UnfoldingRequest,
    threads: int | None,
    memory_limit: int | None,
    progress: bool | None,
    quiet: bool = False,
    once: bool = False,
) -> Iterator[LocalSource]:
    """Yield the matrix in the file at `path`, its passes under a progress bar, kernels loaded.

    Memory is limited meanwhile. See `lplrcli.io.open_source` for `once`.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no matrix.
    PlanError
        If what is asked of the unfolding does not fit the array.
    """
    from lplrcli.io import open_source
    from lplrcli.model.workspace import limited_memory

    with (
        limited_memory(memory_limit),
        progress_bar(label, progress) as observe,
        open_source(
            path, dataset=dataset, request=request, threads=threads, observer=observe, once=once
        ) as matrix,
    ):
        _load_kernels(quiet)
        yield matrix


def _load_kernels(quiet: bool) -> None:
    """Load the kernels; say why the first run is slow, to a person only."""
    from lplrcli.kernels.loading import compiled_before, load_kernels

    if sys.stderr is not None and sys.stderr.isatty() and not compiled_before():
        render.summary("lplr: compiling its kernels, once; later runs start at once", quiet)
    load_kernels()
