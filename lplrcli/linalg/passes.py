"""Products with A: each method of `Passes` reads the whole matrix once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg import block_tasks
from lplrcli.linalg.adjustment import Means
from lplrcli.linalg.block_passes import BlockPasses
from lplrcli.linalg.operands import RightOperand, scaled
from lplrcli.linalg.probe import Probe
from lplrcli.linalg.row_filler import RowFiller, dropped
from lplrcli.linalg.tall import rows_times
from lplrcli.model.source import CsrRows, MatrixSource, RowBlock
from lplrcli.runtime.workspace import workspace

T = TypeVar("T")


class Passes(BlockPasses):
    """Products with a matrix A (n x d), or with what is left of it without its means.

    Parameters
    ----------
    source, threads, limit, probe
        See `lplrcli.linalg.block_passes.BlockPasses`.
    """

    def __init__(
        self,
        source: MatrixSource,
        threads: int = 1,
        limit: int | None = None,
        probe: Probe | None = None,
    ) -> None:
        super().__init__(source, threads, limit, probe)
        self._sums: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._svd: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None

    def centered(self, means: Means) -> Passes:
        """Passes over what is left of A once `means` are subtracted, block by block.

        Range, norm and sums of A itself do not hold for what is left: they are found again.
        """
        found = self.with_means(means)
        found._original, found._scan, found._sums = self.original(), None, None
        return found

    def with_means(self, means: Means) -> Passes:
        """Passes that subtract `means` and keep the range, norm and sums known of what was left.

        For means that differ from those subtracted so far by no more than rounding.
        """
        found = copy.copy(self)
        found.adjustment = replace(self.adjustment, means=means)
        found._svd = None
        return found

    def times(self, operand: RightOperand, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """``A X``, shape (n, columns), in the working precision; in `out` if that is given."""
        if out is None:
            out = workspace().empty((self.shape[0], operand.columns), self.dtype)
        task = partial(block_tasks.times, operand=operand)
        self.sum_scaled("projection", task, RowFiller(out).take)
        return out

    def normal_times(
        self, operand: RightOperand, image: NDArray[Any] | None = None
    ) -> NDArray[np.float64]:
        """``Aᵀ (A X)`` in one pass, shape (d, columns), summed in float64.

        `image`, of shape (n, columns), receives ``A X`` on the way.
        """
        label = "power iteration"
        columns = self._columns()
        if columns is not None:
            if image is None:
                image = workspace().empty((self.shape[0], operand.columns), self.dtype)
            task = partial(block_tasks.times, operand=operand)
            self.sum_scaled(label, task, RowFiller(image).take)
            return rows_times(columns, image, -self.exponent, self.threads)
        keep = dropped if image is None else RowFiller(image).take
        imaged = image is not None
        return self.sum_scaled(
            label, partial(block_tasks.normal_times, operand=operand, imaged=imaged), keep
        )

    def gram(self) -> NDArray[np.float64]:
        """``Aᵀ A``, shape (d, d), in float64 throughout."""
        return self.sum_scaled("Gram matrix", block_tasks.gram)

    def left_times(self, left: NDArray[Any]) -> NDArray[np.float64]:
        """``Lᵀ A``, shape (k, d), for `left` = Lᵀ of shape (k, n); summed in float64.

        No pass where the transpose is at hand.
        """
        columns = self._columns()
        if columns is not None:
            self.scan()  # it decides the scale
            tall = np.ascontiguousarray(left.T)
            return rows_times(columns, tall, -self.exponent, self.threads).T
        return self.sum_scaled("least squares", block_tasks.left_times, beside=left)

    def dense(self) -> NDArray[np.float64]:
        """The whole matrix in memory, for the full decompositions of the paper's baselines."""
        out = np.empty(self.shape)
        self.sum_scaled("reading", block_tasks.dense, RowFiller(out).take)
        return out

    def svd(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """U, Σ and Vᵀ of the whole matrix, in float64; computed once."""
        if self._svd is None:
            self._svd = np.linalg.svd(self.dense(), full_matrices=False)
        return self._svd

    def sums(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sums over the rows, shape (d,), and over the columns, shape (n,): one pass, once."""
        if self._sums is None:
            rows = RowFiller(np.empty(self.shape[0]))
            total = self.sum_scaled("means", block_tasks.row_and_column_sums, rows.take)
            self._sums = total[0], rows.out
        return self._sums

    def sketched(
        self,
        task: Callable[[RowBlock], tuple[T, NDArray[Any]]],
        keep: Callable[[T], None],
    ) -> NDArray[np.float64]:
        """Sum of products that are linear in A, in one pass whatever the scale of A.

        Parameters
        ----------
        task : callable
            Takes a block in the working precision and at the scale of A, not at the safe one.
        keep : callable
            Called with what is kept of each block, at the scale of A too, in row order.

        Raises
        ------
        PlanError
            If entries are so large or small that even such products need a safe scale.
        """
        total, scans = self._first_sum("sketches", task, keep)
        self._scan = self._concluded(scans, linear=True)
        return scaled(total, -self.exponent)

    def _columns(self) -> CsrRows | None:
        """The transpose, where there is one of what the passes are over."""
        return self.source.columns() if self.means is None else None
