"""The leading singular directions of A: exactly where that is cheap, by sketching elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.krylov import dense_operand, grown_basis, krylov_projection
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.sketching import sketching_operator
from lplrcli.linalg.tall import gram_of, transposed_image, transposed_product
from lplrcli.runtime.stages import FIND_DIRECTIONS, stage

GRAM_COLUMNS = 1024
"""Columns up to which the d x d Gram matrix costs less than its exactness is worth."""

GRAM_PRODUCTS = 3 * 10**10
"""Multiplications, n d², up to which it costs less than that: a second or two."""

FIRST_BLOCK = 64
"""Columns of the first sketch where the rank is unknown; later blocks double the basis."""


@dataclass(frozen=True)
class LeadingDirections:
    """Approximate leading singular values and left vectors of A.

    Attributes
    ----------
    left : ndarray, shape (r, n)
        (U Σ)ᵀ, in the working precision.
    energies : ndarray of float64, shape (r,)
        Squared singular values, descending.
    found_by : str
        ``gram``, ``sketch`` or ``single-pass``.
    row_basis : ndarray, shape (d, w)
        V, orthonormal columns, w ≥ r.
    projected : ndarray, shape (n, w)
        ``A V``.
    beyond : float or None
        Energy of A outside V, where it is known without a difference of large numbers.
    threads : int
        For products with these arrays; no result depends on it.
    """

    left: NDArray[Any]
    energies: NDArray[np.float64]
    found_by: str
    row_basis: NDArray[Any]
    projected: NDArray[Any]
    beyond: float | None = None
    threads: int = 1

    def left_times(self, left: NDArray[Any]) -> NDArray[Any]:
        """``Lᵀ (A V) Vᵀ`` for `left` = Lᵀ: ``Lᵀ A`` as far as the basis holds the rows of A."""
        within = transposed_product(left.T, self.projected, self.threads)
        product: NDArray[Any] = within.astype(left.dtype) @ self.row_basis.T
        return product


@stage(FIND_DIRECTIONS)
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

    Two passes for the Gram matrix; otherwise one for every power iteration and one for the last
    projection: ``AᵀA S`` costs one pass over A. A basis that holds the results of all products
    (`lplrcli.linalg.krylov`) comes with two of them as close to the best error as one of the last
    product alone with four.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
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
    if columns <= gram_columns(sketch_size):
        row_basis = np.linalg.eigh(passes.gram())[1][:, : -sketch_size - 1 : -1]
        projected = passes.times(dense_operand(passes, row_basis))
        found_by = "gram"
    else:
        operand = sketching_operator(sketch, columns, sketch_size, seed, passes.dtype)
        row_basis, projected = krylov_projection(passes, operand, power_iterations)
        found_by = "sketch"
    energies, rotation = np.linalg.eigh(gram_of(projected, passes.threads))
    kept = slice(None, -rank - 1, -1)
    turned = rotation.T[kept].astype(passes.dtype)
    left = transposed_image(turned, projected, passes.threads)
    energies = _without_rounding_noise(energies[kept], passes)
    row_basis = row_basis.astype(passes.dtype)
    return LeadingDirections(left, energies, found_by, row_basis, projected, threads=passes.threads)


def gram_columns(sketch_size: int) -> int:
    """Columns up to which the Gram matrix is formed in place of a sketch of so many columns."""
    return max(GRAM_COLUMNS, min(4 * sketch_size, 4 * GRAM_COLUMNS))


def gram_is_affordable(shape: tuple[int, int]) -> bool:
    """Whether the exact spectrum of an n x d matrix is worth forming AᵀA."""
    rows, columns = shape
    return columns <= GRAM_COLUMNS or (columns <= 2 * rows and rows * columns**2 <= GRAM_PRODUCTS)


@stage(FIND_DIRECTIONS)
def exact_energies(passes: Passes) -> NDArray[np.float64]:
    """All min(n, d) squared singular values, descending, from the Gram matrix: one pass."""
    values = np.linalg.eigvalsh(passes.gram())[::-1][: min(passes.shape)]
    return _without_rounding_noise(np.maximum(values, 0), passes)


@stage(FIND_DIRECTIONS)
def directions_needed(
    passes: Passes,
    needed: Callable[[NDArray[np.float64], bool], int],
    *,
    sketch: str,
    power_iterations: int,
    seed: int,
    first_block: int = FIRST_BLOCK,
) -> LeadingDirections:
    """Find as many leading directions as `needed` asks for, by growing the basis.

    Where the Gram matrix is affordable they are exact. Elsewhere a randomized block Krylov basis
    grows by blocks, each sketch in the complement of what is found, until fewer directions are
    needed than it holds (the adaptive range finder of Halko, Martinsson and Tropp 2011, Algorithm
    4.2, with the planner's criterion in place of a tolerance), or until another block would leave
    no pass, of those that may be made, to measure the error in.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    needed : callable
        Given the energies found, in descending order, and whether they are all there are:
        how many directions are worth having. More than were given asks for further ones.
    sketch, power_iterations, seed
        As for `leading_directions`.
    first_block : int
        Columns of the first sketch.
    """
    rows, columns = passes.shape
    possible = min(passes.shape)
    if gram_is_affordable(passes.shape):
        values, vectors = np.linalg.eigh(passes.gram())
        energies = np.maximum(values[::-1], 0)[:possible]
        energies = _without_rounding_noise(energies, passes)
        kept = min(max(1, needed(energies, True)), possible)
        row_basis = vectors[:, : -kept - 1 : -1]
        projected = passes.times(dense_operand(passes, row_basis))
        found = singular_directions(passes, row_basis, projected, "gram")
        return replace(found, beyond=float(np.maximum(values[:-kept], 0).sum()))
    width = min(first_block, possible)
    row_basis, projected = np.empty((columns, 0)), np.empty((rows, 0), passes.dtype)
    while True:
        fresh_seed = (seed + row_basis.shape[1]) % 2**64
        operand = sketching_operator(sketch, columns, width, fresh_seed, passes.dtype)
        row_basis, projected = grown_basis(passes, operand, power_iterations, row_basis, projected)
        found = singular_directions(passes, row_basis, projected, "sketch")
        complete = row_basis.shape[1] >= possible or found.energies[-1] == 0.0
        kept = needed(found.energies, complete)
        # The last directions of a Krylov basis are poor: do not rely on them.
        enough = complete or kept <= 0.8 * len(found.energies)
        if enough or not passes.allows(power_iterations + 2):
            return found
        width = min(row_basis.shape[1], possible - row_basis.shape[1])


def singular_directions(
    passes: Passes, row_basis: NDArray[Any], projected: NDArray[Any], found_by: str
) -> LeadingDirections:
    """Singular directions of A V, given V and A V."""
    energies, rotation = np.linalg.eigh(gram_of(projected, passes.threads))
    turned = rotation.T[::-1].astype(passes.dtype)
    left = transposed_image(turned, projected, passes.threads)
    energies = _without_rounding_noise(energies[::-1], passes)
    row_basis = row_basis.astype(passes.dtype)
    return LeadingDirections(left, energies, found_by, row_basis, projected, threads=passes.threads)


def _without_rounding_noise(energies: NDArray[np.float64], passes: Passes) -> NDArray[np.float64]:
    """Zero for what neither the products nor the eigenvalues can tell from it."""
    # Products of low rank, known to the last digit, leave 0.03 eps² of the norm's square.
    noise = 4 * float(np.finfo(passes.dtype).eps) ** 2
    floor = max(noise, len(energies) * float(np.finfo(np.float64).eps)) * energies.sum()
    return np.where(energies > floor, energies, 0.0)
