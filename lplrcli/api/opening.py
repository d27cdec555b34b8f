"""Files of the public interface: of what is compressed, and ``.lplr`` files."""

from __future__ import annotations

import os
from typing import Any

from lplrcli.api.matrix import CACHE_BYTES, CompressedMatrix
from lplrcli.container.reader import Container, open_container
from lplrcli.io.files.seekable import open_seekable


def open(  # noqa: A001
    path: str | os.PathLike[str], matrix: int = 0, *, cache_bytes: int = CACHE_BYTES
) -> CompressedMatrix:
    """Open an ``.lplr`` file; factors are read when first needed.

    Parameters
    ----------
    path : str or path
        The file.
    matrix : int
        Which matrix, of a file that holds several.
    cache_bytes : int
        Most bytes of what is decoded and kept for later products and slices: 512 MiB by default.

    Raises
    ------
    InputError
        If there is no such file.
    ContainerError
        If it is not an ``.lplr`` file, or is damaged.
    """
    container = opened(os.fsdecode(path))
    try:
        return CompressedMatrix(container.factorization(matrix), container, cache_bytes)
    except BaseException:
        container.close()
        raise


def opened(path: str) -> Container:
    """The container in a file; see `open` for what is raised."""
    file, name, _ = open_seekable(path)
    try:
        return open_container(file, name)
    except BaseException:
        file.close()
        raise


def paths_of(matrix: Any) -> list[str] | None:
    """Names of the files, None where it is no file."""
    if isinstance(matrix, (str, bytes, os.PathLike)):
        return [os.fsdecode(matrix)]
    if not isinstance(matrix, (list, tuple)) or not matrix:
        return None
    if not all(isinstance(one, (str, bytes, os.PathLike)) for one in matrix):
        return None
    return [os.fsdecode(one) for one in matrix]
