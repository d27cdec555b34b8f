"""What a matrix looks like to the algorithm: blocks of whole rows, in order."""

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


@dataclass(frozen=True)
class CsrRows:
    """Some rows of a sparse matrix in compressed sparse row form.

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
        Of an array with a column for every row of the matrix, the columns of these rows.
    """

    start: int
    values: NDArray[Any] | CsrRows
    beside: NDArray[Any] | None = None


@dataclass(frozen=True)
class Unfolding:
    """How an array lies in a matrix: its first axes are flattened to rows, the others to columns.

    Both in row order (C order), whatever the order in memory.

    Attributes
    ----------
    array_shape : tuple of int
        Extents of the array.
    axes : int
        How many leading axes became rows.
    row_grid, column_grid : tuple of int
        The grids that rows and columns are flattenings of. Those of the axes, unless a side of a
        matrix was flattened by its maker, who says so: then the array is that matrix.
    """

    array_shape: tuple[int, ...]
    axes: int
    row_grid: tuple[int, ...]
    column_grid: tuple[int, ...]

    @classmethod
    def of(cls, array_shape: tuple[int, ...], axes: int = 1) -> Unfolding:
        """The first `axes` axes against the others."""
        return cls(array_shape, axes, array_shape[:axes], array_shape[axes:])

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return math.prod(self.row_grid), math.prod(self.column_grid)

    def index_of(self, row: int, column: int) -> tuple[int, ...]:
        """Where in the array an entry of the matrix is."""
        flat, found = row * self.matrix_shape[1] + column, []
        for extent in reversed(self.array_shape):
            flat, position = divmod(flat, extent)
            found.append(position)
        return tuple(reversed(found))


class MatrixSource(Protocol):
    """A matrix that can be visited block by block, as often as needed.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns, both at least 1.
    unfolding : Unfolding
        The array that the matrix was, and the grids of its sides.
    dtype : numpy.dtype
        Type of the entries as stored (native byte order).
    name : str
        Path or other name, for messages.
    format : str
        Key of the input format, or ``"array"`` for one in memory.
    sparse : bool
        Whether blocks are `CsrRows`.
    distribute : callable or None
        Whoever maps the blocks also takes other work, see `lplrcli.runtime.parallel.Mapper`;
        None where that is this process.
    bytes_read : int
        What all visits so far took from the matrix: of every row of a dense one its entries as
        stored, of a sparse one the entries that are stored and their column indices.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def unfolding(self) -> Unfolding:
        """The array that the matrix was, and the grids of its sides."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        ...

    @property
    def name(self) -> str:
        """What to call it in messages."""
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
        """Takes work other than blocks."""
        ...

    def unfolded(self, axes: int) -> Self:
        """The same array with that many leading axes as rows."""
        ...

    def columns(self) -> CsrRows | None:
        """All columns of a sparse matrix as the rows of its transpose, entries as stored.

        None where they are not to be had in the memory of this process. With them a product with
        Aᵀ needs no sums over blocks, each of the size of the result: a row of the transpose gives
        a row of the product.
        """
        ...

    @property
    def bytes_read(self) -> int:
        """Bytes that all visits so far took from the matrix."""
        ...

    def map_blocks(
        self, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Apply `task` to every block and yield the results in row order.

        Block boundaries depend on the matrix alone, never on who does the work, so that sums
        over the results are reproducible. A task is a module-level function bound by
        `functools.partial`, and changes nothing: it may run in another process.

        Parameters
        ----------
        task : callable
            Of a block.
        beside : ndarray, shape (..., n), optional
            Its columns go with the rows, see `RowBlock`.
        """
        ...

    def sum_blocks(
        self,
        task: Callable[[RowBlock], tuple[T, NDArray[Any]]],
        keep: Callable[[T], None],
        beside: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Sum of the arrays that `task` gives, added as `lplrcli.runtime.tree_sum` has it.

        Parameters
        ----------
        task : callable
            Of a block; gives what is kept of it, and what is added.
        keep : callable
            Called with what is kept, in row order.
        beside : ndarray, shape (..., n), optional
            As for `map_blocks`.
        """
        ...


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Floating-point type in which entries of `dtype` are computed with.

    float32 where it holds every value of `dtype` exactly, float64 otherwise.
    """
    import numpy as np

    narrow = dtype.itemsize <= 2 or dtype == np.float32
    return np.dtype(np.float32 if narrow else np.float64)
