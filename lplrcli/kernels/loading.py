"""Loading of the kernels before they are needed, and whether that will take long."""

from __future__ import annotations


def compiled_before() -> bool:
    """Whether machine code of the kernels is in the cache, in the package or the user's folder."""
    from lplrcli.kernels.cache import folder_of
    from lplrcli.kernels.statistics import sum_of_squares

    folder = folder_of(sum_of_squares)
    return folder is not None and any(folder.glob("statistics.sum_of_squares*.nbi"))


def load_kernels() -> None:
    """Import Numba and load machine code, compiling it the first time."""
    import numpy as np

    from lplrcli.kernels.statistics import sum_of_squares

    sum_of_squares(np.zeros(1, np.float32))
