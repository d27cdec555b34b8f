"""Loading of the kernels in a process that does nothing else, such as that of the command line.

Numba is a compiler: once loaded, it is as large as everything else that compressing a matrix
needs. Two measures keep the process small and its start short. Neither belongs in a library,
whose host process may use Numba and SciPy for other things.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAPS = Path("/proc/self/maps")


def load_kernels() -> None:
    """Import Numba and load machine code, compiling it the first time."""
    import numpy as np

    with _without_scipy():
        from lplrcli.kernels.statistics import sum_of_squares

        sum_of_squares(np.zeros(1, np.float32))
    _release_compiler_pages()


@contextmanager
def _without_scipy() -> Iterator[None]:
    """Hide SciPy from Numba, unless it is loaded already.

    Numba looks for a BLAS there when its first function is loaded, for kernels that call one.
    Ours do not, and the import would cost 0.15 s and 13 MB.
    """
    if "scipy" in sys.modules:
        yield
        return
    sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["scipy"]


def _release_compiler_pages() -> None:
    """Give back the pages of LLVM's code, 50 MB that stay resident after it has run once.

    They are unmodified pages of a file: if a further kernel is compiled, they are read again.
    """
    if not (_MAPS.exists() and hasattr(mmap, "MADV_DONTNEED")):
        return
    libc = ctypes.CDLL(None)
    for line in _MAPS.read_text().splitlines():
        bounds, permissions, *_, path = line.split(maxsplit=5)
        # Executable and not writable: nothing in it can have been changed.
        if "libllvmlite" in path and permissions == "r-xp":
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)
