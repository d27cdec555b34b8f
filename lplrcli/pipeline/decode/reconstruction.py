"""From quantized factors back to rows of the matrix."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import Factorization
from lplrcli.pipeline.decode.chunk_cache import ChunkCache
from lplrcli.pipeline.decode.entry_types import cast, entry_dtype
from lplrcli.pipeline.decode.factor_reader import FactorReader
from lplrcli.pipeline.decode.factors import Places, decode_factor
from lplrcli.pipeline.decode.kept_chunks import KeptRows, converted, taken
from lplrcli.pipeline.decode.means import DecodedMeans
from lplrcli.runtime.parallel import ordered_map

logger = logging.getLogger(__name__)

_BLOCK_BYTES = 2**20
"""Bytes of decoded rows, as they are computed: what is still in the cache when written."""

_TURNED = 64
"""Columns that are turned into rows at a time: their cache lines stay at hand."""


class Reconstruction:
    """Rows of one compressed matrix, of all columns or of some.

    The right factor is decoded once; rows of the left one, or of a directly coded matrix, as
    they are asked for.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    columns : slice or ndarray of int64
        Range of columns (start and stop within the matrix, step 1), or which ones, ascending; all
        by default.
    threads : int
        For the decoding of chunks.
    dtype : numpy.dtype
        Type of the rows given back; the original one by default.
    reader : FactorReader, optional
        Gives the entries of factors; by default one that keeps nothing.

    Raises
    ------
    ContainerError
        If a chunk of an opened file is damaged.
    """

    def __init__(
        self,
        factorization: Factorization,
        columns: Places | None = None,
        threads: int = 1,
        dtype: np.dtype[Any] | None = None,
        reader: FactorReader | None = None,
    ) -> None:
        self.factorization = factorization
        self.dtype = entry_dtype(factorization.dtype) if dtype is None else dtype
        self._reader = FactorReader(factorization, threads) if reader is None else reader
        self.working = self._reader.dtype
        self.threads = threads
        residual = factorization.residual
        chunks = len(residual.chunks) if residual is not None else 0
        self._recent = ChunkCache(partial(self._reader.chunk, "residual"), chunks, threads + 2)
        self._kept = None if factorization.kept is None else KeptRows(factorization)
        if self._kept is not None:
            chunks = len(self._kept.kept.chunks)
            self._recent = ChunkCache(self._kept.chunk, chunks, threads + 2)
        if columns is None or isinstance(columns, slice):
            start, stop, _ = (columns or slice(None)).indices(factorization.shape[1])
            self.columns: Places = slice(start, max(start, stop))
            self.width = max(start, stop) - start
        else:
            self.columns, self.width = columns, len(columns)
        self._means = DecodedMeans(factorization, self.columns, self._reader, threads)
        began = time.perf_counter()
        self.right = (
            self._reader.at("right", self.columns) if factorization.right is not None else None
        )
        if factorization.right is not None:
            logger.info(
                "decoding %d of %d columns of R, %d components: %.2f s",
                *(self.width, factorization.shape[1], factorization.rank),
                time.perf_counter() - began,
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # What was compressed takes the least room; it is decoded again where it arrives.
        arguments = self.factorization.held(), self.columns, self.threads, self.dtype
        return Reconstruction, arguments

    @property
    def block_rows(self) -> int:
        """Rows that are decoded at a time: about a megabyte."""
        return max(1, _BLOCK_BYTES // max(1, self.width * self.working.itemsize))

    @property
    def residual_rows(self) -> int:
        """Whole rows in a chunk of the residual, at least 1; 0 without a residual."""
        residual = self.factorization.residual
        if residual is None:
            return 0
        width = 1 if _by_columns(self.factorization) else self.factorization.shape[1]
        return max(1, residual.chunk_length // width)

    def product(self, left: NDArray[Any], rows: int | NDArray[np.int64]) -> NDArray[Any]:
        """Rows from one on, or those listed in ascending order, given their part of Lᵀ."""
        if self._kept is not None:
            return self._kept_rows(
                np.arange(rows, rows + left.shape[1]) if isinstance(rows, int) else rows
            )
        residual = None
        if self.factorization.residual is not None:
            if isinstance(rows, int):
                residual = self._residual_rows(rows, rows + left.shape[1])
            else:
                first, last = int(rows[0]), int(rows[-1])
                residual = self._residual_rows(first, last + 1)[rows - first]
        return self.combined(left, rows, residual)

    def combined(
        self,
        left: NDArray[Any],
        rows: int | NDArray[np.int64],
        residual: NDArray[Any] | None,
    ) -> NDArray[Any]:
        """Rows as `product` gives them, given their part of the residual too, which is changed."""
        # No writer makes them, but factors of a hostile file may have sums that are no numbers.
        with np.errstate(over="ignore", invalid="ignore"):
            if residual is None:
                out = self._of_factors(left)
            else:
                out = residual
                if self.right is not None:
                    out += left.T @ self.right
            self._means.add_to(out, rows)
            return cast(self._scaled(out), self.dtype)

    def _of_factors(self, left: NDArray[Any]) -> NDArray[Any]:
        if self.right is None:
            return np.zeros((left.shape[1], self.width), self.working)
        return np.asarray(left.T @ self.right)

    def blocks(self, rows: slice | None = None) -> Iterator[NDArray[Any]]:
        """Decode a range of rows block by block, in order, as `dtype`.

        Blocks are of a few megabytes whatever the matrix, so memory stays bounded.
        """
        start, stop, _ = (rows or slice(None)).indices(self.factorization.shape[0])
        stop = max(start, stop)
        began = time.perf_counter()
        for first, left in self._left_parts(start, stop):
            chunk = self.residual_rows
            height = max(1, self.block_rows // chunk) * chunk if chunk else self.block_rows
            task = partial(_block, self, left, first, height)
            yield from ordered_map(task, range(0, left.shape[1], height), self.threads)
        logger.info("rows %d to %d: %.2f s", start, stop, time.perf_counter() - began)

    def _left_parts(self, start: int, stop: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Lᵀ in parts of whole chunks; an empty stand-in for a matrix coded directly."""
        left = self.factorization.left
        if left is None:
            yield start, np.empty((0, stop - start), self.working)
            return
        step = left.chunk_length * max(1, self.threads)
        for first in range(start - start % step, stop, step):
            low, high = max(first, start), min(first + step, stop)
            yield low, self._reader.at("left", slice(low, high))

    def _residual_rows(self, start: int, stop: int) -> NDArray[Any]:
        """Rows of the residual, shape (stop - start, columns)."""
        residual, width = self.factorization.residual, self.factorization.shape[1]
        columns = self.columns
        if residual is None:
            raise ValueError("there is no residual")
        size = residual.chunk_length
        if not _by_columns(self.factorization):
            first, last = start * width, stop * width
            if residual.coding == "packed":  # of which any part decodes alone
                rows = decode_factor(residual, self.working, first, last)
            else:
                numbers = range(first // size, -(-last // size))
                parts = (
                    self._recent[k][0, max(first - k * size, 0) : last - k * size] for k in numbers
                )
                rows = np.concatenate(list(parts))
            return rows.reshape(-1, width)[:, columns]
        out = np.empty((stop - start, self.width), self.working)
        for number in range(start // size, -(-stop // size)):
            low, high = max(start, number * size), min(stop, (number + 1) * size)
            part = self._recent[number][columns, low - number * size : high - number * size]
            for first in range(0, len(part), _TURNED):
                out[low - start : high - start, first : first + _TURNED] = part[
                    first : first + _TURNED
                ].T
        return out

    def left_at(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Their part of Lᵀ, of rows listed in ascending order; empty without factors."""
        if self.factorization.left is None:
            return np.empty((0, len(rows)), self.working)
        return self._reader.at("left", rows)

    def _kept_rows(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Rows whose entries are kept, ascending, in the type asked for."""
        if self._kept is None:
            raise ValueError("no entries are kept")
        out = np.empty((len(rows), self.width), self.dtype)
        size = self._kept.kept.chunk_rows
        numbers, starts = np.unique(rows // size, return_index=True)
        for number, low, high in zip(numbers, starts, [*starts[1:], len(rows)], strict=True):
            mine = rows[low:high] - number * size
            whole = mine[-1] - mine[0] == len(mine) - 1
            part = taken(self._recent[int(number)], slice(mine[0], mine[-1] + 1) if whole else mine)
            out[low:high] = converted(part[:, self.columns], self.dtype)
        return out

    def _scaled(self, out: NDArray[Any]) -> NDArray[Any]:
        exponent = self.factorization.plan.exponent
        if exponent or (self.right is None and out.dtype == self.dtype):
            # Entries next to the largest representable must not round to infinity.
            largest = np.finfo(out.dtype).max
            if exponent:
                with np.errstate(over="ignore", under="ignore"):
                    np.ldexp(out, exponent, out=out)
            np.clip(out, -largest, largest, out=out)
        return out


def _by_columns(factorization: Factorization) -> bool:
    """Whether the residual is coded column by column, not as one run of all rows."""
    residual = factorization.residual
    return residual is not None and residual.length == factorization.shape[0]


def _block(
    reconstruction: Reconstruction, left: NDArray[Any], first: int, height: int, offset: int
) -> NDArray[Any]:
    return reconstruction.product(left[:, offset : offset + height], first + offset)
