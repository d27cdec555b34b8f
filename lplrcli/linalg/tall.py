"""Arrays as long as A, which may lie in a scratch file: worked on piece by piece.

Pieces are cut by the shape alone and their sums added in their order: no result depends on the
number of threads, nor on where an array lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import scaled
from lplrcli.model.source import CsrRows
from lplrcli.runtime.parallel import ordered_map
from lplrcli.runtime.workspace import workspace

_CONVERTED_ROWS, _PIECE_ROWS = 4096, 2**16
"""Rows converted to float64 at a time, and rows of a piece."""

_SPARSE_PIECES = 256
"""Pieces of a sparse array, about equal in entries: one may have a few very long rows."""


def row_blocks(rows: int) -> Iterator[slice]:
    """Ranges of a few thousand rows, in order."""
    for start in range(0, rows, _CONVERTED_ROWS):
        yield slice(start, min(start + _CONVERTED_ROWS, rows))


def gram_of(y: NDArray[Any], threads: int = 1) -> NDArray[np.float64]:
    """``YᵀY`` in float64, by blocks of rows.

    Parameters
    ----------
    y : ndarray, shape (m, l)
        Any layout in memory.
    threads : int
        The result does not depend on it.
    """
    out = np.zeros((y.shape[1], y.shape[1]))
    for part in ordered_map(partial(_gram_of_piece, y), range(0, len(y), _PIECE_ROWS), threads):
        out += part
    return out


def _gram_of_piece(y: NDArray[Any], start: int) -> NDArray[np.float64]:
    out = np.zeros((y.shape[1], y.shape[1]))
    for first in range(start, min(start + _PIECE_ROWS, len(y)), _CONVERTED_ROWS):
        block = y[first : first + _CONVERTED_ROWS].astype(np.float64)
        out += block.T @ block
    return out


def transposed_image(x: NDArray[Any], y: NDArray[Any], threads: int = 1) -> NDArray[Any]:
    """``X Yᵀ``, shape (k, m), for small X.

    Parameters
    ----------
    x : ndarray, shape (k, l)
        In the precision of `y`.
    y : ndarray, shape (m, l)
        Tall.
    threads : int
        The result does not depend on it.
    """
    out = workspace().empty((len(x), len(y)), y.dtype)

    def piece(start: int) -> None:
        np.matmul(x, y[start : start + _PIECE_ROWS].T, out=out[:, start : start + _PIECE_ROWS])

    for _ in ordered_map(piece, range(0, len(y), _PIECE_ROWS), threads):
        pass
    return out


def transposed_product(x: NDArray[Any], y: NDArray[Any], threads: int = 1) -> NDArray[np.float64]:
    """``Xᵀ Y``, shape (k, l), summed over pieces in float64.

    Parameters
    ----------
    x, y : ndarray, shapes (m, k) and (m, l)
        Both tall.
    threads : int
        The result does not depend on it.
    """
    out = np.zeros((x.shape[1], y.shape[1]))

    def piece(start: int) -> NDArray[Any]:
        product: NDArray[Any] = x[start : start + _PIECE_ROWS].T @ y[start : start + _PIECE_ROWS]
        return product

    for part in ordered_map(piece, range(0, len(y), _PIECE_ROWS), threads):
        out += part
    return out


def energy_of(y: NDArray[Any]) -> float:
    """``‖Y‖²`` in float64."""
    return float(sum(np.square(y[rows], dtype=np.float64).sum() for rows in row_blocks(len(y))))


def mean_squares(components: NDArray[Any]) -> NDArray[np.float64]:
    """Mean square of each component, for an array of shape (components, length)."""
    return np.array([np.square(row, dtype=np.float64).mean() for row in components])


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
    # Any other mode makes a copy of the result first.
    return np.take(components, places, axis=0, out=out, mode="clip")


def rows_times(
    rows: CsrRows, y: NDArray[Any], exponent: int = 0, threads: int = 1
) -> NDArray[np.float64]:
    """``2**exponent * B Y`` for all rows of a sparse matrix B (d x n), shape (d, k).

    Sums of up to `lplrcli.kernels.sparse.RUN` entries are in the precision of `y`, those of longer
    rows in float64.

    Parameters
    ----------
    rows : CsrRows
        B, entries of any type.
    y : ndarray, shape (n, k)
        In the working precision.
    exponent : int
        Applied to the entries before anything is multiplied.
    threads : int
        The result does not depend on it.
    """
    out = np.zeros((rows.shape[0], y.shape[1]))
    # So many entries, or rows of none, at a time.
    load = rows.indptr + np.arange(len(rows.indptr))
    bounds = np.searchsorted(load, np.linspace(0, load[-1], _SPARSE_PIECES + 1))
    bounds[-1] = rows.shape[0]
    pieces = [(int(low), int(high)) for low, high in pairwise(bounds) if low < high]
    for _ in ordered_map(partial(_some_rows_times, rows, y, exponent, out), pieces, threads):
        pass
    return out


def _some_rows_times(
    rows: CsrRows,
    y: NDArray[Any],
    exponent: int,
    out: NDArray[np.float64],
    bounds: tuple[int, int],
) -> None:
    from lplrcli.kernels.sparse import csr_times_dense

    part = rows.rows(*bounds)
    data = scaled(part.data.astype(y.dtype, copy=False), exponent)
    csr_times_dense(part.indptr, part.indices, data, y, out[slice(*bounds)])
