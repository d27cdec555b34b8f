"""Sketching operators S (d x l), scaled so that E[S Sᵀ] = I.

Randomness comes from the counter-based generator Philox keyed by (seed, block of rows of S), so
that no part of S depends on another, and every process makes its own S from a few numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import Dense, RightOperand
from lplrcli.model.source import CsrRows

_KEY_ROWS = 4096
"""Rows of S made from one key."""

_GROUP_ROWS = 64
"""Rows made from one key of a matrix whose rows go with those of A: blocks have any height."""

_NONZEROS = 8
"""Nonzeros in each row of a sparse-sign sketch (Martinsson and Tropp 2020, section 9.2)."""


def sketching_operator(
    name: str, rows: int, columns: int, seed: int, dtype: np.dtype[Any]
) -> Sketch:
    """The sketching operator called `name`.

    Parameters
    ----------
    name : str
        One of `lplrcli.model.plan.SKETCHES`.
    rows, columns : int
        Its shape, d and l.
    seed : int
        Non-negative.
    dtype : numpy.dtype
        Working precision.
    """
    return Sketch(name, rows, columns, seed, dtype)


class Sketch:
    """A sketching operator that is drawn where it is first used; its description is pickled.

    Parameters
    ----------
    name, rows, columns, seed, dtype
        As for `sketching_operator`.
    """

    def __init__(self, name: str, rows: int, columns: int, seed: int, dtype: np.dtype[Any]) -> None:
        self.columns = columns
        self._arguments = name, rows, columns, seed, dtype
        self._lock = Lock()
        self._drawn: RightOperand | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Sketch, self._arguments

    @property
    def drawn(self) -> Any:
        """The operator itself: a `Dense`, `SubsampledHadamard` or `SparseSign`."""
        with self._lock:
            if self._drawn is None:
                name, rows, columns, seed, dtype = self._arguments
                self._drawn = _OPERATORS[name](rows, columns, seed, dtype)
            return self._drawn

    def multiply(self, values: NDArray[Any] | CsrRows) -> NDArray[Any]:
        """``values @ S``."""
        product: NDArray[Any] = self.drawn.multiply(values)
        return product


def gaussian_rows(
    seed: int, stream: int, start: int, stop: int, columns: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Rows ``start : stop`` of a Gaussian matrix that goes on for ever: iid N(0, 1).

    Parameters
    ----------
    seed : int
        Non-negative.
    stream : int
        1, 2 or 3: which of the matrices of a seed.
    start, stop : int
        The entries of a row do not depend on them.
    columns : int
        Its columns.
    dtype : numpy.dtype
        Working precision.
    """
    groups = range(start // _GROUP_ROWS, -(-stop // _GROUP_ROWS))
    # No block of a sketching operator has these keys.
    drawn = [
        _generator(seed, (stream << 60) + group).standard_normal((_GROUP_ROWS, columns))
        for group in groups
    ]
    first = groups.start * _GROUP_ROWS
    return np.concatenate(drawn)[start - first : stop - first].astype(dtype)


def _generator(seed: int, block: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array([seed, block], np.uint64)))


def _by_blocks(rows: int, draw: Any) -> NDArray[Any]:
    """Concatenate ``draw(generator index, rows in block)`` over the blocks of rows."""
    starts = range(0, rows, _KEY_ROWS)
    return np.concatenate([draw(k, min(_KEY_ROWS, rows - start)) for k, start in enumerate(starts)])


def _gaussian(rows: int, columns: int, seed: int, dtype: np.dtype[Any]) -> RightOperand:
    """Iid N(0, 1/l): Algorithm 1 of LPLR."""

    def draw(block: int, count: int) -> NDArray[Any]:
        return _generator(seed, block).standard_normal((count, columns))

    return Dense((_by_blocks(rows, draw) / np.sqrt(columns)).astype(dtype))


@dataclass(frozen=True)
class SubsampledHadamard:
    """D H P / sqrt(l): random signs, Hadamard transform, `columns` of its columns.

    Halko, Martinsson and Tropp 2011, section 4.6; d is padded with zeros to a power of two.

    Attributes
    ----------
    signs : ndarray, shape (d,)
        ±1.
    kept : ndarray of int64, shape (l,)
        Columns kept, drawn without replacement.
    """

    signs: NDArray[Any]
    kept: NDArray[np.int64]

    @property
    def columns(self) -> int:
        """Columns of the sketch."""
        return len(self.kept)

    def multiply(self, values: NDArray[Any] | CsrRows) -> NDArray[Any]:
        """``values @ S``; dense rows by the fast transform, sparse rows entry by entry."""
        if isinstance(values, CsrRows):
            return self._explicit.multiply(values)
        from lplrcli.kernels.hadamard import hadamard_rows

        width = 1 << (len(self.signs) - 1).bit_length()
        rows = np.zeros((len(values), width), self.signs.dtype)
        np.multiply(values, self.signs, out=rows[:, : len(self.signs)])
        hadamard_rows(rows)
        sketched: NDArray[Any] = rows[:, self.kept] * self.signs.dtype.type(self.columns**-0.5)
        return sketched

    @cached_property
    def _explicit(self) -> Dense:
        # Entry (i, j) of the Hadamard matrix is -1 to the number of ones that i and j share.
        shared = np.bitwise_count(np.arange(len(self.signs))[:, None] & self.kept)
        hadamard = 1 - 2 * (shared & 1).astype(self.signs.dtype)
        scale = self.signs.dtype.type(self.columns**-0.5)
        return Dense(self.signs[:, None] * hadamard * scale)


def _srht(rows: int, columns: int, seed: int, dtype: np.dtype[Any]) -> RightOperand:
    def draw(block: int, count: int) -> NDArray[Any]:
        return _generator(seed, block).integers(0, 2, count) * 2 - 1

    signs = _by_blocks(rows, draw).astype(dtype)
    width = 1 << (rows - 1).bit_length()
    # A key that no block of signs has.
    kept = _generator(seed, 2**63).choice(width, columns, replace=False)
    return SubsampledHadamard(signs, np.sort(kept))


@dataclass(frozen=True)
class SparseSign:
    """A few entries ±1/sqrt(z) in every row, in distinct columns.

    Attributes
    ----------
    places : ndarray of int32, shape (d, z)
        Columns of the nonzeros.
    signs : ndarray, shape (d, z)
        Their values.
    width : int
        Columns of the sketch.
    """

    places: NDArray[np.int32]
    signs: NDArray[Any]
    width: int

    @property
    def columns(self) -> int:
        """Columns of the sketch."""
        return self.width

    def multiply(self, values: NDArray[Any] | CsrRows) -> NDArray[Any]:
        """``values @ S``."""
        if isinstance(values, CsrRows):
            return self._explicit.multiply(values)
        from lplrcli.kernels.sparse import dense_times_sparse_sign

        out = np.zeros((len(values), self.width), self.signs.dtype)
        dense_times_sparse_sign(values, self.places, self.signs, out)
        return out

    @cached_property
    def _explicit(self) -> Dense:
        matrix = np.zeros((len(self.places), self.width), self.signs.dtype)
        np.put_along_axis(matrix, self.places.astype(np.int64), self.signs, axis=1)
        return Dense(matrix)


def _sparse_sign(rows: int, columns: int, seed: int, dtype: np.dtype[Any]) -> RightOperand:
    count = min(_NONZEROS, columns)

    def places(block: int, height: int) -> NDArray[Any]:
        order = _generator(seed, block).random((height, columns)).argpartition(count - 1, axis=1)
        return order[:, :count].astype(np.int32)

    def signs(block: int, height: int) -> NDArray[Any]:
        # Keys apart from those of the places.
        return _generator(seed, 2**62 + block).integers(0, 2, (height, count)) * 2 - 1

    values = (_by_blocks(rows, signs) / np.sqrt(count)).astype(dtype)
    return SparseSign(_by_blocks(rows, places), values, columns)


_OPERATORS = {"gaussian": _gaussian, "srht": _srht, "sparse-sign": _sparse_sign}
