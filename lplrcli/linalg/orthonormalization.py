"""Orthonormal bases of tall, skinny matrices."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.runtime.parallel import ordered_map

_HEIGHT = 8
"""Rows of a block, in units of the columns: LAPACK's QR is at its best on blocks that fit the
cache, and five times slower on the whole."""

_FEW, _LEAST_HEIGHT = 8, 2048
"""Columns up to which blocks have that many rows: smaller ones would be calls and little else."""


def orthonormal_basis(y: NDArray[Any], threads: int = 1) -> NDArray[np.float64]:
    """Orthonormal basis of the range of Y, by tall-skinny QR.

    Demmel, Grigori, Hoemmen and Langou 2012: QR of row blocks, then of their stacked triangles.
    Householder reflections throughout, so directions of very different size all survive, which
    the cheaper Cholesky QR would lose.

    Parameters
    ----------
    y : ndarray, shape (m, l)
        m ≥ l.
    threads : int
        Blocks are worked on in parallel; the result does not depend on it.

    Returns
    -------
    ndarray of float64, shape (m, l)
        Orthonormal columns, the first k spanning the first k columns of `y`.
    """
    columns = y.shape[1]
    height = _HEIGHT * columns if columns > _FEW else _LEAST_HEIGHT
    if len(y) <= 2 * height:
        return np.linalg.qr(y.astype(np.float64))[0]
    # The last block takes the rows left over: none has fewer rows than columns.
    bounds = list(range(0, len(y) - height + 1, height))
    slices = [slice(*ends) for ends in pairwise([*bounds, len(y)])]
    out = np.empty(y.shape)
    triangles = list(ordered_map(partial(_triangle, y, out), slices, threads))
    combined = orthonormal_basis(np.concatenate(triangles), threads)
    parts = zip(slices, np.split(combined, len(slices)), strict=True)
    for _ in ordered_map(partial(_turn, out), parts, threads):
        pass
    return out


def _triangle(y: NDArray[Any], out: NDArray[np.float64], rows: slice) -> NDArray[np.float64]:
    out[rows], triangle = np.linalg.qr(y[rows].astype(np.float64))
    return triangle


def _turn(out: NDArray[np.float64], part: tuple[slice, NDArray[np.float64]]) -> None:
    rows, turn = part
    out[rows] = out[rows] @ turn
