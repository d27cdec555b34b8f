"""Mean row and mean column of a compressed matrix: decoded, and added to its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import Factorization
from lplrcli.pipeline.decode.chunk_cache import RecentChunks
from lplrcli.pipeline.decode.factors import Places, decode_at, decode_factor


class DecodedMeans:
    """Means of a compressed matrix, as its rows need them.

    The mean row is decoded once; of the mean column the chunks that hold the rows asked for.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    columns : slice or ndarray of int64
        Which entries of a row are wanted.
    dtype : numpy.dtype
        That rows are computed in.
    threads : int
        For the decoding of chunks.
    """

    def __init__(
        self, factorization: Factorization, columns: Places, dtype: np.dtype[Any], threads: int
    ) -> None:
        self.dtype = dtype
        row, self._column = factorization.mean_row, factorization.mean_column
        self._row = None if row is None else decode_at(row, dtype, columns, threads)
        count = 0 if self._column is None else len(self._column.chunks)
        self._recent = RecentChunks(self._column_chunk, count, threads + 2)

    def add_to(self, values: NDArray[Any], rows: int | NDArray[np.int64]) -> None:
        """Add the means to rows from one on, or to those listed in ascending order, in place."""
        if self._row is not None:
            values += self._row
        if self._column is not None:
            places = np.arange(rows, rows + len(values)) if isinstance(rows, int) else rows
            values += self._of_rows(places, self._column.chunk_length)[:, None]

    def _of_rows(self, places: NDArray[np.int64], size: int) -> NDArray[Any]:
        out = np.empty(len(places), self.dtype)
        numbers = places // size
        for number in np.unique(numbers):
            mine = numbers == number
            out[mine] = self._recent[int(number)][0, places[mine] - number * size]
        return out

    def _column_chunk(self, number: int) -> NDArray[Any]:
        if self._column is None:
            raise ValueError("there is no mean column")
        start = number * self._column.chunk_length
        stop = min(start + self._column.chunk_length, self._column.length)
        return decode_factor(self._column, self.dtype, start, stop)
