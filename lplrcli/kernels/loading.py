"""Loading of the kernels before they are needed."""

from __future__ import annotations


def load_kernels() -> None:
    """Import Numba and load machine code, compiling it the first time."""
    import numpy as np

    from lplrcli.kernels.statistics import sum_of_squares

    sum_of_squares(np.zeros(1, np.float32))
