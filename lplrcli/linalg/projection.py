"""Least squares against a factor that is already fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.tall import gram_of


def least_squares(left: NDArray[Any], product: NDArray[Any]) -> NDArray[Any]:
    """``argmin_W ‖L W − A‖_F``: line 5 of Algorithm 1 of LPLR, given ``Lᵀ A``.

    Normal equations in float64, with the columns of L scaled to unit length and directions
    below the rounding error of that dropped, so that dependent columns do no harm.

    Parameters
    ----------
    left : ndarray, shape (r, n)
        Lᵀ.
    product : ndarray, shape (r, d)
        ``Lᵀ A``.

    Returns
    -------
    ndarray, shape (r, d)
        W, in the precision of `left`.
    """
    gram = gram_of(left.T)
    lengths = np.sqrt(np.diag(gram))
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    values, vectors = np.linalg.eigh(gram * inverse * inverse[:, None])
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    vectors = vectors[:, kept] / np.sqrt(values[kept])
    rhs = product * inverse[:, None]
    solution: NDArray[np.float64] = vectors @ (vectors.T @ rhs) * inverse[:, None]
    return solution.astype(left.dtype)
