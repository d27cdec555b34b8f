"""Orthonormal bases of Krylov spaces of AᵀA, and their images under A.

Randomized block Krylov iteration (Musco and Musco 2015, Algorithm 2, applied to Aᵀ): a basis holds
the results of all products with AᵀA, not of the last alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import Dense, RightOperand
from lplrcli.linalg.orthonormalization import orthonormal_basis
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.tall import side_by_side
from lplrcli.runtime.workspace import workspace


def grown_basis(
    passes: Passes,
    operand: RightOperand,
    count: int,
    basis: NDArray[np.float64],
    projected: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Add `count` Krylov blocks, made from `operand`, to a basis.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    operand : RightOperand
        S, of shape (d, l).
    count : int
        Products with AᵀA.
    basis : ndarray of float64, shape (d, w)
        Orthonormal columns.
    projected : ndarray, shape (n, w)
        Its image under A.

    Returns
    -------
    basis, projected : ndarray
        The basis with all blocks, its columns orthonormal, and its image under A.
    """
    possible = min(passes.shape)
    images = [projected]
    image: NDArray[Any] | None = None
    for _ in range(count):
        fresh = _complement(passes.normal_times(operand, image), basis, passes.threads)
        fresh = fresh[:, : possible - basis.shape[1]]
        if fresh.shape[1] == 0:
            break
        if image is not None:
            images.append(image)
        basis = np.concatenate([basis, fresh], axis=1)
        operand = dense_operand(passes, fresh)
        image = workspace().empty((passes.shape[0], fresh.shape[1]), passes.dtype)
    else:
        images.append(passes.times(operand, image))
        return basis, side_by_side(images)
    if image is not None:
        images.append(image)
    return basis, side_by_side(images)


def krylov_projection(
    passes: Passes, operand: RightOperand, count: int
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """V and ``A V``, V an orthonormal basis of the ranges of ``AᵀA S``, ..., ``(AᵀA)**count S``.

    V is made block by block, each orthogonal to those before it; a product with AᵀA gives ``A V``
    of its block on the way, so that only the last block needs a pass of its own.
    """
    rows, columns = passes.shape
    possible = min(rows, columns)
    basis = np.empty((columns, 0))
    width = min(count * operand.columns, possible)
    projected = workspace().empty((rows, width), passes.dtype)
    for k in range(count):
        done = basis.shape[1]
        # The image of the sketch itself is of no use; from the second product on it is.
        image = projected[:, done - operand.columns : done] if k else None
        fresh = _complement(passes.normal_times(operand, image), basis, passes.threads)
        fresh = fresh[:, : possible - done]
        if fresh.shape[1] == 0:
            return basis, projected
        basis = np.concatenate([basis, fresh], axis=1)
        operand = dense_operand(passes, fresh)
    passes.times(operand, projected[:, basis.shape[1] - operand.columns : basis.shape[1]])
    return basis, projected


def _complement(
    y: NDArray[np.float64], basis: NDArray[np.float64], threads: int
) -> NDArray[np.float64]:
    """Orthonormal basis of what Y, which is overwritten, adds to the span of `basis`.

    Projected twice, normalised in between: what is left of a column that lay in the span is
    rounding error, which once normalised may point anywhere.
    """
    if basis.shape[1] == 0:
        return orthonormal_basis(y, threads)
    y -= basis @ (basis.T @ y)
    y = orthonormal_basis(y, threads)
    y -= basis @ (basis.T @ y)
    return orthonormal_basis(y, threads)


def dense_operand(passes: Passes, matrix: NDArray[Any]) -> Dense:
    """`matrix` as a right operand, in the working precision."""
    return Dense(np.ascontiguousarray(matrix, passes.dtype))


def power_iterate(passes: Passes, operand: RightOperand, count: int) -> RightOperand:
    """Orthonormal basis of ``(AᵀA)**count S``; `operand` itself for a count of 0.

    Orthonormalised after every product: without that the columns all turn towards the first
    singular vector, and the error grows.
    """
    for _ in range(count):
        operand = dense_operand(
            passes, orthonormal_basis(passes.normal_times(operand), passes.threads)
        )
    return operand
