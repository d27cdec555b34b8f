"""The leading singular directions of A: exactly where that is cheap, by sketching elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import Dense, RightOperand
from lplrcli.linalg.orthonormalization import orthonormal_basis
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.sketching import sketching_operator

GRAM_COLUMNS = 1024
"""Up to here the d x d Gram matrix costs less than its exactness is worth."""


@dataclass(frozen=True)
class LeadingDirections:
    """Approximate leading singular values and left vectors of A.

    Attributes
    ----------
    left : ndarray, shape (r, n)
        (U Σ)ᵀ, in the working precision.
    energies : ndarray of float64, shape (r,)
        Squared singular values, descending.
    basis : str
        ``gram`` or ``sketch``.
    """

    left: NDArray[Any]
    energies: NDArray[np.float64]
    basis: str


def leading_directions(
    passes: Passes,
    rank: int,
    *,
    sketch: str,
    sketch_size: int,
    power_iterations: int,
    seed: int,
) -> LeadingDirections:
    """Find the range of Aᵀ, then project A onto it.

    Two passes for the Gram matrix; otherwise one for every power iteration and one to project.
    Randomized block Krylov iteration (Musco and Musco 2015, Algorithm 2, applied to Aᵀ): the
    basis holds the results of all products, not of the last alone, and with two products comes
    as close to the best error as four without. ``AᵀA S`` costs one pass over A.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d), scanned.
    rank : int
        Directions wanted, at most min(n, d).
    sketch, seed
        See `lplrcli.linalg.sketching.sketching_operator`.
    sketch_size : int
        Columns of the sketch, from `rank` to min(n, d).
    power_iterations : int
        Products with AᵀA, at least 1, orthonormalised after each.
    """
    columns = passes.shape[1]
    possible = min(passes.shape)
    if columns <= max(GRAM_COLUMNS, min(4 * sketch_size, 4 * GRAM_COLUMNS)):
        row_basis = np.linalg.eigh(passes.gram())[1][:, : -sketch_size - 1 : -1]
        found = "gram"
    else:
        operand = sketching_operator(sketch, columns, sketch_size, seed, passes.dtype)
        iterates = list(power_iterates(passes, operand, power_iterations))
        row_basis = orthonormal_basis(np.concatenate(iterates, axis=1)[:, :columns])[:, :possible]
        found = "sketch"
    projected = passes.times(Dense(np.ascontiguousarray(row_basis, passes.dtype)))
    energies, rotation = np.linalg.eigh(gram_of(projected))
    kept = slice(None, -rank - 1, -1)
    left = rotation.T[kept].astype(passes.dtype) @ projected.T
    return LeadingDirections(left, _without_rounding_noise(energies[kept], passes), found)


def _without_rounding_noise(energies: NDArray[np.float64], passes: Passes) -> NDArray[np.float64]:
    """Zero for what neither the products nor the eigenvalues can tell from it."""
    noise = np.finfo(passes.dtype).eps ** 2 * max(passes.shape)
    floor = max(float(noise), len(energies) * np.finfo(np.float64).eps) * energies[0]
    return np.where(energies > floor, energies, 0.0)


def power_iterates(
    passes: Passes, operand: RightOperand, count: int
) -> Iterator[NDArray[np.float64]]:
    """Orthonormal bases of ``AᵀA S``, ``(AᵀA)² S``, ... up to power `count`.

    Orthonormalised after every product: without that the columns all turn towards the first
    singular vector, and the error grows.
    """
    for _ in range(count):
        basis = orthonormal_basis(passes.normal_times(operand))
        operand = Dense(np.ascontiguousarray(basis, passes.dtype))
        yield basis


def gram_of(y: NDArray[Any]) -> NDArray[np.float64]:
    """``YᵀY`` in float64, by blocks of rows."""
    out = np.zeros((y.shape[1], y.shape[1]))
    for start in range(0, len(y), 4096):
        block = y[start : start + 4096].astype(np.float64)
        out += block.T @ block
    return out
