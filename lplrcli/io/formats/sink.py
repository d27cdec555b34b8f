"""What every format is written through: slabs of a matrix, in order."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Sink(ABC):
    """Takes a matrix slab by slab and writes it, as the array that unfolds to it.

    Parameters
    ----------
    array_shape : tuple of int
        Extents of the array.
    unfold : int
        How many leading axes of it are the rows of the matrix.
    dtype : numpy.dtype
        Type of its entries.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the matrix.
    order : {"rows", "columns"}
        Slabs are whole rows (k, columns), or whole columns (rows, k), from the first to the
        last.
    """

    order: Literal["rows", "columns"] = "rows"

    def __init__(self, array_shape: tuple[int, ...], unfold: int, dtype: np.dtype[Any]) -> None:
        self.array_shape = array_shape
        self.unfold = unfold
        self.shape = math.prod(array_shape[:unfold]), math.prod(array_shape[unfold:])
        self.dtype = dtype
        self.written = 0  # rows or columns so far

    def write(self, values: NDArray[Any]) -> None:
        """Write the next slab.

        Parameters
        ----------
        values : ndarray
            Converted to the dtype of the sink.

        Raises
        ------
        ValueError
            The slab is not of the right shape; a fault of the caller.
        OSError
            The stream cannot be written.
        """
        along = 0 if self.order == "rows" else 1
        across = self.shape[1 - along]
        if values.ndim != 2 or values.shape[1 - along] != across:
            raise ValueError(f"slab of shape {values.shape} for a matrix of shape {self.shape}")
        if self.written + values.shape[along] > self.shape[along]:
            raise ValueError(f"more {self.order} than the matrix has: {self.shape[along]}")
        self._write_slab(values.astype(self.dtype, copy=False))
        self.written += values.shape[along]

    def close(self) -> None:
        """Finish what was begun; the stream stays open.

        Raises
        ------
        ValueError
            Slabs are missing; a fault of the caller.
        OSError
            The stream cannot be written.
        """
        total = self.shape[0 if self.order == "rows" else 1]
        if self.written != total:
            raise ValueError(f"{self.written} of {total} {self.order} were written")
        self._finish()

    @abstractmethod
    def _write_slab(self, values: NDArray[Any]) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...
