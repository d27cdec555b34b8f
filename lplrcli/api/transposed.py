"""A compressed matrix seen as its transpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lplrcli.api.linear_map import LinearMap
from lplrcli.model.indexing import ArrayIndex, Gathering

if TYPE_CHECKING:
    from lplrcli.api.matrix import CompressedMatrix


class TransposedMatrix(LinearMap):
    """The transpose of a compressed matrix, which shares its factors and what is decoded.

    Made by ``c.T``. Products are those of the transpose of the n x d matrix. Of an array of three
    to five dimensions indexing has all axes in reversed order, as NumPy does, so that
    ``np.asarray(c.T)`` is ``np.asarray(c).T``.

    Attributes
    ----------
    T : CompressedMatrix
        What this is the transpose of.

    Examples
    --------
    >>> import lplrcli
    >>> c = lplrcli.compress(np.ones((100, 50), np.float32), rank=1, bits=2)
    >>> c.T.shape, (c.T @ np.ones(100)).shape, c.T[:2, [5, 7, 9]].shape
    ((50, 100), (50,), (2, 3))
    """

    def __init__(self, matrix: CompressedMatrix) -> None:
        self.T = matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array, axes reversed."""
        return self.T.shape[::-1]

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Rows and columns of the transposed matrix: d and n."""
        rows, columns = self.T.matrix_shape
        return columns, rows

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the original entries, and of what slicing gives back."""
        return self.T.dtype

    @property
    def ndim(self) -> int:
        """Axes of the array."""
        return self.T.ndim

    @property
    def size(self) -> int:
        """Entries of the array."""
        return int(self.T.size)

    def _times(self, x: Any) -> NDArray[Any]:
        return self.T._left_times(x.T).T

    def _left_times(self, x: Any) -> NDArray[Any]:
        return self.T._times(x.T).T

    def __getitem__(self, index: ArrayIndex | tuple[ArrayIndex, ...]) -> NDArray[Any]:
        """A part of the transposed array, by NumPy's indexing; see `CompressedMatrix`."""
        chosen = Gathering.of(index, self.shape)
        points = chosen.points
        if points is not None:
            return self.T[points[::-1]]
        part: NDArray[Any] = self.T._box(chosen.box.transposed).T[chosen.index]
        return part

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return self.T.__array__(dtype, copy).T

    def __repr__(self) -> str:
        return f"<transpose of {self.T!r}>"
