"""What passes over A do to one block of rows: functions that change nothing and can be pickled.

Bound by `functools.partial`, so that any mapper of blocks can run them, in this process or another.
Those that make sums give what is kept of the block, then what it adds to the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import (
    RightOperand,
    dense_rows,
    gram_of_rows,
    stored_entries,
    transposed_times,
)
from lplrcli.linalg.scan import BlockScan, scan_block
from lplrcli.model.source import CsrRows, RowBlock

T = TypeVar("T")


def times(block: RowBlock, operand: RightOperand) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keep the rows of ``A X``; add nothing."""
    return operand.multiply(block.values), _nothing(block)


def normal_times(
    block: RowBlock, operand: RightOperand, imaged: bool
) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    """Keep the rows of ``A X`` if `imaged`; add to ``Aᵀ (A X)``."""
    product = operand.multiply(block.values)
    return product if imaged else None, transposed_times(block.values, product)


def gram(block: RowBlock) -> tuple[None, NDArray[Any]]:
    """Keep nothing; add to ``Aᵀ A``, in float64."""
    if isinstance(block.values, CsrRows):
        return None, gram_of_rows(block.values)
    wide = dense_rows(block.values, np.dtype(np.float64))
    return None, wide.T @ wide


def left_times(block: RowBlock) -> tuple[None, NDArray[Any]]:
    """Keep nothing; add to ``Lᵀ A``, given the columns of Lᵀ beside the block."""
    if block.beside is None:
        raise TypeError("least squares need the rows of the left factor")
    if isinstance(block.values, CsrRows):
        return None, transposed_times(block.values, block.beside.T).T
    return None, block.beside @ block.values


def dense(block: RowBlock) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keep the rows, dense and in float64; add nothing."""
    return dense_rows(block.values, np.dtype(np.float64)), _nothing(block)


def row_and_column_sums(block: RowBlock) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keep the sum of every row; add to the sum of every column, as a row."""
    values = dense_rows(block.values, stored_entries(block.values).dtype)
    return values.sum(axis=1, dtype=np.float64), values.sum(axis=0, dtype=np.float64)[None]


def with_scan(block: RowBlock, task: Callable[[RowBlock], T]) -> tuple[BlockScan, T]:
    """Scan the block, then run `task` on it."""
    return scan_block(block), task(block)


def sum_with_scan(
    block: RowBlock, task: Callable[[RowBlock], tuple[T, NDArray[Any]]]
) -> tuple[tuple[BlockScan, T], NDArray[Any]]:
    """Keep the scan of the block beside what `task` keeps; add what `task` adds."""
    # What overflows here is computed again, at a safe scale.
    with np.errstate(over="ignore", invalid="ignore"):
        kept, part = task(block)
        return (scan_block(block), kept), part


def _nothing(block: RowBlock) -> NDArray[Any]:
    """What is added where all is kept: no columns, as long as the rows of A."""
    return np.empty((block.values.shape[1], 0))
