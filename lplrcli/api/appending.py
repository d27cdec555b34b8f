"""New rows after those of a file."""

from __future__ import annotations

import os
from typing import Any

from lplrcli.api.arguments import real, whole
from lplrcli.api.opening import opened, paths_of
from lplrcli.container.rewriter import check_rewritable, rewrite_container
from lplrcli.io import AtomicOutput, open_array, open_source
from lplrcli.io.files.unchanged import Unchanged
from lplrcli.model.report import AppendReport
from lplrcli.pipeline.append.append import append as append_rows
from lplrcli.runtime.workspace import limited_memory


def append(
    path: str | os.PathLike[str],
    rows: Any,
    *,
    output: str | os.PathLike[str] | None = None,
    matrix: int = 0,
    rel_error: float | None = None,
    dataset: str | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
) -> AppendReport:
    """Append rows to the matrix in an ``.lplr`` file, or slabs to the array along its first axis.

    They are projected on the right factor of the file and coded as its rows were; what those
    decode to does not change. The file is replaced at once, when everything has been written and
    measured; whatever goes wrong, it is as it was.

    Parameters
    ----------
    path : str or path
        The ``.lplr`` file.
    rows : str, path, list of them, or array
        As `compress` takes them, of the type and width of the matrix.
    output : str or path, optional
        Another file to write; an existing one is replaced.
    matrix : int
        Which matrix, of a file that holds several.
    rel_error : float, optional
        Largest relative Frobenius error of the new rows. By default 1.1 times what was asked of
        the file, or, where no error was, 1.1 times the one it has. If the error of all rows then
        exceeds what was asked, the file asks for that.
    dataset : str, optional
        Which array of a file `rows` that may hold several.
    threads : int, optional
        All usable processors by default; the result does not depend on it.
    memory_limit : int, optional
        As for `compress`.

    Returns
    -------
    AppendReport
        The error of the new rows, and of all.

    Raises
    ------
    InputError
        If the rows cannot be read, hold NaN or infinity, or are of another shape or type.
    PlanError
        If the file is one that no rows can follow: its left factor is transformed, above all.
    TargetUnreachableError
        If the rows do not fit the right factor and the precision of the file.
    ContainerError
        If it is not an ``.lplr`` file, or is damaged.
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import lplrcli
    >>> lplrcli.compress(np.ones((100, 50), np.float32), rank=1, bits=2).save("a.lplr")
    >>> lplrcli.append("a.lplr", np.ones((3, 50), np.float32)).rows
    3
    """
    rel_error, matrix = real("rel_error", rel_error), whole("matrix", matrix) or 0
    threads, memory_limit = whole("threads", threads), whole("memory_limit", memory_limit)
    name = os.fsdecode(path)
    target = name if output is None else os.fsdecode(output)
    unchanged = Unchanged(target)
    inputs = paths_of(rows)
    source = (
        open_array(rows, threads=threads)
        if inputs is None
        else open_source(inputs, dataset=dataset, threads=threads)
    )
    inputs = inputs or []
    if output is not None:
        inputs.append(name)
    with (
        limited_memory(memory_limit),
        source,
        opened(name) as container,
        AtomicOutput(target, force=True, inputs=inputs, unchanged=unchanged) as stream,
    ):
        check_rewritable(container)
        factorization = container.factorization(matrix)
        done = append_rows(
            source, factorization, rel_error=rel_error, threads=threads, path=container.path
        )
        written = rewrite_container(stream, container, matrix, done.factorization)
    return AppendReport(done.rows, done.added, done.limit, done.factorization.report, written)
