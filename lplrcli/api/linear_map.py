"""Products with a compressed matrix under the names that SciPy's iterative methods ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray


class LinearMap(ABC):
    """A real matrix A (n x d) that has products with vectors and matrices from both sides.

    ``scipy.sparse.linalg.aslinearoperator`` takes it as it is, and so do ``svds`` and ``lsqr``.
    """

    # Let `ndarray @ c` come to `__rmatmul__` instead of turning c into an array.
    __array_ufunc__ = None

    def __matmul__(self, other: Any) -> NDArray[Any]:
        """``A x`` for a vector or matrix x, which may be sparse; see `matmat`."""
        return self._times(operand(other))

    def __rmatmul__(self, other: Any) -> NDArray[Any]:
        """``x A`` for a vector or matrix x, which may be sparse; see `rmatmat`."""
        return self._left_times(operand(other))

    def matvec(self, x: Any) -> NDArray[Any]:
        """Multiply a vector: ``A x``.

        Parameters
        ----------
        x : array_like, shape (d,) or (d, 1)

        Returns
        -------
        ndarray, shape (n,) or (n, 1)

        Raises
        ------
        ValueError
            If x has another shape.
        TypeError
            If x is a masked array.
        """
        return self._times(_vector(x))

    def rmatvec(self, x: Any) -> NDArray[Any]:
        """Multiply a vector by the transpose: ``Aᵀ x``.

        Parameters
        ----------
        x : array_like, shape (n,) or (n, 1)

        Returns
        -------
        ndarray, shape (d,) or (d, 1)

        Raises
        ------
        ValueError
            If x has another shape.
        TypeError
            If x is a masked array.
        """
        return self._left_times(_vector(x).T).T

    def matmat(self, x: Any) -> NDArray[Any]:
        """Multiply a matrix: ``A X``; ``A @ X`` is the same.

        Parameters
        ----------
        x : array_like or SciPy sparse array, shape (d, k)

        Returns
        -------
        ndarray, shape (n, k)
            Dense, whatever X is.

        Raises
        ------
        ValueError
            If X has another shape.
        TypeError
            If X is a masked array.
        """
        return self._times(_matrix(x))

    def rmatmat(self, x: Any) -> NDArray[Any]:
        """Multiply a matrix by the transpose: ``Aᵀ X``; ``(X.T @ A).T`` is the same.

        Parameters
        ----------
        x : array_like or SciPy sparse array, shape (n, k)

        Returns
        -------
        ndarray, shape (d, k)
            Dense, whatever X is.

        Raises
        ------
        ValueError
            If X has another shape.
        TypeError
            If X is a masked array.
        """
        return self._left_times(_matrix(x).T).T

    @abstractmethod
    def _times(self, x: Any) -> NDArray[Any]:
        """``A x`` for what `operand` gives."""

    @abstractmethod
    def _left_times(self, x: Any) -> NDArray[Any]:
        """``x A`` for what `operand` gives."""


def operand(x: Any) -> Any:
    """The other factor of a product: an ndarray, or a sparse array in CSR form.

    Raises
    ------
    TypeError
        If it is a masked array: its masked entries have no value.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            "a masked array cannot be multiplied: give the masked entries a value with filled()"
        )
    return x.tocsr() if hasattr(x, "tocsr") else np.asarray(x)


def _vector(x: Any) -> Any:
    found = operand(x)
    if found.ndim != 1 and not (found.ndim == 2 and found.shape[1] == 1):
        raise ValueError(f"a vector is needed, not an array of shape {found.shape}")
    return found


def _matrix(x: Any) -> Any:
    found = operand(x)
    if found.ndim != 2:
        raise ValueError(f"a matrix is needed, not an array of shape {found.shape}")
    return found
