"""Opening what is named on the command line, standard input included."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from lplrcli.cli.progress import progress_bar
from lplrcli.errors import InputError, NotAMatrixError, PlanError

if TYPE_CHECKING:
    from lplrcli.cli.inputs import Inputs
    from lplrcli.container.reader import Container
    from lplrcli.container.salvage import Salvage
    from lplrcli.io import Source, UnfoldingRequest


@contextmanager
def opened_file(path: str) -> Iterator[tuple[BinaryIO, str]]:
    """Yield the file at `path`, which may be anything, and what to call it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from lplrcli.io.files.seekable import open_seekable

    file, name, _ = open_seekable(path)
    with file:
        yield file, name


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

    with opened_file(path) as (file, name), open_container(file, name) as container:
        yield container


def chosen_matrix(container: Container | Salvage, matrix: int | None) -> int:
    """Number of the matrix asked for, or of the only one.

    Raises
    ------
    PlanError
        If there is none of that number, or there are several and none was asked for.
    """
    if matrix is None:
        if container.count > 1:
            raise PlanError(
                "holds several matrices",
                path=container.path,
                found=container.count,
                advice="Say which with --matrix; `lplr inspect` lists them, from 0 on.",
            )
        return 0
    if matrix >= container.count:
        raise PlanError(
            "there is no such matrix",
            path=container.path,
            found=f"--matrix {matrix}",
            expected=f"less than {container.count}",
        )
    return matrix


@contextmanager
def opened_matrix(source: Inputs, label: str, **opening: Any) -> Iterator[Source]:
    """As `opened_source`, kernels loaded."""
    with opened_source(source, label, **opening) as matrix:
        from lplrcli.kernels.loading import load_kernels

        load_kernels()
        yield matrix


@contextmanager
def opened_source(
    source: Inputs,
    label: str,
    *,
    request: UnfoldingRequest,
    threads: int | None,
    memory_limit: int | None,
    progress: bool | None,
    scheduler: str | None = None,
    once: bool = False,
    stored_name: str | None = None,
) -> Iterator[Source]:
    """Yield the matrix in the files, its passes under a progress bar.

    Memory is limited meanwhile. See `lplrcli.io.open_source` for `once`. Where a file holds
    several arrays and none is named, the name stored in a compressed file, `stored_name`, tells
    which.

    Raises
    ------
    InputError
        If a file cannot be read, or holds no matrix, or the files cannot be joined.
    PlanError
        If what is asked of the unfolding does not fit the array.
    ClusterError
        If the cluster is not there, or does not see the files.
    """
    from lplrcli.io import open_source
    from lplrcli.runtime.stages import READ, begin
    from lplrcli.runtime.workspace import limited_memory

    with limited_memory(memory_limit), progress_bar(label, progress) as observe:
        begin(READ)
        opening = partial(
            open_source,
            source.paths,
            layout=source.layout,
            request=request,
            threads=threads,
            observer=observe,
            scheduler=scheduler,
            once=once,
        )
        with _of_dataset(opening, source, stored_name) as matrix:
            if scheduler is not None:
                _silence_dask()
            yield matrix


def _of_dataset(opening: Callable[..., Source], source: Inputs, stored_name: str | None) -> Source:
    """The array that is named, or the only one, or the one that a compressed file came from.

    Raises
    ------
    NotAMatrixError
        If it is none of these.
    """
    try:
        return opening(dataset=source.dataset)
    except NotAMatrixError:
        stored = source.dataset_in(stored_name)
        if source.dataset is not None or stored is None or "-" in source.paths:
            raise
        with suppress(InputError):
            return opening(dataset=stored)
        raise


def _silence_dask() -> None:
    """What goes wrong on a cluster is said once, by the error that it ends in."""
    for name in ("distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
