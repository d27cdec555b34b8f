"""Sparse matrices of any make, as handles of canonical CSR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.io.handles.base import CsrHandle
from lplrcli.model.source import Unfolding, working_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

# A row pointer is kept per row. Beyond this size of a side the entries must bear it out, or a
# file of three lines could ask for any amount of memory.
_FREE_SIDE = 1 << 22
_SIDE_PER_ENTRY = 100


def bears_out(shape: Sequence[int], entries: int) -> bool:
    """Whether a matrix of so many stored entries may have such sides."""
    return max(shape) <= max(_FREE_SIDE, _SIDE_PER_ENTRY * entries)


def csr_handle(matrix: Any, unfolding: Unfolding, dtype: np.dtype[Any]) -> CsrHandle:
    """Handle of a matrix: entries of a row sorted, duplicates summed.

    Parameters
    ----------
    matrix : scipy.sparse array or matrix
        In any format; not changed.
    unfolding : Unfolding
    dtype : numpy.dtype
        Type of the entries as stored.
    """
    working = working_dtype(dtype)
    if matrix.format != "csr":
        # Converted first: sums of duplicates must not wrap around.
        matrix = matrix.astype(working, copy=False).tocsr()
    if not matrix.has_canonical_format:
        matrix = matrix.astype(working, copy=True)
        matrix.sum_duplicates()
    return CsrHandle(matrix, unfolding, dtype)
