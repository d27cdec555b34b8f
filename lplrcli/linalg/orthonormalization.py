"""Orthonormal bases of tall, skinny matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEIGHT = 8
"""Rows of a block, in units of the columns: LAPACK's QR is at its best on blocks that fit the
cache, and five times slower on the whole."""


def orthonormal_basis(y: NDArray[Any]) -> NDArray[np.float64]:
    """Orthonormal basis of the range of Y, by tall-skinny QR.

    Demmel, Grigori, Hoemmen and Langou 2012: QR of row blocks, then of their stacked triangles.
    Householder reflections throughout, so directions of very different size all survive, which
    the cheaper Cholesky QR would lose.

    Parameters
    ----------
    y : ndarray, shape (m, l)
        m ≥ l.

    Returns
    -------
    ndarray of float64, shape (m, l)
        Orthonormal columns, the first k spanning the first k columns of `y`.
    """
    columns = y.shape[1]
    height = max(_HEIGHT * columns, 1)
    if len(y) <= 2 * height:
        return np.linalg.qr(y.astype(np.float64))[0]
    # The last block takes the rows left over: none has fewer rows than columns.
    bounds = list(range(0, len(y) - height + 1, height))
    blocks = [
        np.linalg.qr(y[start:stop].astype(np.float64))
        for start, stop in zip(bounds, [*bounds[1:], len(y)], strict=True)
    ]
    combined = orthonormal_basis(np.concatenate([triangle for _, triangle in blocks]))
    parts = np.split(combined, len(blocks))
    return np.concatenate([block @ part for (block, _), part in zip(blocks, parts, strict=True)])
