"""The error of a compressed matrix, estimated from a few random combinations of the rows of A."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import transposed_times
from lplrcli.linalg.sketching import gaussian_rows
from lplrcli.linalg.tall import row_blocks
from lplrcli.model.source import RowBlock

T = TypeVar("T")

TEST_ROWS = 20
"""Rows of Θ: the standard deviation of an estimate is at most 1 / sqrt(2 TEST_ROWS), 16 %, of
it, and that only where the error is of rank 1; quantization noise is of full rank."""

_STREAM = 3


class Probe:
    """Θ A for a Gaussian Θ (q x n): what tells the error of any approximation of A.

    ``E ‖Θ (A − Â)‖² = q ‖A − Â‖²`` for Â that does not depend on Θ: the error estimator of Tropp,
    Yurtsever, Udell and Cevher 2019 (arXiv 1902.08651), section 6. Θ is made anew, a few columns
    at a time, whenever it is needed.

    Parameters
    ----------
    seed : int
        Seed of Θ.

    Attributes
    ----------
    product : ndarray of float64, shape (q, d), or None
        Θ A at the scale of the passes; None until a pass has filled it.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.product: NDArray[np.float64] | None = None

    @property
    def size(self) -> int:
        """Rows q of Θ."""
        return TEST_ROWS

    def test_rows(self, start: int, stop: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Columns ``start : stop`` of Θ, transposed: shape (stop − start, q)."""
        return gaussian_rows(self.seed, _STREAM, start, stop, TEST_ROWS, dtype)

    def taken_from(self, total: NDArray[np.float64]) -> NDArray[np.float64]:
        """Split off Θ A, which `probed` put beside another sum."""
        self.product = np.ascontiguousarray(total[:, -TEST_ROWS:].T)
        return np.ascontiguousarray(total[:, :-TEST_ROWS])

    def times(self, blocks: Iterable[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[np.float64]:
        """``Θ Y`` in float64, shape (q, columns), for Y in blocks of rows.

        Parameters
        ----------
        blocks : iterable of ndarray
            All rows, in order.
        dtype : numpy.dtype
            Precision in which Θ A was made: that of the entries of Θ.
        """
        total: Any = 0.0
        start = 0
        for block in blocks:
            for rows in row_blocks(len(block)):
                tests = self.test_rows(start + rows.start, start + rows.stop, dtype)
                total = total + tests.T.astype(np.float64) @ block[rows].astype(np.float64)
            start += len(block)
        return np.asarray(total)

    def squared_distance(self, product: NDArray[np.float64]) -> float:
        """Estimate of ``‖A − Â‖²`` for `product` = Θ Â, at the scale of the passes."""
        if self.product is None:
            raise TypeError("no pass has been made yet")
        return float(np.square(self.product - product).sum()) / TEST_ROWS


def probed(
    block: RowBlock, task: Callable[[RowBlock], tuple[T, NDArray[Any]]], probe: Probe
) -> tuple[T, NDArray[Any]]:
    """Run `task`, and put what the block adds to (Θ A)ᵀ beside what it adds to the sum."""
    kept, part = task(block)
    rows = block.values.shape[0]
    tests = probe.test_rows(block.start, block.start + rows, _dtype_of(block))
    return kept, np.concatenate([part, transposed_times(block.values, tests)], axis=1)


def _dtype_of(block: RowBlock) -> np.dtype[Any]:
    values = block.values
    return values.dtype if isinstance(values, np.ndarray) else values.data.dtype
