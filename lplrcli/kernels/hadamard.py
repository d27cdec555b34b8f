"""The fast Walsh-Hadamard transform (Fino and Algazi 1976)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel


@kernel
def hadamard_rows(rows: NDArray[Any]) -> None:
    """Replace each row x by H x, where H is the Hadamard matrix of entries ±1.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (m, p)
        C-contiguous, p a power of two; overwritten.
    """
    count, width = rows.shape
    for i in range(count):
        row = rows[i]
        half = 1
        while half < width:
            for start in range(0, width, 2 * half):
                for j in range(start, start + half):
                    upper = row[j]
                    lower = row[j + half]
                    row[j] = upper + lower
                    row[j + half] = upper - lower
            half *= 2
