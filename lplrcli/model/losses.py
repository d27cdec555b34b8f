"""Parts of a matrix that are lost: which rows, which columns, which entries besides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[int, int]
"""First of a run, and the one after its last."""


@dataclass(frozen=True, order=True)
class Rectangle:
    """Some rows of a matrix, of some columns.

    Attributes
    ----------
    rows, columns : tuple of int
        First, and the one after the last.
    """

    rows: Span
    columns: Span


@dataclass(frozen=True)
class Losses:
    """What of a matrix is lost.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the matrix.
    rows, columns : tuple of (start, stop)
        Those that are lost whole, ascending; none overlaps or touches another.
    parts : tuple of Rectangle
        Parts of rows beyond those, ascending.
    """

    shape: tuple[int, int]
    rows: tuple[Span, ...] = ()
    columns: tuple[Span, ...] = ()
    parts: tuple[Rectangle, ...] = ()

    @classmethod
    def of(cls, shape: tuple[int, int], lost: Iterable[Rectangle]) -> Losses:
        """Put together what is lost for one reason or another.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        lost : iterable of Rectangle
            Within the matrix; what is neither whole rows nor whole columns is part of one row.
        """
        given = set(lost)
        rows = merged(each.rows for each in given if each.columns == (0, shape[1]))
        columns = merged(each.columns for each in given if each.rows == (0, shape[0]))
        parts = sorted(
            each
            for each in given
            if each.columns != (0, shape[1])
            and each.rows != (0, shape[0])
            and not any(start <= each.rows[0] < stop for start, stop in rows)
        )
        return cls(shape, rows, columns, tuple(parts))

    @property
    def rectangles(self) -> list[Rectangle]:
        """All that is lost; these may overlap."""
        n, d = self.shape
        whole = [Rectangle(span, (0, d)) for span in self.rows]
        return [*whole, *(Rectangle((0, n), span) for span in self.columns), *self.parts]

    @property
    def entries(self) -> int:
        """How many entries are lost."""
        n, d = self.shape
        rows, columns = _length(self.rows), _length(self.columns)
        count = rows * d + columns * (n - rows)
        for part in self.parts:
            start, stop = part.columns
            covered = sum(max(0, min(stop, b) - max(start, a)) for a, b in self.columns)
            count += (part.rows[1] - part.rows[0]) * (stop - start - covered)
        return count

    @property
    def everything(self) -> bool:
        """Whether nothing is left."""
        return self.entries == self.shape[0] * self.shape[1]


def rectangles_of(entries: Span, width: int) -> list[Rectangle]:
    """Where a run of entries in row order lies: whole rows, and parts of those at its ends.

    Parameters
    ----------
    entries : tuple of int
        First, and the one after the last.
    width : int
        Columns.
    """
    (first, left), (last, right) = divmod(entries[0], width), divmod(entries[1], width)
    if first == last:
        return [Rectangle((first, first + 1), (left, right))]
    found = []
    if left:
        found.append(Rectangle((first, first + 1), (left, width)))
        first += 1
    if first < last:
        found.append(Rectangle((first, last), (0, width)))
    if right:
        found.append(Rectangle((last, last + 1), (0, right)))
    return found


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same places, ascending, in as few runs as that takes."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((start, stop))
    return tuple(found)


def _length(spans: tuple[Span, ...]) -> int:
    return sum(stop - start for start, stop in spans)
