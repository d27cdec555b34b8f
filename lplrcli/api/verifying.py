"""Whether an ``.lplr`` file is whole."""

from __future__ import annotations

import os

from lplrcli.io.files.seekable import open_seekable
from lplrcli.pipeline.integrity.verify import Verification
from lplrcli.pipeline.integrity.verify import verify as verify_file
from lplrcli.runtime.parallel import usable_cpus
from lplrcli.runtime.workspace import limited_memory


def verify(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    memory_limit: int | None = None,
) -> Verification:
    """Check all of an ``.lplr`` file: checksums, structure, metadata, and every chunk decoded.

    A damaged file is no error here: what is wrong is in the result.

    Parameters
    ----------
    path : str or path
        The file, of whatever content.
    threads : int, optional
        All usable processors by default.
    memory_limit : int, optional
        Bytes of memory to use at most; by default three quarters of what is free.

    Returns
    -------
    Verification
        ``ok``, what was checked, and ``damage``, a `ContainerError` for each fault.

    Raises
    ------
    InputError
        If the file cannot be read.
    MemoryLimitError
        If less memory is allowed than its chunks need.

    Examples
    --------
    >>> import numpy as np
    >>> import lplrcli
    >>> lplrcli.compress(np.ones((100, 50), np.float32), rank=1, bits=2).save("a.lplr")
    >>> lplrcli.verify("a.lplr").ok
    True
    """
    file, name, _ = open_seekable(os.fsdecode(path))
    with file, limited_memory(memory_limit):
        return verify_file(file, name, threads or usable_cpus())
