"""Parts of an array by NumPy's basic indexing: integers, slices and an ellipsis."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import SupportsIndex

Index = SupportsIndex | slice | EllipsisType
"""Index of one axis, or of the axes that an ellipsis stands for."""


@dataclass(frozen=True)
class Selection:
    """Part of an array that an index selects.

    Attributes
    ----------
    ranges : tuple of range
        Positions along each axis of the array.
    kept : tuple of int
        Axes of the array that the result has; axes indexed by an integer are dropped.

    Examples
    --------
    >>> chosen = Selection.of((10, ..., slice(32, 64)), (1000, 128, 128))
    >>> chosen.shape
    (128, 32)
    >>> chosen.ranges
    (range(10, 11), range(0, 128), range(32, 64))
    """

    ranges: tuple[range, ...]
    kept: tuple[int, ...]

    @classmethod
    def of(cls, index: Index | tuple[Index, ...], array_shape: tuple[int, ...]) -> Selection:
        """Find what `index` selects from an array of this shape, by NumPy's rules.

        Raises
        ------
        IndexError
            There are too many indices, or one is out of range.
        TypeError
            An index is neither an integer, nor a slice, nor an ellipsis.
        """
        given = list(index) if isinstance(index, tuple) else [index]
        dots = [place for place, one in enumerate(given) if one is Ellipsis]
        if len(dots) > 1:
            raise IndexError("an index can have only a single ellipsis, '...'")
        axes = len(array_shape)
        if len(given) - len(dots) > axes:
            raise IndexError(
                f"too many indices: the array has {axes} axes, {len(given) - len(dots)} were given"
            )
        place = dots[0] if dots else len(given)
        given[place : place + len(dots)] = [slice(None)] * (axes - len(given) + len(dots))
        ranges = tuple(
            _positions(one, extent) for one, extent in zip(given, array_shape, strict=True)
        )
        return cls(ranges, tuple(axis for axis in range(axes) if isinstance(given[axis], slice)))

    @classmethod
    def whole(cls, array_shape: tuple[int, ...]) -> Selection:
        """Select the whole array."""
        return cls.of(..., array_shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        return tuple(len(self.ranges[axis]) for axis in self.kept)

    @property
    def forwards(self) -> Selection:
        """Selection of equal positions in ascending order along every axis."""
        return replace(self, ranges=tuple(r if r.step > 0 else r[::-1] for r in self.ranges))

    @property
    def flips(self) -> tuple[slice, ...]:
        """Index that turns the result of `forwards` into that of this selection."""
        return tuple(slice(None, None, 1 if self.ranges[a].step > 0 else -1) for a in self.kept)

    def narrowed(self, axis: int, start: int, stop: int) -> Selection:
        """Keep positions `start` to `stop` of those selected along an axis of the array."""
        narrow = self.ranges[axis][start:stop]
        return replace(self, ranges=(*self.ranges[:axis], narrow, *self.ranges[axis + 1 :]))


def _positions(index: Index, extent: int) -> range:
    if isinstance(index, slice):
        return range(*index.indices(extent))
    try:
        if isinstance(index, bool | EllipsisType):  # a bool would be a mask to NumPy
            raise TypeError
        position = operator.index(index)
    except TypeError:
        kind = type(index).__name__
        raise TypeError(f"indices must be integers or slices, not {kind}") from None
    if not -extent <= position < extent:
        raise IndexError(f"index {position} is out of range for an axis of size {extent}")
    position %= extent
    return range(position, position + 1)
