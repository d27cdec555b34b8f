"""The only loops over A: each method of `Passes` reads the whole matrix once.

Tasks are module-level functions of one block of rows, bound by `functools.partial`, that change
nothing, so that any mapper of blocks can run them. Their results are combined in an order that the
blocks alone decide, so that sums do not depend on who computed what.
"""

from __future__ import annotations

import copy
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lplrcli.errors import InputError, NonFiniteError, PlanError
from lplrcli.linalg.operands import (
    RightOperand,
    dense_rows,
    gram_of_rows,
    position_of_nonfinite,
    scaled,
    stored_entries,
    transposed_times,
)
from lplrcli.linalg.probe import Probe, probed
from lplrcli.linalg.tall import rows_times
from lplrcli.model.source import CsrRows, MatrixSource, RowBlock, working_dtype
from lplrcli.runtime.workspace import workspace

T = TypeVar("T")

_LINEAR_EXPONENTS = {"float32": 100, "float64": 450}
"""Of largest entries, within which sums of entries times Gaussian numbers lose nothing; squares of
entries are summed in float64 in any case."""

_RESCALED = 4
"""Passes after the first where it shows that the scale is unsafe: norm, that pass again, a
projection and a measurement at least."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Means:
    """What is subtracted from every entry of A, at the scale of the passes.

    Attributes
    ----------
    row : ndarray of shape (d,) or None
        From every row.
    column : ndarray of shape (n,) or None
        From every column.
    """

    row: NDArray[Any] | None
    column: NDArray[Any] | None


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

    @property
    def source_norm(self) -> float:
        """Frobenius norm of A."""
        return math.ldexp(self.norm, self.exponent)


def _dropped(kept: Any) -> None:
    """Keep nothing."""


class Passes:
    """Products with a matrix A (n x d) read block by block.

    Parameters
    ----------
    source : MatrixSource
        The matrix.
    threads : int
        For what is computed between passes; no result depends on it.
    limit : int, optional
        Passes that may be made.
    probe : Probe, optional
        Of the error, where there will be no pass to measure it; filled by the first sum over A.

    Attributes
    ----------
    shape : tuple of int
        n and d.
    dtype : numpy.dtype
        Working precision, float32 or float64.
    exponent : int
        Products are with ``A / 2**exponent``.
    count : int
        Passes made so far.
    means : Means or None
        Products are with what is left of A once these are subtracted.
    """

    def __init__(
        self,
        source: MatrixSource,
        threads: int = 1,
        limit: int | None = None,
        probe: Probe | None = None,
    ) -> None:
        self.source = source
        self.threads = threads
        self.limit = limit
        self.probe = probe
        self._read_before = source.bytes_read
        self.shape = source.shape
        self.dtype = working_dtype(source.dtype)
        self.exponent = 0
        self.count = 0
        self.means: Means | None = None
        self._scan: Scan | None = None
        self._original: Scan | None = None
        self._sums: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._svd: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None

    @property
    def bytes_read(self) -> int:
        """What the source gave in these passes."""
        return self.source.bytes_read - self._read_before

    def allows(self, count: int) -> bool:
        """Whether so many more passes may be made."""
        return self.limit is None or self.count + count <= self.limit

    def scan(self) -> Scan:
        """Range and norm: a pass, unless the first sum made over A has found them on the way.

        Raises
        ------
        InputError
            If the norm overflows: no error relative to it could be stated.
        NonFiniteError
            If entries are NaN or infinite: how many, and where the first is. Raised by that
            first sum likewise.
        """
        if self._scan is None:
            self._scan = self._concluded(list(self.map_scaled("range and norm", _scan_block)))
        return self._scan

    def original(self) -> Scan:
        """Range and norm of A as it is stored, whatever is subtracted: what errors refer to."""
        return self._original or self.scan()

    def sums(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sums over the rows, shape (d,), and over the columns, shape (n,): one pass, once."""
        if self._sums is None:
            rows = Rows(np.empty(self.shape[0]))
            self._sums = self._sum("means", _row_of_sums, rows.take)[0], rows.out
        return self._sums

    def centered(self, means: Means) -> Passes:
        """Passes over what is left of A once these are subtracted, block by block."""
        found = copy.copy(self)
        found.means, found._original, found._scan = means, self.original(), None
        found._svd = found._sums = None
        return found

    def times(self, operand: RightOperand, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """``A X``, shape (n, columns), in the working precision; in `out` if that is given."""
        if out is None:
            out = workspace().empty((self.shape[0], operand.columns), self.dtype)
        self._sum("projection", partial(_times, operand=operand), Rows(out).take)
        return out

    def normal_times(
        self, operand: RightOperand, image: NDArray[Any] | None = None
    ) -> NDArray[np.float64]:
        """``Aᵀ (A X)`` in one pass, shape (d, columns), summed in float64.

        `image`, of shape (n, columns), receives ``A X`` on the way.
        """
        columns = self._columns()
        if columns is not None:
            if image is None:
                image = workspace().empty((self.shape[0], operand.columns), self.dtype)
            self._sum("power iteration", partial(_times, operand=operand), Rows(image).take)
            return rows_times(columns, image, -self.exponent, self.threads)
        task = partial(_normal_times, operand=operand, imaged=image is not None)
        keep = _dropped if image is None else Rows(image).take
        return self._sum("power iteration", task, keep)

    def gram(self) -> NDArray[np.float64]:
        """``Aᵀ A``, shape (d, d), in float64 throughout."""
        return self._sum("Gram matrix", _gram)

    def left_times(self, left: NDArray[Any]) -> NDArray[np.float64]:
        """``Lᵀ A``, shape (k, d), for `left` = Lᵀ of shape (k, n); summed in float64.

        No pass where the transpose is at hand.
        """
        columns = self._columns()
        if columns is not None:
            self.scan()  # it decides the scale
            tall = np.ascontiguousarray(left.T)
            return rows_times(columns, tall, -self.exponent, self.threads).T
        return self._sum("least squares", _left_times, beside=left)

    def dense(self) -> NDArray[np.float64]:
        """The whole matrix in memory, for the full decompositions of the paper's baselines."""
        out = np.empty(self.shape)
        self._sum("reading", _dense, Rows(out).take)
        return out

    def svd(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """U, Σ and Vᵀ of the whole matrix, in float64; computed once."""
        if self._svd is None:
            self._svd = np.linalg.svd(self.dense(), full_matrices=False)
        return self._svd

    def scanned(self, label: str, task: Callable[[RowBlock], T]) -> list[T]:
        """Results of `task` over the blocks in the working precision, which are scanned as well.

        One pass, the first one, over A as it is: no scale has been chosen yet.

        Raises
        ------
        InputError, NonFiniteError
            As `scan` does.
        """
        pairs = list(self.map_scaled(label, partial(_scanned_too, task=task)))
        self._scan = self._concluded([scan for scan, _ in pairs])
        return [result for _, result in pairs]

    def sketched(
        self,
        task: Callable[[RowBlock], tuple[T, NDArray[Any]]],
        keep: Callable[[T], None],
    ) -> NDArray[np.float64]:
        """Sum of products that are linear in A, in one pass whatever the scale of A.

        Parameters
        ----------
        task : callable
            Of a block in the working precision and at the scale of A, not at the safe one.
        keep : callable
            Called with what is kept of each block, likewise at the scale of A, in row order.

        Raises
        ------
        PlanError
            If entries are so large or small that even such products need a safe scale.
        """
        scans: list[_BlockScan] = []
        scanned = self._prepared(partial(_scanned, task=task))
        with self._pass("sketches"), np.errstate(over="ignore", invalid="ignore"):
            total = self.source.sum_blocks(scanned, partial(_noted, scans, keep))
        self._scan = self._concluded(scans, linear=True)
        return scaled(total, -self.exponent)

    def map_scaled(
        self, label: str, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Results of `task` over the blocks in the working precision and at the safe scale.

        One pass, called `label` in the log. `beside` is an array with a column for every row,
        see `lplrcli.model.source.RowBlock`.
        """
        return self.map_stored(label, self._prepared(task), beside)

    def map_stored(
        self, label: str, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Results of `task` over the blocks as they are stored, neither converted nor scaled.

        One pass, called `label` in the log.
        """
        with self._pass(label):
            yield from self.source.map_blocks(task, beside)

    def _columns(self) -> CsrRows | None:
        """The transpose, where there is one of what the passes are over."""
        return self.source.columns() if self.means is None else None

    @contextmanager
    def _pass(self, label: str) -> Iterator[None]:
        """Count and time what is done over all blocks."""
        if not self.allows(1):
            raise PlanError(
                "so many passes over the data are not enough",
                path=self.source.name,
                found=self.limit,
                advice="Allow more, or do not limit them.",
            )
        self.count += 1
        started = time.perf_counter()
        yield
        logger.info("pass %d, %s: %.2f s", self.count, label, time.perf_counter() - started)

    def _prepared(self, task: Callable[[RowBlock], T]) -> Callable[[RowBlock], T]:
        """The task, of blocks as they are stored."""
        if self.means is not None:
            task = partial(_centered, task=task, means=self.means)
        return partial(_prepared, task=task, dtype=self.dtype, exponent=self.exponent)

    def _sum(
        self,
        label: str,
        task: Callable[[RowBlock], tuple[Any, NDArray[Any]]],
        keep: Callable[[Any], None] = _dropped,
        beside: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        if self._scan is not None:
            with self._pass(label):
                return self.source.sum_blocks(self._prepared(task), keep, beside)
        # The first look at A: scan it on the way, and start again if its scale was unsafe.
        scans: list[_BlockScan] = []
        exponent = self.exponent
        if self.probe is not None:
            task = partial(probed, task=task, probe=self.probe)
        scanned = self._prepared(partial(_scanned, task=task))
        with self._pass(label), np.errstate(over="ignore", invalid="ignore"):
            total = self.source.sum_blocks(scanned, partial(_noted, scans, keep), beside)
        if self.probe is not None:
            total = self.probe.taken_from(total)
        self._scan = self._concluded(scans)
        return total if self.exponent == exponent else self._sum(label, task, keep, beside)

    def _concluded(self, scans: list[_BlockScan], linear: bool = False) -> Scan:
        """Combine the scans of all blocks, and choose the exponent.

        Where only products that are linear in A were made, these are good for most of the range
        of the working precision, and need not be made again.
        """
        nonfinite = sum(scan.nonfinite for scan in scans)
        if nonfinite:
            row = 0
            for scan in scans:
                if scan.nonfinite:
                    position = (row + scan.first[0], scan.first[1])
                    first = self.source.unfolding.index_of(*position)
                    raise NonFiniteError(nonfinite, first, path=self.source.name)
                row += scan.rows
        low, high = min(scan.low for scan in scans), max(scan.high for scan in scans)
        squares_exponent = 0
        if self._original is None:
            self.exponent = _safe_exponent(max(-low, high))
            if linear and abs(self.exponent) <= _LINEAR_EXPONENTS[self.dtype.name]:
                squares_exponent = self.exponent
            elif self.exponent:
                if not self.allows(_RESCALED):
                    raise PlanError(
                        "entries this large or small take two passes more, at a safe scale",
                        path=self.source.name,
                        found=f"entries from {low:.3g} to {high:.3g}",
                        expected=f"at most {2**40:.3g}, and something from {2**-40:.3g} on",
                        advice="Allow two more passes, or divide the matrix by a constant first.",
                    )
                scans = list(self.map_scaled("norm, at a safe scale", _scan_block))
        norm = float(np.sqrt(sum(scan.squares for scan in scans)))
        norm = math.ldexp(norm, -squares_exponent)
        if math.frexp(norm)[1] + self.exponent > sys.float_info.max_exp:
            raise InputError(
                "the Frobenius norm of the matrix overflows float64",
                path=self.source.name,
                found=f"entries from {low:.3g} to {high:.3g}",
                advice="Divide the matrix by a constant first.",
            )
        return Scan(low, high, norm, self.exponent)


@dataclass(frozen=True)
class _BlockScan:
    rows: int
    nonfinite: int
    first: tuple[int, int]
    low: float
    high: float
    squares: float


class Rows:
    """Fills an array with parts of its rows, in row order.

    Parameters
    ----------
    out : ndarray
        The array; from its start again once it is full.
    """

    def __init__(self, out: NDArray[Any]) -> None:
        self.out = out
        self._row = 0

    def take(self, part: NDArray[Any]) -> None:
        """Put the next rows in their place."""
        self.out[self._row : self._row + len(part)] = part
        self._row = (self._row + len(part)) % len(self.out)


def _noted(
    scans: list[_BlockScan], keep: Callable[[Any], None], found: tuple[_BlockScan, Any]
) -> None:
    scans.append(found[0])
    keep(found[1])


def _scanned(
    block: RowBlock, task: Callable[[RowBlock], tuple[Any, NDArray[Any]]]
) -> tuple[tuple[_BlockScan, Any], NDArray[Any]]:
    # What overflows here is computed again, at a safe scale.
    with np.errstate(over="ignore", invalid="ignore"):
        kept, part = task(block)
        return (_scan_block(block), kept), part


def _scanned_too(block: RowBlock, task: Callable[[RowBlock], T]) -> tuple[_BlockScan, T]:
    return _scan_block(block), task(block)


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
        data = scaled(values.data.astype(dtype, copy=False), -exponent)
        rows = CsrRows(values.shape, values.indptr, values.indices, data)
        return task(replace(block, values=rows))
    return task(replace(block, values=scaled(values.astype(dtype, copy=False), -exponent)))


def _centered(block: RowBlock, task: Callable[[RowBlock], T], means: Means) -> T:
    """Run `task` on the block less the means."""
    values = dense_rows(block.values, stored_entries(block.values).dtype)
    if means.row is not None:
        values = values - means.row
    if means.column is not None:
        values = values - means.column[block.start : block.start + len(values), None]
    return task(replace(block, values=values))


def _row_of_sums(block: RowBlock) -> tuple[NDArray[Any], NDArray[Any]]:
    values = dense_rows(block.values, stored_entries(block.values).dtype)
    return values.sum(axis=1, dtype=np.float64), values.sum(axis=0, dtype=np.float64)[None]


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


def _times(block: RowBlock, operand: RightOperand) -> tuple[NDArray[Any], NDArray[Any]]:
    return operand.multiply(block.values), _nothing(block)


def _normal_times(
    block: RowBlock, operand: RightOperand, imaged: bool
) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    product = operand.multiply(block.values)
    return product if imaged else None, transposed_times(block.values, product)


def _gram(block: RowBlock) -> tuple[None, NDArray[Any]]:
    if isinstance(block.values, CsrRows):
        return None, gram_of_rows(block.values)
    wide = dense_rows(block.values, np.dtype(np.float64))
    return None, wide.T @ wide


def _left_times(block: RowBlock) -> tuple[None, NDArray[Any]]:
    if block.beside is None:
        raise TypeError("least squares need the rows of the left factor")
    if isinstance(block.values, CsrRows):
        return None, transposed_times(block.values, block.beside.T).T
    return None, block.beside @ block.values


def _dense(block: RowBlock) -> tuple[NDArray[Any], NDArray[Any]]:
    return dense_rows(block.values, np.dtype(np.float64)), _nothing(block)


def _nothing(block: RowBlock) -> NDArray[Any]:
    """What is added where all is kept: no columns, as long as the rows of A."""
    return np.empty((block.values.shape[1], 0))
