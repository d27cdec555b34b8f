"""Loops over the blocks of A: counted, limited, every block adjusted, and scanned the first time.

Results of blocks are combined in an order that the blocks alone decide, so that sums do not depend
on which thread or process computed what.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lplrcli.errors import PlanError
from lplrcli.linalg.adjustment import Adjustment, Means, adjusted
from lplrcli.linalg.block_tasks import sum_with_scan, with_scan
from lplrcli.linalg.probe import Probe, probed
from lplrcli.linalg.row_filler import dropped
from lplrcli.linalg.scan import (
    BlockScan,
    Scan,
    check_finite,
    checked_scan,
    linear_products_are_safe,
    norm_of,
    range_of,
    safe_exponent,
    scan_block,
    unsafe_scale,
)
from lplrcli.model.source import MatrixSource, RowBlock, working_dtype
from lplrcli.runtime.stages import READ, stage

T = TypeVar("T")

_PASSES_AT_SAFE_SCALE = 4
"""Passes after the first where it shows that the scale is unsafe: norm, that pass again, a
projection and a measurement at least."""

logger = logging.getLogger(__name__)


class BlockPasses:
    """Passes over a matrix A (n x d), which is read block by block.

    Parameters
    ----------
    source : MatrixSource
        The matrix.
    threads : int
        Threads for what is computed between passes; no result depends on it.
    limit : int, optional
        Passes that may be made.
    probe : Probe, optional
        Estimates the error where there will be no pass to measure it; filled by the first sum
        over A.

    Attributes
    ----------
    shape : tuple of int
        n and d.
    dtype : numpy.dtype
        Working precision, float32 or float64.
    adjustment : Adjustment
        What is done to every block before a product.
    count : int
        Passes made so far.
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
        self.adjustment = Adjustment(self.dtype)
        self.count = 0
        self._scan: Scan | None = None
        self._original: Scan | None = None

    @property
    def exponent(self) -> int:
        """Products are with ``A / 2**exponent``."""
        return self.adjustment.exponent

    @property
    def means(self) -> Means | None:
        """Products are with what is left of A once these are subtracted."""
        return self.adjustment.means

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
            If entries are NaN or infinite: how many, and where the first is. That first sum
            raises it too.
        """
        if self._scan is None:
            with stage(READ):
                self._scan = self._concluded(list(self.map_scaled("range and norm", scan_block)))
        return self._scan

    def original(self) -> Scan:
        """Range and norm of A as it is stored, whatever is subtracted: what errors refer to."""
        return self._original or self.scan()

    def scanned(self, label: str, task: Callable[[RowBlock], T]) -> list[T]:
        """Results of `task` over the blocks in the working precision, which are scanned as well.

        One pass, the first one, over A as it is: no scale has been chosen yet.

        Raises
        ------
        InputError, NonFiniteError
            As `scan` does.
        """
        pairs = list(self.map_scaled(label, partial(with_scan, task=task)))
        self._scan = self._concluded([scan for scan, _ in pairs])
        return [result for _, result in pairs]

    def map_scaled(
        self, label: str, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Results of `task` over the blocks in the working precision and at the safe scale.

        One pass, called `label` in the log. `beside` is an array with a column for every row,
        see `lplrcli.model.source.RowBlock`.
        """
        return self.map_stored(label, self._adjusted(task), beside)

    def map_stored(
        self, label: str, task: Callable[[RowBlock], T], beside: NDArray[Any] | None = None
    ) -> Iterator[T]:
        """Results of `task` over the blocks as they are stored, neither converted nor scaled.

        One pass, called `label` in the log.
        """
        with self._pass(label):
            yield from self.source.map_blocks(task, beside)

    def sum_scaled(
        self,
        label: str,
        task: Callable[[RowBlock], tuple[Any, NDArray[Any]]],
        keep: Callable[[Any], None] = dropped,
        beside: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Sum of what `task` adds for each block in the working precision and at the safe scale.

        One pass, called `label` in the log, and two more where it is the first one and shows that
        the scale is not safe: then `keep` is called for all blocks again.

        Parameters
        ----------
        label, beside
            As for `map_scaled`.
        task, keep : callable
            As for `lplrcli.model.source.MatrixSource.sum_blocks`.
        """
        if self._scan is not None:
            with self._pass(label):
                return self.source.sum_blocks(self._adjusted(task), keep, beside)
        # The first look at A: scan it on the way, and start again if its scale was unsafe.
        exponent = self.exponent
        if self.probe is not None:
            task = partial(probed, task=task, probe=self.probe)
        total, scans = self._first_sum(label, task, keep, beside)
        if self.probe is not None:
            total = self.probe.taken_from(total)
        self._scan = self._concluded(scans)
        return total if self.exponent == exponent else self.sum_scaled(label, task, keep, beside)

    @contextmanager
    def _pass(self, label: str) -> Iterator[None]:
        """Count and time what is done over all blocks."""
        if not self.allows(1):
            raise PlanError(
                "the limit on passes over the data is too low",
                path=self.source.name,
                found=self.limit,
                advice="Allow more, or do not limit them.",
            )
        self.count += 1
        started = time.perf_counter()
        yield
        logger.info("pass %d, %s: %.2f s", self.count, label, time.perf_counter() - started)

    def _adjusted(self, task: Callable[[RowBlock], T]) -> Callable[[RowBlock], T]:
        """The task, to be given blocks as they are stored."""
        return partial(adjusted, task=task, adjustment=self.adjustment)

    def _first_sum(
        self,
        label: str,
        task: Callable[[RowBlock], tuple[Any, NDArray[Any]]],
        keep: Callable[[Any], None],
        beside: NDArray[Any] | None = None,
    ) -> tuple[NDArray[np.float64], list[BlockScan]]:
        """Sum over the blocks, which are scanned on the way."""
        scans: list[BlockScan] = []

        def note(found: tuple[BlockScan, Any]) -> None:
            scans.append(found[0])
            keep(found[1])

        scanned = self._adjusted(partial(sum_with_scan, task=task))
        with self._pass(label), np.errstate(over="ignore", invalid="ignore"):
            return self.source.sum_blocks(scanned, note, beside), scans

    def _concluded(self, scans: list[BlockScan], linear: bool = False) -> Scan:
        """Combine the scans of all blocks, and choose the exponent.

        Where only products that are linear in A were made, these are good for most of the range
        of the working precision, and need not be made again.
        """
        check_finite(scans, self.source)
        low, high = range_of(scans)
        shift = 0
        if self._original is None:
            exponent = safe_exponent(low, high)
            self.adjustment = replace(self.adjustment, exponent=exponent)
            if linear and linear_products_are_safe(exponent, self.dtype):
                shift = -exponent
            elif exponent:
                if not self.allows(_PASSES_AT_SAFE_SCALE):
                    raise unsafe_scale(low, high, self.source.name)
                scans = list(self.map_scaled("norm, at a safe scale", scan_block))
        norm = math.ldexp(norm_of(scans), shift)
        return checked_scan(low, high, norm, self.exponent, self.source.name)
