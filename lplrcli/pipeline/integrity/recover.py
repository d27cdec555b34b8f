"""What is left of a matrix in a damaged file: all that no lost chunk has a part in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.container.chunks import RemainingChunks
from lplrcli.errors import CorruptSectionError, PlanError
from lplrcli.model.compressed import Factorization
from lplrcli.model.losses import Losses, Rectangle, Span, rectangles_of
from lplrcli.model.selection import Selection
from lplrcli.pipeline.decode.array_part import Part, column_slabs
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.pipeline.decode.memory_needs import require_for_decoding, require_for_verifying
from lplrcli.pipeline.integrity.lost_chunks import LostChunks, Observer, lost_chunks


@dataclass(frozen=True)
class LostPart:
    """What depends on lost chunks.

    Attributes
    ----------
    chunks : LostChunks
        Which, and why they are lost.
    axis : str
        ``rows`` or ``columns`` of the matrix, or ``entries`` in row order.
    span : tuple of int
        The first of them, and the one after the last.
    """

    chunks: LostChunks
    axis: str
    span: Span

    def rectangles(self, shape: tuple[int, int]) -> list[Rectangle]:
        """Where they are in a matrix of a shape."""
        if self.axis == "entries":
            return rectangles_of(self.span, shape[1])
        rows, columns = ((0, extent) for extent in shape)
        if self.axis == "rows":
            return [Rectangle(self.span, columns)]
        return [Rectangle(rows, self.span)]

    def entries(self, shape: tuple[int, int]) -> int:
        """How many they are in a matrix of a shape."""
        count = self.span[1] - self.span[0]
        return count * {"rows": shape[1], "columns": shape[0], "entries": 1}[self.axis]


class Recovery:
    """A matrix of a damaged file, as far as it can be decoded.

    A chunk of kept entries, of L, of the mean column or of a residual coded by columns is lost
    with its rows, one of R or of the mean row with its columns, one of a residual in row order
    with its entries; of a basis, or of a factor under the transform ``klt``, everything depends
    on every chunk. What is left is what the whole file decodes to, bit for bit.

    Parameters
    ----------
    factorization : Factorization
        Its chunks are those of a salvaged file: see
        `lplrcli.container.salvage.Salvage.factorization`.
    path : str
        Name of the file, for messages.
    threads : int
        Chunks are decoded in parallel.
    dtype : numpy.dtype, optional
        Type of the entries. By default the original one; where that holds no NaN, entries are
        lost and nothing else is to stand for them, float32 if it holds all values of the original
        type, else float64.
    fill : float, optional
        Stands for what is lost; NaN by default.
    observe : callable, optional
        For a progress bar while chunks are tried.

    Attributes
    ----------
    losses : Losses
        What is lost.
    lost : tuple of LostPart
        And why.
    dtype : numpy.dtype
        Type of the entries.
    chunks : dict
        For each factor, by name, how many chunks are left, and how many there were.

    Raises
    ------
    CorruptSectionError
        Nothing is left.
    PlanError
        The type does not hold what is to stand for lost entries.
    MemoryLimitError
        Less memory is allowed than decoding needs.
    """

    def __init__(
        self,
        factorization: Factorization,
        path: str,
        threads: int = 1,
        dtype: np.dtype[Any] | None = None,
        fill: float | None = None,
        observe: Observer | None = None,
    ) -> None:
        require_for_verifying(factorization, threads, path)
        chunks = lost_chunks(factorization, threads, observe)
        self.lost = tuple(_placed(factorization, each) for each in chunks)
        places = (each.rectangles(factorization.shape) for each in self.lost)
        self.losses = Losses.of(factorization.shape, chain.from_iterable(places))
        if self.losses.everything:
            worst = max(self.lost, key=lambda each: each.entries(factorization.shape)).chunks.error
            raise CorruptSectionError(
                f"nothing of the matrix is left: {worst.sentence}",
                path=path,
                found=worst.found,
                expected=worst.expected,
            )
        require_for_decoding(factorization, threads, path)
        self.shape = factorization.array_shape
        self.chunks = {
            side: (len(factor.chunks) - sum(map(len, self._lost_of(side))), len(factor.chunks))
            for side, factor in factorization.parts.items()
        }
        if factorization.kept is not None:
            count = len(factorization.kept.chunks)
            self.chunks["kept"] = count - sum(map(len, self._lost_of("kept"))), count
        original = entry_dtype(factorization.dtype)
        self._decoded_as = original if dtype is None else dtype
        self._fill = math.nan if fill is None else fill
        self.dtype = self._decoded_as
        if self.losses.entries:
            if dtype is None and fill is None and original.kind in "iub":
                self.dtype = _floating(original)
            _check_fill(self._fill, self.dtype, path)
        self._threads = threads
        self._factorization = self._remaining(factorization)

    @property
    def whole(self) -> bool:
        """Whether nothing is lost."""
        return not self.losses.entries

    @property
    def unfold(self) -> int:
        """How many leading axes of the array are the rows of the matrix."""
        return self._factorization.unfold

    def slabs(self, order: str = "rows") -> Iterator[NDArray[Any]]:
        """Decode the matrix slab by slab: whole rows, or whole columns, from the first on."""
        whole = Selection.whole(self.shape)
        arguments = (self._factorization, whole, self._threads, self._decoded_as)
        along = 0 if order == "rows" else 1
        start = 0
        for slab in Part(*arguments).blocks() if along == 0 else column_slabs(*arguments):
            corner = (start, 0) if along == 0 else (0, start)
            start += slab.shape[along]
            yield self._marked(slab.astype(self.dtype, copy=False), corner)

    def array(self) -> NDArray[Any]:
        """The whole array, in memory."""
        out = np.empty(self.losses.shape, self.dtype)
        row = 0
        for slab in self.slabs():
            out[row : row + len(slab)] = slab
            row += len(slab)
        return out.reshape(self.shape)

    def _marked(self, slab: NDArray[Any], corner: tuple[int, int]) -> NDArray[Any]:
        """Put what stands for lost entries into a slab, whose first entry is at `corner`."""
        for lost in self.losses.rectangles:
            places = tuple(
                slice(max(start - first, 0), max(stop - first, 0))
                for (start, stop), first in zip((lost.rows, lost.columns), corner, strict=True)
            )
            slab[places] = self._fill
        return slab

    def _lost_of(self, side: str) -> list[range]:
        return [each.chunks.numbers for each in self.lost if each.chunks.factor == side]

    def _remaining(self, factorization: Factorization) -> Factorization:
        """The matrix with empty chunks where they are lost."""
        factors: dict[str, Any] = {}
        for name in ("left", "right", "residual", "mean_row", "mean_column"):
            factor = getattr(factorization, name)
            factors[name] = (
                None
                if factor is None
                else replace(factor, chunks=self._without_lost(name, factor.chunks))
            )
        kept = factorization.kept
        if kept is not None:
            factors["kept"] = replace(kept, chunks=self._without_lost("kept", kept.chunks))
        return replace(factorization, **factors)

    def _without_lost(self, side: str, chunks: Sequence[bytes]) -> Sequence[bytes]:
        lost = self._lost_of(side)
        # Missing ones may be far more than a file has room for; those present are counted.
        present = getattr(chunks, "present", range(len(chunks)))
        remaining = frozenset(present) - {numbers[0] for numbers in lost}
        return RemainingChunks(chunks, remaining) if lost else chunks


def _placed(factorization: Factorization, chunks: LostChunks) -> LostPart:
    if factorization.kept is not None:
        size, rows = factorization.kept.chunk_rows, factorization.shape[0]
        span = chunks.numbers.start * size, min(chunks.numbers.stop * size, rows)
        return LostPart(chunks, "rows", span)
    factor = factorization.parts[chunks.factor]
    start = chunks.numbers.start * factor.chunk_length
    span = start, min(chunks.numbers.stop * factor.chunk_length, factor.length)
    if chunks.factor in ("left", "mean_column"):
        return LostPart(chunks, "rows", span)
    if chunks.factor in ("right", "mean_row"):
        return LostPart(chunks, "columns", span)
    if chunks.factor == "residual":
        by_columns = factor.length == factorization.shape[0]
        return LostPart(chunks, "rows" if by_columns else "entries", span)
    # Of a basis: every row or every column depends on all of it.
    side = chunks.factor.startswith("right")
    return LostPart(chunks, "columns" if side else "rows", (0, factorization.shape[side]))


def _floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of numbers and NaN that integers of a type become."""
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def _check_fill(fill: float, dtype: np.dtype[Any], path: str) -> None:
    """Refuse what a type does not hold."""
    if dtype.kind in "iub":
        low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        expected = f"an integer from {low} to {high}"
        holds = math.isfinite(fill) and fill == int(fill) and low <= fill <= high
    else:
        expected = "a number that is finite in it, or NaN"
        with np.errstate(over="ignore"):
            holds = math.isnan(fill) or bool(np.isfinite(np.float64(fill).astype(dtype)))
    if not holds:
        raise PlanError(
            f"the type {dtype.name} does not hold what is to stand for lost entries",
            path=path,
            found=fill,
            expected=expected,
            advice="Choose another with --fill, or a floating-point type with --dtype.",
        )
