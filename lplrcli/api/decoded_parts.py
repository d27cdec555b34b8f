"""Factors and means of a compressed matrix as numbers, products with them, and parts of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import scaled
from lplrcli.model.compressed import Factorization
from lplrcli.model.indexing import Box, Gathering, Positions
from lplrcli.model.selection import Selection
from lplrcli.model.source import working_dtype
from lplrcli.pipeline.decode.array_part import Part
from lplrcli.pipeline.decode.entry_types import cast, entry_dtype
from lplrcli.pipeline.decode.factor_reader import FactorReader, Keeping
from lplrcli.pipeline.decode.kept_arrays import WHOLE, KeptArrays
from lplrcli.pipeline.decode.kept_chunks import KeptRows
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.decode.singular_vectors import Decomposition, decoded_factors, decompose

_MATRIX = ("matrix", WHOLE)

_BOX_ENTRIES = 2**22
"""Entries that are decoded at a time for single points."""


class DecodedParts:
    """Parts of a matrix A (n x d), decoded when they are first asked for, and kept.

    What is kept in `kept` are decoded chunks, L and R, and all of A where products need it: where
    there is a residual, or where products with L and R would take longer.

    Parameters
    ----------
    factorization : Factorization
        The matrix in compressed form.
    threads : int
        The result does not depend on it.
    name : str or None
        Names the file in messages, if there is one.
    cache_bytes : int
        Most bytes of what is kept.
    """

    def __init__(
        self, factorization: Factorization, threads: int, name: str | None, cache_bytes: int
    ) -> None:
        self.kept = KeptArrays(cache_bytes)
        self._factorization = factorization
        self._threads = threads
        self._name = name
        self._dtype = entry_dtype(factorization.dtype)
        self._working = working_dtype(self._dtype)
        self._exponent = factorization.plan.exponent
        self._reader = FactorReader(factorization, threads, self.kept)
        self._building = Lock()

    @property
    def factors(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """L, shape (n, r), and R, shape (r, d), over ``2**plan.exponent``."""
        return decoded_factors(self._factorization, self._reader, self._name)

    @property
    def means(self) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        """Mean row and mean column, over ``2**plan.exponent``; None where they are not stored."""
        row, column = (
            None if mean is None else self._reader.whole(name)[0]
            for name, mean in zip(
                ("mean_row", "mean_column"), self._factorization.means, strict=True
            )
        )
        return row, column

    @cached_property
    def decomposition(self) -> Decomposition:
        """Singular value decomposition of L R."""
        return decompose(*self.factors, self._exponent, self._name)

    def part(self, chosen: Selection | Box) -> NDArray[Any]:
        """Part of the array, rounded to the original type; an array of its own."""
        matrix = self.kept.get(_MATRIX)
        if matrix is None:
            return Part(self._factorization, chosen, self._threads, reader=self._reader).array()
        array = matrix.reshape(self._factorization.array_shape)
        places = [_slice_of(each) for each in chosen.forwards.ranges]
        if all(isinstance(each, slice) for each in places):
            found = array[tuple(places)]
        else:
            found = array[np.ix_(*(np.asarray(each) for each in chosen.forwards.ranges))]
        values = cast(found.reshape(chosen.shape)[chosen.flips], self._dtype)
        return values.copy() if np.shares_memory(values, matrix) else values

    def gathered(self, chosen: Gathering) -> NDArray[Any]:
        """Part of the array that an index of any kind selects; an array of its own."""
        points = chosen.points
        if points is None or math.prod(chosen.box.shape) <= _BOX_ENTRIES:
            part: NDArray[Any] = self.part(chosen.box)[chosen.index]
            return part
        return self._at(tuple(each.ravel() for each in points)).reshape(points[0].shape)[()]

    def _at(self, points: tuple[NDArray[np.int64], ...]) -> NDArray[Any]:
        """Single entries, by boxes of few positions along the first axis."""
        out = np.empty(len(points[0]), self._dtype)
        order = np.argsort(points[0], kind="stable")
        _, inside = np.unique(points[0][order], return_inverse=True)
        others = math.prod(len(np.unique(each)) for each in points[1:])
        group = inside // max(1, _BOX_ENTRIES // others)
        for some in np.split(order, np.flatnonzero(np.diff(group)) + 1):
            index = tuple(each[some] for each in points)
            piece = Gathering.of(index, self._factorization.array_shape)
            out[some] = self.part(piece.box)[piece.index]
        return out

    def times(self, x: Any) -> NDArray[Any]:
        """``A x`` for x of shape (d,) or (d, k), dense or sparse.

        Raises
        ------
        ValueError
            If x has another shape.
        """
        self._check_operand(x, x.shape[0] if x.ndim in (1, 2) else None, 1)
        if self._sparse is not None:
            return np.concatenate([part @ x for part in self._sparse_parts()])
        if self._by_factors():
            left, right = self.factors
            product = left @ (right @ x)
            mean_row, mean_column = self.means
            if mean_row is not None:
                product = product + mean_row @ x
            if mean_column is not None:
                product = product + np.multiply.outer(mean_column, _sums(x, 0))
            return scaled(product, self._exponent)
        matrix = self._matrix()
        product = (
            np.concatenate([block @ x for block in self.blocks()]) if matrix is None else matrix @ x
        )
        return self._typed(product, x)

    def left_times(self, x: Any) -> NDArray[Any]:
        """``x A`` for x of shape (n,) or (k, n), dense or sparse.

        Raises
        ------
        ValueError
            If x has another shape.
        """
        self._check_operand(x, x.shape[-1] if x.ndim in (1, 2) else None, 0)
        if self._by_factors():
            left, right = self.factors
            product = (x @ left) @ right
            mean_row, mean_column = self.means
            if mean_row is not None:
                product = product + np.multiply.outer(_sums(x, -1), mean_row)
            if mean_column is not None:
                product = product + (x @ mean_column)[..., None]
            return scaled(product, self._exponent)
        matrix = self._matrix() if self._sparse is None else None
        if matrix is not None:
            return self._typed(x @ matrix, x)
        if not isinstance(x, np.ndarray):
            x = x.tocsc() if x.ndim == 2 else x.toarray()
        total: Any = 0
        row = 0
        blocks = self.blocks() if self._sparse is None else self._sparse_parts()
        for block in blocks:
            rows = slice(row, row + block.shape[0])
            total = total + (x[rows] if x.ndim == 1 else x[:, rows]) @ block
            row += block.shape[0]
        return self._typed(total, x)

    def blocks(self, keeping: Keeping = Keeping.IF_ROOM) -> Iterator[NDArray[Any]]:
        """All rows of A, block by block, not rounded to the original type."""
        # Integers of a narrow type would wrap in a product. What is read from first to last does
        # not displace what is kept: each chunk would be gone when its turn comes again.
        reader = FactorReader(self._factorization, self._threads, self.kept, keeping)
        whole = Reconstruction(
            self._factorization, threads=self._threads, dtype=reader.dtype, reader=reader
        )
        return whole.blocks()

    def _by_factors(self) -> bool:
        """Whether products are those with L and R, not with all of A."""
        rows, columns = self._factorization.shape
        if self._factorization.residual is not None or self._factorization.kept is not None:
            return False
        fewer = self._factorization.rank * (rows + columns) <= rows * columns
        return fewer or not self._has_room()

    def _has_room(self) -> bool:
        """Whether all of A could be kept."""
        entries = math.prod(self._factorization.shape)
        return entries * self._reader.dtype.itemsize <= self.kept.most

    def _matrix(self) -> NDArray[Any] | None:
        """All of A, not rounded, if it has room among what is kept."""
        if not self._has_room():
            return None
        with self._building:
            matrix = self.kept.get(_MATRIX)
            if matrix is None:
                matrix = np.empty(self._factorization.shape, self._reader.dtype)
                row = 0
                for block in self.blocks(Keeping.NEVER):
                    matrix[row : row + len(block)] = block
                    row += len(block)
                self.kept.forget("residual")  # the matrix serves all that asks for it
                self.kept.put(_MATRIX, matrix)
        return matrix

    def _typed(self, product: NDArray[Any], x: Any) -> NDArray[Any]:
        # A lattice is decoded in float64, whatever it is a lattice of.
        return product.astype(np.result_type(self._working, x.dtype), copy=False)

    @property
    def _sparse(self) -> KeptRows | None:
        """The entries of a sparse matrix that are stored as such."""
        kept = self._factorization.kept
        return KeptRows(self._factorization) if kept is not None and kept.sparse else None

    def _sparse_parts(self) -> Iterator[Any]:
        """Rows of a sparse matrix as SciPy has them, chunk by chunk, in the working precision."""
        import scipy.sparse as sp

        rows = KeptRows(self._factorization)
        for number in range(len(rows.kept.chunks)):
            part = rows.sparse_chunk(number)
            data = part.data.astype(self._working)
            yield sp.csr_array((data, part.indices, part.indptr), shape=part.shape)

    def _check_operand(self, x: Any, found: int | None, side: int) -> None:
        rows, columns = shape = self._factorization.shape
        if found != shape[side]:
            raise ValueError(
                f"cannot multiply a {rows} x {columns} matrix and an array of shape {x.shape}"
            )


def _slice_of(positions: Positions) -> slice | NDArray[np.int64]:
    if isinstance(positions, range):
        return slice(positions.start, positions.stop, positions.step)
    return positions


def _sums(x: Any, axis: int) -> NDArray[Any]:
    """Sums along an axis, as an array whatever `x` is."""
    sums = np.asarray(x.sum(axis=axis))
    return sums.reshape(x.shape[1:] if axis == 0 else x.shape[:-1])
