"""Parts of a compressed array: only the rows, columns and chunks that they need are decoded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import Factorization
from lplrcli.model.indexing import Box, Positions
from lplrcli.model.selection import Selection
from lplrcli.pipeline.decode.factor_reader import FactorReader
from lplrcli.pipeline.decode.factors import Places
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.runtime.parallel import ordered_map

_SLAB_BYTES = 2**22
"""Bytes of a slab of columns, in float64."""


class Part:
    """The part of a compressed array that a selection chooses.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    selection : Selection or Box
        What of its array is wanted.
    threads : int
        For the decoding of chunks.
    dtype : numpy.dtype, optional
        Type of the result; the original one by default.
    reader : FactorReader, optional
        Gives the entries of factors; by default one that keeps nothing.

    Attributes
    ----------
    shape : tuple of int
        Shape of the result.
    row_axes : int
        How many leading axes of the result `blocks` has as rows, all in one.
    rows : int
        How many rows these are.
    """

    def __init__(
        self,
        factorization: Factorization,
        selection: Selection | Box,
        threads: int = 1,
        dtype: np.dtype[Any] | None = None,
        reader: FactorReader | None = None,
    ) -> None:
        self.shape = selection.shape
        self._flips = selection.flips
        ranges: tuple[Positions, ...] = selection.forwards.ranges
        unfold = factorization.unfold
        shape = factorization.array_shape
        self.row_axes = sum(axis < unfold for axis in selection.kept)
        self.rows = math.prod(self.shape[: self.row_axes])
        self._rows = _flattened(ranges[:unfold], shape[:unfold])
        columns = _flattened(ranges[unfold:], shape[unfold:])
        self._reconstruction = Reconstruction(factorization, columns, threads, dtype, reader)

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Blocks of whole rows, in ascending order along every axis."""
        if isinstance(self._rows, slice):
            yield from self._reconstruction.blocks(self._rows)
        elif len(self._rows):
            yield from _blocks_at(self._reconstruction, self._rows)

    def array(self) -> NDArray[Any]:
        """The whole result, in memory."""
        width = math.prod(self.shape[self.row_axes :])
        out = np.empty((self.rows, width), self._reconstruction.dtype)
        row = 0
        for block in self.blocks():
            out[row : row + len(block)] = block
            row += len(block)
        return out.reshape(self.shape)[self._flips]


def column_slabs(
    factorization: Factorization, selection: Selection, threads: int, dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """Decode a selection of two axes by slabs of whole columns, for formats that store columns."""
    rows, columns = selection.shape
    step = max(1, _SLAB_BYTES // max(1, 8 * rows))
    for start in range(0, columns, step):
        slab = selection.narrowed(selection.kept[1], start, start + step)
        yield Part(factorization, slab, threads, dtype).array()


def _flattened(ranges: tuple[Positions, ...], grid: tuple[int, ...]) -> Places:
    """Where the points of a box of a grid are, once the grid is flattened; all ascending."""
    if not all(len(each) for each in ranges):
        return slice(0, 0)
    first = next((axis for axis, each in enumerate(ranges) if len(each) > 1), len(ranges))
    whole = all(len(r) == g for r, g in zip(ranges[first + 1 :], grid[first + 1 :], strict=True))
    if whole and all(_gapless(each) for each in ranges[first : first + 1]):
        corner = 0
        for each, extent in zip(ranges, grid, strict=True):
            corner = corner * extent + int(each[0])
        return slice(corner, corner + math.prod(map(len, ranges)))
    places = np.zeros(1, np.int64)
    for each, extent in zip(ranges, grid, strict=True):
        along = np.asarray(each, np.int64)
        places = np.add.outer(places * extent, along).reshape(-1)
    return places


def _gapless(positions: Positions) -> bool:
    return int(positions[-1]) - int(positions[0]) == len(positions) - 1


def _blocks_at(reconstruction: Reconstruction, rows: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
    """Decode single rows, ascending, block by block."""
    left = reconstruction.factorization.left
    threads = max(1, reconstruction.threads)
    step = len(rows) if left is None else left.chunk_length * threads
    for group in [rows] if left is None else np.split(rows, _ends(rows // step)):
        task = partial(_block_at, reconstruction, reconstruction.left_at(group), group)
        yield from ordered_map(task, _pieces(reconstruction, group), threads)


def _pieces(reconstruction: Reconstruction, rows: NDArray[np.int64]) -> Iterator[slice]:
    """Cut rows into blocks that are small, and each within one chunk of the residual."""
    chunk = reconstruction.residual_rows
    ends = [0, *_ends(rows // chunk).tolist(), len(rows)] if chunk else [0, len(rows)]
    height = reconstruction.block_rows
    for begin, end in pairwise(ends):
        for start in range(begin, end, height):
            yield slice(start, min(start + height, end))


def _ends(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a run of equal numbers ends and another begins."""
    return np.flatnonzero(np.diff(groups)) + 1


def _block_at(
    reconstruction: Reconstruction, left: NDArray[Any], rows: NDArray[np.int64], piece: slice
) -> NDArray[Any]:
    return reconstruction.product(left[:, piece], rows[piece])
