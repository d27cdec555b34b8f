"""Matrix as the algorithms see it: blocks of whole rows, in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lplrcli.runtime.parallel import Mapper

T = TypeVar("T")

BLOCK_BYTES = 2 << 20
"""Bytes of a block of rows, about: what a second-level cache holds from one product to the next."""


@dataclass(frozen=True)
class CsrRows:
    """Rows of a sparse matrix in compressed sparse row form.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    indptr : ndarray of int64, shape (rows + 1,)
        Row ``i`` owns entries ``indptr[i]:indptr[i + 1]``; starts at 0.
    indices : ndarray of int32 or int64, shape (nonzeros,)
        Column of each entry; no column occurs twice in a row.
    data : ndarray of float32 or float64, shape (nonzeros,)
        Value of each entry.
    """

    shape: tuple[int, int]
    indptr: NDArray[Any]
    indices: NDArray[Any]
    data: NDArray[Any]

    def rows(self, start: int, stop: int) -> CsrRows:
        """Rows ``start : stop``; indices and values are views."""
        low, high = int(self.indptr[start]), int(self.indptr[stop])
        return CsrRows(
            (stop - start, self.shape[1]),
            self.indptr[start : stop + 1] - low,
            self.indices[low:high],
            self.data[low:high],
        )


@dataclass(frozen=True)
class RowBlock:
    """Rows ``start : start + values.shape[0]`` of a matrix.

    Attributes
    ----------
    start : int
        The first row.
    values : ndarray or CsrRows
        The rows.
    beside : ndarray or None
        Columns that belong to these rows, from an array with a column for every row of the matrix.
    """

    start: int
    values: NDArray[Any] | CsrRows
    beside: NDArray[Any] | None = None


@dataclass(frozen=True)
class Unfolding:
    """Correspondence of an array and a matrix: leading axes are rows, the others columns.

    Axes are flattened in row order (C order), whatever the order in memory.

    Attributes
    ----------
    array_shape : tuple of int
        Extents of the array.
    axes : int
        Number of leading axes that became rows.
    row_grid, column_grid : tuple of int
        Grids whose points, in row order, are the rows and the columns. They are the axes of the
        array, unless the user says that rows or columns of a matrix are a flattened grid.

    Examples
    --------
    >>> unfolding = Unfolding.of((64, 3, 7, 7), axes=2)
    >>> unfolding.matrix_shape
    (192, 49)
    >>> unfolding.index_of(row=4, column=8)
    (1, 1, 1, 1)
    """

    array_shape: tuple[int, ...]
    axes: int
    row_grid: tuple[int, ...]
    column_grid: tuple[int, ...]

    @classmethod
    def of(cls, array_shape: tuple[int, ...], axes: int = 1) -> Unfolding:
        """Unfold the first `axes` axes against the others."""
        return cls(array_shape, axes, array_shape[:axes], array_shape[axes:])

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return math.prod(self.row_grid), math.prod(self.column_grid)

    def index_of(self, row: int, column: int) -> tuple[int, ...]:
        """Find the index in the array of an entry of the matrix."""
        flat, found = row * self.matrix_shape[1] + column, []
        for extent in reversed(self.array_shape):
            flat, position = divmod(flat, extent)
            found.append(position)
        return tuple(reversed(found))


class MatrixSource(Protocol):
    """Protocol of a matrix that is read block by block, as often as needed.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns, both at least 1.
    unfolding : Unfolding
        The array that was unfolded into the matrix, and the grids of rows and columns.
    dtype : numpy.dtype
        Type of the entries as stored (native byte order).
    name : str
        Path or other name, for messages.
    format : str
        Key of the input format, or ``"array"`` for one in memory.
    sparse : bool
        Whether blocks are `CsrRows`.
    distribute : callable or None
        Function by which the workers that map the blocks take other work too, see
        `lplrcli.runtime.parallel.Mapper`; None if this process maps them.
    bytes_read : int
        Bytes that all passes so far took from the matrix: every entry as stored for a dense
        matrix, the stored entries and their column indices for a sparse one.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def unfolding(self) -> Unfolding:
        """The array that was unfolded into the matrix, and the grids of rows and columns."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        ...

    @property
    def name(self) -> str:
        """Name of the matrix in messages."""
        ...

    @property
    def format(self) -> str:
        """Key of the input format."""
        ...

    @property
    def sparse(self) -> bool:
        """Whether blocks are `CsrRows`."""
        ...

    @property
    def distribute(self) -> Mapper | None:
        """Function by which workers take work other than blocks, if there are any."""
        ...

    def unfolded(self, axes: int) -> Self:
        """Unfold the array with `axes` leading axes as rows."""
        ...

    def columns(self) -> CsrRows | None:
        """Return the transpose of a sparse matrix, entries as stored, or None.

        None is returned if the transpose does not fit the memory of this process. With it a
        product with Aᵀ needs no sums over blocks, each as large as the result: a row of the
        transpose gives a row of the product.
        """
        ...

    @property
    def bytes_read(self) -> int:
        """Bytes that all passes so far took from the matrix."""
        ...

    def map_blocks(
        self, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Apply `task` to every block and yield the results in row order.

        Block boundaries depend on the matrix alone, never on threads or workers, so that sums over
        the results are reproducible. A task is a module-level function bound by
        `functools.partial`, and changes nothing: it may run in another process.

        Parameters
        ----------
        task : callable
            Function of a `RowBlock`.
        beside : ndarray, shape (..., n), optional
            Array whose columns go with the rows, see `RowBlock`.
        """
        ...

    def sum_blocks(
        self,
        task: Callable[[RowBlock], tuple[T, NDArray[Any]]],
        keep: Callable[[T], None],
        beside: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Sum the arrays that `task` gives, added in the order of `lplrcli.runtime.tree_sum`.

        Parameters
        ----------
        task : callable
            Function of a `RowBlock`; returns a result to keep, and an array to add.
        keep : callable
            Function that is called with each result, in row order.
        beside : ndarray, shape (..., n), optional
            As for `map_blocks`.

        Returns
        -------
        ndarray of float64
            The sum over all blocks.
        """
        ...


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Choose the floating-point type in which entries of `dtype` are computed with.

    It is float32 if that holds every value of `dtype` exactly, and float64 otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> working_dtype(np.dtype("uint16")), working_dtype(np.dtype("int32"))
    (dtype('float32'), dtype('float64'))
    """
    import numpy as np

    narrow = dtype.itemsize <= 2 or dtype == np.float32
    return np.dtype(np.float32 if narrow else np.float64)
