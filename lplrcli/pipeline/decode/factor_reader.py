"""Entries of the factors of one matrix: decoded, or from memory where they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.source import working_dtype
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.pipeline.decode.factors import Places, decode_at, decode_factor
from lplrcli.pipeline.decode.kept_arrays import WHOLE, KeptArrays


class Keeping(Enum):
    """What becomes of a chunk that had to be decoded."""

    ALWAYS = "always"
    IF_ROOM = "if there is room"
    NEVER = "never"


class FactorReader:
    """Reader of the factors of a matrix, by the names that `Factorization.parts` has.

    Arrays that it gives may be kept by others too: they are not to be changed.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    threads : int
        For the decoding of chunks.
    kept : KeptArrays, optional
        Chunks decoded before, shared with other readers of this matrix; without, only the entries
        asked for are decoded, each time.
    keeping : Keeping
        Which chunks are added to these.

    Attributes
    ----------
    dtype : numpy.dtype
        Type that entries are decoded to.
    """

    def __init__(
        self,
        factorization: Factorization,
        threads: int = 1,
        kept: KeptArrays | None = None,
        keeping: Keeping = Keeping.ALWAYS,
    ) -> None:
        self.dtype = decoded_dtype(factorization)
        self._factors = factorization.parts
        self._threads = threads
        self._kept = kept if kept is not None and kept.most > 0 else None
        self._keeping = keeping

    def whole(self, name: str) -> NDArray[Any]:
        """Every entry of a factor, shape (components, length), kept as one array."""
        factor = self._factors[name]
        values = self.at(name, slice(0, factor.length))
        if self._kept is not None and self._kept.get((name, WHOLE)) is None:
            self._keep(name, WHOLE, values)
            if self._kept.get((name, WHOLE)) is not None:
                self._kept.forget(name, but=WHOLE)
        return values

    def at(self, name: str, places: Places) -> NDArray[Any]:
        """Entries of every component at some places, shape (components, number of places)."""
        factor = self._factors[name]
        if self._kept is None:
            return decode_at(factor, self.dtype, places, self._threads)
        whole = self._kept.get((name, WHOLE))
        if whole is not None:
            return whole[:, places]
        if isinstance(places, slice):
            return self._range(name, factor, places.start, places.stop)
        numbers = places // factor.chunk_length
        out = np.empty((factor.components, len(places)), self.dtype)
        for number, values in self._chunks(name, factor, np.unique(numbers).tolist()).items():
            mine = numbers == number
            out[:, mine] = values[:, places[mine] - number * factor.chunk_length]
        return out

    def chunk(self, name: str, number: int) -> NDArray[Any]:
        """Entries of one chunk, shape (components, entries), decoded by the calling thread."""
        factor = self._factors[name]
        whole = None if self._kept is None else self._kept.get((name, WHOLE))
        if whole is not None:
            first = number * factor.chunk_length
            return whole[:, first : first + factor.chunk_length]
        return self._chunks(name, factor, [number], threads=1)[number]

    def _range(self, name: str, factor: QuantizedFactor, start: int, stop: int) -> NDArray[Any]:
        size = factor.chunk_length
        chunks = self._chunks(name, factor, range(start // size, -(-stop // size)))
        if len(chunks) == 1:
            ((number, values),) = chunks.items()
            return values[:, start - number * size : stop - number * size]
        out = np.empty((factor.components, max(0, stop - start)), self.dtype)
        for number, values in chunks.items():
            low, high = max(start, number * size), min(stop, (number + 1) * size)
            out[:, low - start : high - start] = values[
                :, low - number * size : high - number * size
            ]
        return out

    def _chunks(
        self,
        name: str,
        factor: QuantizedFactor,
        numbers: Iterable[int],
        threads: int | None = None,
    ) -> dict[int, NDArray[Any]]:
        """Chunks by their numbers, which ascend; what is not kept is decoded by runs."""
        found: dict[int, NDArray[Any]] = {}
        missing = []
        for number in numbers:
            values = None if self._kept is None else self._kept.get((name, number))
            if values is None:
                missing.append(number)
            else:
                found[number] = values
        size = factor.chunk_length
        for run in _runs(missing):
            first, last = run[0] * size, min((run[-1] + 1) * size, factor.length)
            decoded = decode_factor(factor, self.dtype, first, last, threads or self._threads)
            for number in run:
                part = decoded[:, number * size - first : (number + 1) * size - first]
                # A view would keep the whole run in memory.
                found[number] = part if len(run) == 1 else part.copy()
                self._keep(name, number, found[number])
        return dict(sorted(found.items()))

    def _keep(self, name: str, number: int, values: NDArray[Any]) -> None:
        if self._kept is not None and self._keeping is not Keeping.NEVER:
            self._kept.put((name, number), values, displace=self._keeping is Keeping.ALWAYS)


def decoded_dtype(factorization: Factorization) -> np.dtype[Any]:
    """Type that factors and rows of a matrix are decoded in, before entries are rounded."""
    original = entry_dtype(factorization.dtype)
    if on_a_lattice(factorization):
        # Multiples of a step are rounded once, to the original type: a lattice is restored.
        # Decoded at once to float32, if that is the type and no exponent follows.
        whole = original == np.float32 and factorization.plan.exponent == 0
        return np.dtype(np.float32 if whole else np.float64)
    return working_dtype(original)


def on_a_lattice(factorization: Factorization) -> bool:
    """Whether entries are exact multiples of a step, of which none is the sum of several."""
    if factorization.kept is not None:
        return True
    residual, others = factorization.residual, (factorization.left, *factorization.means)
    if residual is None or any(factor is not None for factor in others):
        return False
    return residual.coding == "rans" and residual.transform == "identity"


def _runs(numbers: list[int]) -> list[list[int]]:
    """Cut ascending numbers where one is left out."""
    ends = [i + 1 for i, (a, b) in enumerate(pairwise(numbers)) if b > a + 1]
    bounds = [0, *ends, len(numbers)]
    return [numbers[start:stop] for start, stop in pairwise(bounds) if stop > start]
