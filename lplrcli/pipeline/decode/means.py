"""Mean row and mean column of a compressed matrix: decoded, and added to its rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import Factorization
from lplrcli.pipeline.decode.chunk_cache import ChunkCache
from lplrcli.pipeline.decode.factor_reader import FactorReader
from lplrcli.pipeline.decode.factors import Places


class DecodedMeans:
    """Means of a compressed matrix, as its rows need them.

    The mean row is decoded once; of the mean column the chunks that hold the rows asked for.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    columns : slice or ndarray of int64
        Which entries of a row are wanted.
    reader : FactorReader
        Gives the entries of both.
    threads : int
        How many ask for rows at once.
    """

    def __init__(
        self, factorization: Factorization, columns: Places, reader: FactorReader, threads: int
    ) -> None:
        self.dtype = reader.dtype
        row, self._column = factorization.mean_row, factorization.mean_column
        self._row = None if row is None else reader.at("mean_row", columns)
        count = 0 if self._column is None else len(self._column.chunks)
        self._recent = ChunkCache(partial(reader.chunk, "mean_column"), count, threads + 2)

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
