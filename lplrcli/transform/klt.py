"""Karhunen-Loève transform over the axes of the grid: fields of a kind, whatever that is.

Along every axis the eigenvectors of the second moments of all components, as in a truncated
Tucker decomposition (De Lathauwer, De Moor and Vandewalle 2000, section 3). They depend on the
data, so a file holds them; what it holds is made orthonormal by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import basis_stride

Bases = tuple[NDArray[np.float64], ...]
"""Of every axis, its orthonormal vectors as columns, the strongest first."""

DEPENDENT = 2.0**-10
"""A stored vector of which less than this part is new ends its axis."""

_DOUBTFUL = (DEPENDENT / 4, DEPENDENT * 4)
"""A writer keeps out of these parts, so that rounding decides nothing."""


class KarhunenLoeve:
    """The transform of given bases.

    Parameters
    ----------
    bases : tuple of ndarray, shapes (extent, count)
        For every axis of the grid.
    """

    def __init__(self, bases: Bases) -> None:
        self.bases = bases

    def forward(self, factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Coefficients of each row, shape (components, length); those beyond a basis are zero."""
        found = factor.reshape(-1, *grid).astype(np.float64, copy=False)
        for axis, basis in enumerate(self.bases, 1):
            found = _along(found, axis, _widened(basis).T)
        return np.asarray(found.reshape(factor.shape).astype(factor.dtype, copy=False))

    def inverse(self, coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Rows whose coefficients these are."""
        found = coefficients.reshape(-1, *grid).astype(np.float64, copy=False)
        for axis, basis in enumerate(self.bases, 1):
            found = _along(found, axis, _widened(basis))
        return np.asarray(found.reshape(coefficients.shape).astype(coefficients.dtype, copy=False))


def principal_vectors(factor: NDArray[Any], grid: tuple[int, ...]) -> Bases:
    """Eigenvectors of the second moments along every axis, times the roots of their eigenvalues.

    Parameters
    ----------
    factor : ndarray, shape (components, length)
        Stronger components count more.
    grid : tuple of int
        Its product is `length`.

    Returns
    -------
    tuple of ndarray, shapes (extent, count)
        Columns, by descending length; the sum of their squares is that of `factor`.
        They are no more than there are lines.
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
    """Bases from what a file holds (SPEC.md, "klt"): Gram-Schmidt, in order.

    Parameters
    ----------
    stored : ndarray, shape (vectors, len(grid) * stride)
        Of every vector, its entries along each axis, each run of them filled up to `basis_stride`.
    grid : tuple of int
        Of the component.
    """
    return tuple(
        basis[:, : _before(parts <= DEPENDENT)] for basis, parts in _gram_schmidt(stored, grid)
    )


def certain_vectors(stored: NDArray[Any], grid: tuple[int, ...]) -> int:
    """How many of the stored vectors, from the first on, are the same basis to every reader.

    Parameters
    ----------
    stored, grid
        As for `orthonormal`.
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
    """What a file holds of vectors: shape (vectors, axes * stride), runs filled with their ends."""
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
    """Of every axis, orthonormal columns, and which part of each vector they came from is new."""
    runs = stored.astype(np.float64).reshape(len(stored), len(grid), basis_stride(grid))
    for axis, extent in enumerate(grid):
        vectors = runs[:extent, axis, :extent].T
        # Squares of the largest and the smallest values that a file may hold are no numbers.
        vectors = np.ldexp(vectors, -np.frexp(np.abs(vectors).max(axis=0))[1])
        basis, triangle = np.linalg.qr(vectors)
        new = np.diagonal(triangle)
        lengths = np.sqrt(np.square(vectors).sum(axis=0))
        yield basis * np.sign(new), np.abs(new) / np.where(lengths > 0, lengths, 1)


def _before(ends: NDArray[np.bool_]) -> int:
    """How many come before the first that is true."""
    return int(np.argmax(ends)) if ends.any() else len(ends)


def _widened(basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square, with zero columns."""
    return np.pad(basis, ((0, 0), (0, len(basis) - basis.shape[1])))


def _along(fields: NDArray[Any], axis: int, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every line along an axis multiplied by a matrix from the left."""
    return np.moveaxis(np.tensordot(fields, matrix, axes=(axis, 1)), -1, axis)
