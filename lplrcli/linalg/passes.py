"""The only loops over A: each method of `Passes` reads the whole matrix once.

Tasks are module-level functions of one block of rows, bound by `functools.partial`, so that any
mapper of blocks can run them. Their results are combined in row order, so that sums do not depend
on who computed what.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lplrcli.errors import NonFiniteError
from lplrcli.linalg.operands import (
    Dense,
    RightOperand,
    dense_rows,
    position_of_nonfinite,
    stored_entries,
    transposed_times,
)
from lplrcli.model.source import CsrRows, MatrixSource, RowBlock, working_dtype

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scan:
    """Range and norm of a matrix.

    Attributes
    ----------
    low, high : float
        Smallest and largest entry.
    norm : float
        Frobenius norm of ``A / 2**exponent``.
    exponent : int
        Every later pass is over ``A / 2**exponent``: 0 unless entries of A would overflow or
        underflow when multiplied in float32.
    """

    low: float
    high: float
    norm: float
    exponent: int


class Passes:
    """Products with a matrix A (n x d) read block by block.

    Parameters
    ----------
    source : MatrixSource
        The matrix.

    Attributes
    ----------
    shape : tuple of int
        n and d.
    dtype : numpy.dtype
        Working precision, float32 or float64.
    exponent : int
        Products are with ``A / 2**exponent``; set by `scan`.
    count : int
        Passes made so far.
    """

    def __init__(self, source: MatrixSource) -> None:
        self.source = source
        self.shape = source.shape
        self.dtype = working_dtype(source.dtype)
        self.exponent = 0
        self.count = 0

    def scan(self) -> Scan:
        """Range and norm; the first pass over any matrix.

        Raises
        ------
        NonFiniteError
            If entries are NaN or infinite: how many, and where the first is.
        """
        low, high, squares, nonfinite, first = np.inf, -np.inf, 0.0, 0, (0, 0)
        row = 0
        for block in self._map("range and norm", _scan_block):
            if block.nonfinite and not nonfinite:
                first = (row + block.first[0], block.first[1])
            nonfinite += block.nonfinite
            low, high = min(low, block.low), max(high, block.high)
            squares += block.squares
            row += block.rows
        if nonfinite:
            raise NonFiniteError(nonfinite, first, path=self.source.name)
        self.exponent = _safe_exponent(max(-low, high))
        if self.exponent:
            squares = sum(block.squares for block in self._map("norm, scaled", _scan_block))
        return Scan(low, high, float(np.sqrt(squares)), self.exponent)

    def times(self, operand: RightOperand) -> NDArray[Any]:
        """``A X``, shape (n, columns), in the working precision."""
        out = np.empty((self.shape[0], operand.columns), self.dtype)
        row = 0
        for part in self._map("projection", partial(_times, operand=operand)):
            out[row : row + len(part)] = part
            row += len(part)
        return out

    def normal_times(self, operand: RightOperand) -> NDArray[np.float64]:
        """``Aᵀ (A X)`` in one pass, shape (d, columns), summed in float64."""
        task = partial(_normal_times, operand=operand)
        return self._sum("power iteration", task, (self.shape[1], operand.columns))

    def gram(self) -> NDArray[np.float64]:
        """``Aᵀ A``, shape (d, d); in float64 throughout for dense A."""
        if self.source.sparse:
            return self.normal_times(Dense(np.eye(self.shape[1], dtype=self.dtype)))
        return self._sum("Gram matrix", _gram, (self.shape[1], self.shape[1]))

    def left_times(self, left: NDArray[Any]) -> NDArray[np.float64]:
        """``Lᵀ A``, shape (k, d), for `left` = Lᵀ of shape (k, n); summed in float64."""
        task = partial(_left_times, left=left)
        return self._sum("least squares", task, (left.shape[0], self.shape[1]))

    def dense(self) -> NDArray[np.float64]:
        """The whole matrix in memory, for the full decompositions of the paper's baselines."""
        return np.concatenate(list(self._map("reading", _dense)))

    def map_stored(self, label: str, task: Callable[[RowBlock], T]) -> Iterator[T]:
        """Results of `task` over the blocks as they are stored, neither converted nor scaled.

        One pass, called `label` in the log.
        """
        self.count += 1
        started = time.perf_counter()
        yield from self.source.map_blocks(task)
        logger.info("pass %d, %s: %.2f s", self.count, label, time.perf_counter() - started)

    def _map(self, label: str, task: Callable[[RowBlock], T]) -> Iterator[T]:
        prepared = partial(_prepared, task=task, dtype=self.dtype, exponent=self.exponent)
        return self.map_stored(label, prepared)

    def _sum(
        self, label: str, task: Callable[[RowBlock], NDArray[Any]], shape: tuple[int, int]
    ) -> NDArray[np.float64]:
        out = np.zeros(shape)
        from lplrcli.kernels.statistics import accumulate

        for part in self._map(label, task):
            accumulate(out, part)
        return out


@dataclass(frozen=True)
class _BlockScan:
    rows: int
    nonfinite: int
    first: tuple[int, int]
    low: float
    high: float
    squares: float


def _safe_exponent(largest: float) -> int:
    """0, or the exponent of the largest entry where products of entries may leave float32."""
    exponent = int(np.frexp(largest)[1])
    return exponent if abs(exponent) > 40 else 0


def _prepared(
    block: RowBlock, task: Callable[[RowBlock], T], dtype: np.dtype[Any], exponent: int
) -> T:
    """Run `task` on the block in the working precision and at the safe scale."""
    values = block.values
    if isinstance(values, CsrRows):
        data = _scaled(values.data.astype(dtype, copy=False), exponent)
        return task(
            RowBlock(block.start, CsrRows(values.shape, values.indptr, values.indices, data))
        )
    return task(RowBlock(block.start, _scaled(values.astype(dtype, copy=False), exponent)))


def _scaled(values: NDArray[Any], exponent: int) -> NDArray[Any]:
    return np.ldexp(values, -exponent) if exponent else values


def _scan_block(block: RowBlock) -> _BlockScan:
    from lplrcli.kernels.statistics import sum_of_squares

    rows, columns = block.values.shape
    entries = stored_entries(block.values)
    if entries.size == 0:
        return _BlockScan(rows, 0, (0, 0), 0.0, 0.0, 0.0)
    low, high = float(entries.min()), float(entries.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return _BlockScan(rows, *position_of_nonfinite(block.values), 0.0, 0.0, 0.0)
    if entries.size < rows * columns:
        low, high = min(low, 0.0), max(high, 0.0)
    return _BlockScan(rows, 0, (0, 0), low, high, float(sum_of_squares(entries)))


def _times(block: RowBlock, operand: RightOperand) -> NDArray[Any]:
    return operand.multiply(block.values)


def _normal_times(block: RowBlock, operand: RightOperand) -> NDArray[Any]:
    return transposed_times(block.values, operand.multiply(block.values))


def _gram(block: RowBlock) -> NDArray[Any]:
    wide = dense_rows(block.values, np.dtype(np.float64))
    product: NDArray[Any] = wide.T @ wide
    return product


def _left_times(block: RowBlock, left: NDArray[Any]) -> NDArray[Any]:
    rows = left[:, block.start : block.start + block.values.shape[0]]
    if isinstance(block.values, CsrRows):
        return transposed_times(block.values, rows.T).T
    product: NDArray[Any] = rows @ block.values
    return product


def _dense(block: RowBlock) -> NDArray[Any]:
    return dense_rows(block.values, np.dtype(np.float64))
