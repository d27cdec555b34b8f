"""Parts of a residual: of blocks of rows, for coding, and of samples, for trying steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import dense_rows, stored_entries
from lplrcli.model.source import RowBlock

_PIECES, _PIECE_ROWS = 4, 64
"""Pieces of each part of the sample, and their rows, on which a step is tried."""


def in_row_order(columns: NDArray[Any]) -> NDArray[Any]:
    """Rows one after another, shape (1, entries), of columns of shape (d, rows)."""
    return np.ascontiguousarray(columns.T).reshape(1, -1)


def residual_of(block: RowBlock, right: NDArray[Any] | None) -> NDArray[Any]:
    """Columns of the residual of a block of rows, shape (d, rows); Lᵀ lies beside them."""
    values = dense_rows(block.values, stored_entries(block.values).dtype)
    if right is None or block.beside is None:
        return np.ascontiguousarray(values.T)
    return np.ascontiguousarray(values.T - right.T @ block.beside)


def pieces_of(part: NDArray[Any]) -> list[NDArray[Any]]:
    """Some runs of rows from all over a part of the sample, or all of it."""
    columns, rows = part.shape
    count = min(max(_PIECES, 2**18 // (_PIECE_ROWS * columns)), rows // _PIECE_ROWS)
    if count == 0 or count * _PIECE_ROWS * 2 > rows:
        return [part]
    starts = np.linspace(0, rows - _PIECE_ROWS, count).astype(int)
    return [np.ascontiguousarray(part[:, start : start + _PIECE_ROWS]) for start in starts]


def first_rows(
    block: RowBlock, right: NDArray[Any] | None, height: int, every: int
) -> NDArray[Any] | None:
    """The first rows of the blocks in which a multiple of `every` lies."""
    rows = block.values.shape[0]
    if -block.start % every >= rows:
        return None
    return np.ascontiguousarray(residual_of(block, right)[:, :height])
