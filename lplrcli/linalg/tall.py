"""Arrays as long as A, which may lie in a scratch file: worked on a few rows at a time.

The results do not depend on where an array lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.workspace import workspace

_BLOCK_ROWS = 4096


def row_blocks(rows: int) -> Iterator[slice]:
    """Ranges of a few thousand rows, in order."""
    for start in range(0, rows, _BLOCK_ROWS):
        yield slice(start, min(start + _BLOCK_ROWS, rows))


def gram_of(y: NDArray[Any]) -> NDArray[np.float64]:
    """``YᵀY`` in float64, for Y of shape (n, k)."""
    out = np.zeros((y.shape[1], y.shape[1]))
    for rows in row_blocks(len(y)):
        block = y[rows].astype(np.float64)
        out += block.T @ block
    return out


def energy_of(y: NDArray[Any]) -> float:
    """``‖Y‖²`` in float64."""
    return float(sum(np.square(y[rows], dtype=np.float64).sum() for rows in row_blocks(len(y))))


def mean_squares(components: NDArray[Any]) -> NDArray[np.float64]:
    """Mean square of each component, for an array of shape (components, length)."""
    return np.array([np.square(row, dtype=np.float64).mean() for row in components])


def rotated(y: NDArray[Any], rotation: NDArray[Any]) -> NDArray[Any]:
    """``(Y W)ᵀ`` for Y of shape (n, k) and W of shape (k, r): shape (r, n), the type of W."""
    out = workspace().empty((rotation.shape[1], len(y)), rotation.dtype)
    for rows in row_blocks(len(y)):
        out[:, rows] = rotation.T @ y[rows].T
    return out


def side_by_side(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The columns of several arrays of equal length and type, as one array."""
    if len(parts) == 1:
        return parts[0]
    columns = np.cumsum([0, *(part.shape[1] for part in parts)])
    out = workspace().empty((len(parts[0]), int(columns[-1])), parts[0].dtype)
    for part, start, stop in zip(parts, columns, columns[1:], strict=False):
        for rows in row_blocks(len(part)):
            out[rows, start:stop] = part[rows]
    return out


def transposed(y: NDArray[Any]) -> NDArray[Any]:
    """``Yᵀ`` in row order."""
    out = workspace().empty((y.shape[1], len(y)), y.dtype)
    for rows in row_blocks(len(y)):
        out[:, rows] = y[rows].T
    return out


def chosen(components: NDArray[Any], which: Any) -> NDArray[Any]:
    """Components of an array of shape (components, length) that a mask says."""
    places = np.flatnonzero(which)
    out = workspace().empty((len(places), components.shape[1]), components.dtype)
    return np.take(components, places, axis=0, out=out)
