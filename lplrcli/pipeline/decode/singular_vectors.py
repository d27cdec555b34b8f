"""Singular value decomposition of L R from the factors: the matrix is never formed.

Of snapshots these are the proper orthogonal modes, their energies and their coefficients
(L. Sirovich, Turbulence and the dynamics of coherent structures, part I, Quarterly of Applied
Mathematics 45, 1987, 561-571, finds them by the method of snapshots), of the fluctuation where
means are stored apart.
QR of both factors leaves a core of r x r, as in the recompression of low-rank blocks
(M. Bebendorf, Hierarchical Matrices, 2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.errors import ContainerError, PlanError
from lplrcli.linalg.orthonormalization import orthonormal_basis
from lplrcli.model.compressed import Factorization
from lplrcli.pipeline.decode.factor_reader import FactorReader

SIDES = ("left", "right")


@dataclass(frozen=True)
class Decomposition:
    """``2**exponent * left @ diag(core_values) @ right.T``, with m = r modes.

    Attributes
    ----------
    left : ndarray of float64, shape (n, m)
        Orthonormal columns; the entry of largest magnitude in each is positive.
    right : ndarray of float64, shape (d, m)
        Orthonormal columns, with the signs that belong to `left`.
    core_values : ndarray of float64, shape (m,)
        Singular values over ``2**exponent``, descending.
    exponent : int
        That of the plan, and what keeps `core_values` far from the limits of float64.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    core_values: NDArray[np.float64]
    exponent: int

    @property
    def singular_values(self) -> NDArray[np.float64]:
        """Singular values of L R, shape (m,), descending."""
        return self._scaled(self.core_values)

    @property
    def energy_shares(self) -> NDArray[np.float64]:
        """Squared singular values over their sum, shape (m,); NaN where L R is zero."""
        energies = np.square(self.core_values)
        total = energies.sum()
        return energies / total if total > 0 else np.full_like(energies, np.nan)

    def modes(self, k: int | None, side: str) -> NDArray[np.float64]:
        """First k left or right singular vectors, shape (n, k) or (d, k): an own copy.

        Raises
        ------
        PlanError
            If there are fewer, or no such side.
        """
        vectors = {"left": self.left, "right": self.right}[_checked_side(side)]
        return vectors[:, : self._checked_count(k)].copy()

    def coefficients(self, k: int | None, side: str) -> NDArray[np.float64]:
        """What the modes of a side are multiplied by: Σ Vᵀ, shape (k, d), or U Σ, shape (n, k).

        Raises
        ------
        PlanError
            If there are fewer, or no such side.
        """
        count = self._checked_count(k)
        values = self.core_values[:count]
        if _checked_side(side) == "left":
            return self._scaled(values[:, None] * self.right[:, :count].T)
        return self._scaled(self.left[:, :count] * values)

    def _checked_count(self, k: int | None) -> int:
        available = len(self.core_values)
        count = available if k is None else index(k)
        if not 0 <= count <= available:
            raise PlanError(
                "there are fewer modes than asked for", found=count, expected=f"0 to {available}"
            )
        return count

    def _scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``2**exponent`` times `values`; as in decoding, nothing becomes infinite."""
        largest = np.finfo(np.float64).max
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.clip(np.ldexp(values, self.exponent), -largest, largest))


def decoded_factors(
    factorization: Factorization, reader: FactorReader, name: str | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """L, shape (n, r), and R, shape (r, d).

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    reader : FactorReader
        Gives the entries of both.
    name : str, optional
        The file, for messages.

    Raises
    ------
    PlanError
        If the matrix was coded directly.
    ContainerError
        If a chunk of an opened file is damaged.
    """
    if factorization.left is None or factorization.right is None:
        raise PlanError(
            "a matrix coded directly has no factors, and so no modes",
            path=name,
            advice="Modes factors and factors+residual have them; compress it in one of these.",
        )
    return reader.whole("left").T, reader.whole("right")


def decompose(
    left: NDArray[Any], right: NDArray[Any], exponent: int, name: str | None = None
) -> Decomposition:
    """Singular value decomposition of ``2**exponent * left @ right``.

    All in float64: ``(n + d) r²`` operations, and memory for a few arrays of ``(n + d) r``.

    Parameters
    ----------
    left : ndarray, shape (n, r)
        L, with r at most n and d.
    right : ndarray, shape (r, d)
        R.
    exponent : int
        Seed of the plan.
    name : str, optional
        The file, for messages.

    Raises
    ------
    ContainerError
        If a factor holds infinity, which no writer makes.
    """
    left_basis, left_triangle, left_exponent = _orthogonalized(left, name)
    right_basis, right_triangle, right_exponent = _orthogonalized(right.T, name)
    rotation, core_values, corotation = np.linalg.svd(left_triangle @ right_triangle.T)
    modes, comodes = left_basis @ rotation, right_basis @ corotation.T
    # An SVD leaves the signs of its vectors open, and LAPACK's differ from machine to machine.
    if len(core_values):
        signs = np.where(modes.max(axis=0) < -modes.min(axis=0), -1.0, 1.0)
        modes *= signs
        comodes *= signs
    return Decomposition(modes, comodes, core_values, exponent + left_exponent + right_exponent)


def _orthogonalized(
    factor: NDArray[Any], name: str | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Basis (m x r), triangle (r x r) and exponent e: the factor (m x r) is 2**e times a product.

    The largest entry of the product is about 1, so that squares of singular values stay within
    float64, whatever the scale of the factors.
    """
    largest = float(np.abs(factor).max(initial=0.0))
    if not math.isfinite(largest):
        raise ContainerError(
            "a factor overflows the type it is decoded in", path=name, found=f"{factor.dtype}"
        )
    exponent = math.frexp(largest)[1]
    scaled = factor.astype(np.float64)
    np.ldexp(scaled, -exponent, out=scaled)
    basis = orthonormal_basis(scaled) if scaled.shape[1] else scaled
    return basis, basis.T @ scaled, exponent


def _checked_side(side: str) -> str:
    if side not in SIDES:
        raise PlanError("no such side", found=repr(side), expected=" or ".join(map(repr, SIDES)))
    return side
