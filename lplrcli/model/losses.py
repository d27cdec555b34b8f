"""Parts of a matrix that a damaged file lost: rows, columns and single runs of entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[int, int]
"""Start and stop of a run; the stop is not part of it."""


@dataclass(frozen=True, order=True)
class Rectangle:
    """Rectangular part of a matrix.

    Attributes
    ----------
    rows, columns : tuple of int
        Start and stop.
    """

    rows: Span
    columns: Span


@dataclass(frozen=True)
class Losses:
    """Rows, columns and parts of rows of a matrix that are lost.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the matrix.
    rows, columns : tuple of (start, stop)
        Runs of rows and columns that are lost whole, ascending; none overlaps or touches another.
    parts : tuple of Rectangle
        Parts of rows beyond these, ascending.

    Examples
    --------
    >>> losses = Losses.of((4, 5), [Rectangle((0, 2), (0, 5)), Rectangle((3, 4), (1, 3))])
    >>> losses.rows, losses.entries
    (((0, 2),), 12)
    """

    shape: tuple[int, int]
    rows: tuple[Span, ...] = ()
    columns: tuple[Span, ...] = ()
    parts: tuple[Rectangle, ...] = ()

    @classmethod
    def of(cls, shape: tuple[int, int], lost: Iterable[Rectangle]) -> Losses:
        """Combine losses, which may overlap.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the matrix.
        lost : iterable of Rectangle
            Lost parts of the matrix: whole rows, whole columns or parts of a single row.
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
        """Rectangles that cover all losses; they may overlap."""
        n, d = self.shape
        whole = [Rectangle(span, (0, d)) for span in self.rows]
        return [*whole, *(Rectangle((0, n), span) for span in self.columns), *self.parts]

    @property
    def entries(self) -> int:
        """Number of entries that are lost."""
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
        """Whether every entry is lost."""
        return self.entries == self.shape[0] * self.shape[1]


def rectangles_of(entries: Span, width: int) -> list[Rectangle]:
    """Split a run of entries in row order into whole rows, and parts of the rows at its ends.

    Parameters
    ----------
    entries : tuple of int
        Start and stop of the run.
    width : int
        Columns of the matrix.

    Examples
    --------
    >>> [(r.rows, r.columns) for r in rectangles_of((3, 12), width=5)]
    [((0, 1), (3, 5)), ((1, 2), (0, 5)), ((2, 3), (0, 2))]
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
    """Merge runs into as few as possible, ascending, that cover equal places."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((start, stop))
    return tuple(found)


def _length(spans: tuple[Span, ...]) -> int:
    return sum(stop - start for start, stop in spans)
