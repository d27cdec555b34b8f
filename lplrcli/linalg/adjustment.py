"""What is done to a block of rows before it is multiplied: conversion, scale, means.

Every product with A goes through `adjusted`: whatever else is to be done to the entries of A before
all of them belongs here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import dense_rows, scaled, stored_entries
from lplrcli.model.source import CsrRows, RowBlock

T = TypeVar("T")


@dataclass(frozen=True)
class Means:
    """Numbers subtracted from the entries of A, at the scale of the passes.

    Attributes
    ----------
    row : ndarray of shape (d,) or None
        Subtracted from every row.
    column : ndarray of shape (n,) or None
        Subtracted from every column.
    """

    row: NDArray[Any] | None
    column: NDArray[Any] | None


@dataclass(frozen=True)
class Adjustment:
    """Turns rows of A (n x d) into rows of ``A / 2**exponent`` less the means.

    Attributes
    ----------
    dtype : numpy.dtype
        Working precision, float32 or float64.
    exponent : int
        Entries are divided by ``2**exponent``, exactly.
    means : Means or None
        Subtracted from the entries divided; sparse rows become dense then.

    Examples
    --------
    >>> import numpy as np
    >>> from lplrcli.model.source import RowBlock
    >>> adjustment = Adjustment(np.dtype(np.float32), 1, Means(np.float32([1, 2]), None))
    >>> adjustment.of(RowBlock(0, np.array([[4, 4], [8, 8]]))).values
    array([[1., 0.],
           [3., 2.]], dtype=float32)
    """

    dtype: np.dtype[Any]
    exponent: int = 0
    means: Means | None = None

    def of(self, block: RowBlock) -> RowBlock:
        """Adjust a block of rows as stored; the block itself is not changed."""
        values = block.values
        if isinstance(values, CsrRows):
            data = self._scaled(values.data)
            values = CsrRows(values.shape, values.indptr, values.indices, data)
        else:
            values = self._scaled(values)
        if self.means is not None:
            values = _less_means(values, self.means, block.start)
        return replace(block, values=values)

    def _scaled(self, entries: NDArray[Any]) -> NDArray[Any]:
        return scaled(entries.astype(self.dtype, copy=False), -self.exponent)


def adjusted(block: RowBlock, task: Callable[[RowBlock], T], adjustment: Adjustment) -> T:
    """Run `task` on the adjusted block."""
    return task(adjustment.of(block))


def _less_means(values: NDArray[Any] | CsrRows, means: Means, start: int) -> NDArray[Any]:
    """Subtract the means from rows that begin with row `start` of A."""
    rows = dense_rows(values, stored_entries(values).dtype)
    if means.row is not None:
        rows = rows - means.row
    if means.column is not None:
        rows = rows - means.column[start : start + len(rows), None]
    return rows
