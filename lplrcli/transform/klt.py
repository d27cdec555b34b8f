"""Karhunen-Loève transform over the axes of the grid, for fields that resemble one another.

Its basis along an axis is the eigenvectors of the second moments of all components, as in a
truncated Tucker decomposition (De Lathauwer, De Moor and Vandewalle 2000, section 3). They depend
on the data, so a file holds them, rounded; a reader makes them orthonormal again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import basis_stride

Bases = tuple[NDArray[np.float64], ...]
"""Orthonormal vectors of every axis, as columns, the strongest first."""

DEPENDENT = 2.0**-10
"""Least part of a stored vector that must be orthogonal to those before it; one with less ends the
basis of its axis."""

_DOUBTFUL = (DEPENDENT / 4, DEPENDENT * 4)
"""Range around `DEPENDENT` that a writer avoids, so that rounding decides nothing in a reader."""


class KarhunenLoeve:
    """Transform with given bases.

    Parameters
    ----------
    bases : tuple of ndarray, shapes (extent, count)
        Orthonormal columns for every axis of the grid.
    """

    def __init__(self, bases: Bases) -> None:
        self.bases = bases

    def forward(self, factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Compute the coefficients of each row; those beyond a basis are zero.

        Both the rows and the result have the shape (components, length).
        """
        found = factor.reshape(-1, *grid).astype(np.float64, copy=False)
        for axis, basis in enumerate(self.bases, 1):
            found = _along(found, axis, _widened(basis).T)
        return np.asarray(found.reshape(factor.shape).astype(factor.dtype, copy=False))

    def inverse(self, coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Compute the rows that have these coefficients, shape (components, length)."""
        found = coefficients.reshape(-1, *grid).astype(np.float64, copy=False)
        for axis, basis in enumerate(self.bases, 1):
            found = _along(found, axis, _widened(basis))
        return np.asarray(found.reshape(coefficients.shape).astype(coefficients.dtype, copy=False))


def principal_vectors(factor: NDArray[Any], grid: tuple[int, ...]) -> Bases:
    """Find the eigenvectors of the second moments along every axis, times their singular values.

    Parameters
    ----------
    factor : ndarray, shape (components, length)
        Fields; those of larger norm count more.
    grid : tuple of int
        Extents; their product is `length`.

    Returns
    -------
    tuple of ndarray, shapes (extent, count)
        Columns, by descending norm; the sum of their squares is that of `factor`.
        There are at most as many as lines along the axis.
    """
    fields = factor.reshape(-1, *grid)
    found = []
    for axis, extent in enumerate(grid, 1):
        lines = np.moveaxis(fields, axis, 0).reshape(extent, -1).astype(np.float64, copy=False)
        if lines.shape[1] < extent:
            vectors, lengths, _ = np.linalg.svd(lines, full_matrices=False)
            found.append(vectors * lengths)
            continue
        energies, vectors = np.linalg.eigh(lines @ lines.T)
        found.append((vectors * np.sqrt(np.maximum(energies, 0)))[:, ::-1])
    return tuple(found)


def orthonormal(stored: NDArray[Any], grid: tuple[int, ...]) -> Bases:
    """Make the bases from the vectors of a file (SPEC.md, "klt") by Gram-Schmidt, in order.

    Parameters
    ----------
    stored : ndarray, shape (vectors, len(grid) * stride)
        A vector per row: its entries along each axis, filled up to `basis_stride` for each.
    grid : tuple of int
        Grid of a component.
    """
    return tuple(
        basis[:, : _before(parts <= DEPENDENT)] for basis, parts in _gram_schmidt(stored, grid)
    )


def certain_vectors(stored: NDArray[Any], grid: tuple[int, ...]) -> int:
    """Count the leading stored vectors that every reader makes the same bases of.

    Parameters
    ----------
    stored, grid
        As for `orthonormal`.

    Returns
    -------
    int
        Vectors before the first that lies within rounding errors of being dependent.
    """
    least, greatest = _DOUBTFUL
    count = len(stored)
    for _, parts in _gram_schmidt(stored, grid):
        read = parts[: _before(parts <= least)]
        doubtful = read < greatest
        if doubtful.any():
            count = min(count, _before(doubtful))
    return count


def stacked(bases: Bases) -> NDArray[np.float64]:
    """Lay out bases as a file holds them: shape (vectors, axes * stride), padded with last entries.

    This is the inverse of `orthonormal`, but for the rounding of what a file stores.
    """
    stride = basis_stride(tuple(len(basis) for basis in bases))
    count = max(basis.shape[1] for basis in bases)
    runs = [
        np.pad(
            np.pad(basis.T, ((0, count - basis.shape[1]), (0, 0))),
            ((0, 0), (0, stride - len(basis))),
            mode="edge",
        )
        for basis in bases
    ]
    return np.concatenate(runs, axis=1)


def _gram_schmidt(
    stored: NDArray[Any], grid: tuple[int, ...]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield the orthonormal columns of every axis, and which part of each vector was new."""
    runs = stored.astype(np.float64).reshape(len(stored), len(grid), basis_stride(grid))
    for axis, extent in enumerate(grid):
        vectors = runs[:extent, axis, :extent].T
        # Squares of the largest values that a file may hold overflow, those of the smallest vanish.
        vectors = np.ldexp(vectors, -np.frexp(np.abs(vectors).max(axis=0))[1])
        basis, triangle = np.linalg.qr(vectors)
        new = np.diagonal(triangle)
        lengths = np.sqrt(np.square(vectors).sum(axis=0))
        yield basis * np.sign(new), np.abs(new) / np.where(lengths > 0, lengths, 1)


def _before(ends: NDArray[np.bool_]) -> int:
    """Count the entries before the first that is true."""
    return int(np.argmax(ends)) if ends.any() else len(ends)


def _widened(basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Append zero columns until a basis is square."""
    return np.pad(basis, ((0, 0), (0, len(basis) - basis.shape[1])))


def _along(fields: NDArray[Any], axis: int, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply every line along an axis by a matrix from the left."""
    return np.moveaxis(np.tensordot(fields, matrix, axes=(axis, 1)), -1, axis)
