"""Parts of an array by all of NumPy's indexing: lists, masks and new axes too.

An index is taken apart into a box, which is what must be decoded, and an index into that box,
which NumPy itself applies. So the result has the shape that NumPy gives, whatever is combined.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lplrcli.model.selection import Index, Selection

ArrayIndex: TypeAlias = "Index | ArrayLike | None"
"""What one place of an index may hold: also ``None`` for a new axis, a list, an array or a mask."""

Positions: TypeAlias = "range | NDArray[np.int64]"
"""Ascending positions along one axis, none twice."""


@dataclass(frozen=True)
class Box:
    """All combinations of some positions along each axis of an array.

    It has what `pipeline.decode.array_part.Part` asks of a `Selection`.

    Attributes
    ----------
    ranges : tuple of range or ndarray of int64
        Positions along each axis, ascending; those without a gap are a range.
    """

    ranges: tuple[Positions, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the box."""
        return tuple(len(each) for each in self.ranges)

    @property
    def kept(self) -> tuple[int, ...]:
        """Axes of the array that the box has: all."""
        return tuple(range(len(self.ranges)))

    @property
    def forwards(self) -> Box:
        """The box itself, since its positions ascend."""
        return self

    @property
    def flips(self) -> tuple[slice, ...]:
        """Index that changes nothing."""
        return (slice(None),) * len(self.ranges)

    @property
    def transposed(self) -> Box:
        """Box of the array whose axes are in reversed order."""
        return Box(self.ranges[::-1])


@dataclass(frozen=True)
class Gathering:
    """What an index selects: a box of the array, and an index into the box.

    Attributes
    ----------
    box : Box
        What is needed of the array.
    index : tuple
        Index that NumPy applies to it.

    Examples
    --------
    >>> found = Gathering.of(([7, 2, 7], slice(0, 3)), (9, 5))
    >>> found.box.ranges
    (array([2, 7]), range(0, 3))
    >>> found.index
    (array([1, 0, 1]), slice(None, None, None))
    """

    box: Box
    index: tuple[Any, ...]

    @classmethod
    def of(
        cls, index: ArrayIndex | tuple[ArrayIndex, ...], array_shape: tuple[int, ...]
    ) -> Gathering:
        """Take apart an index into an array of this shape, by NumPy's rules.

        Raises
        ------
        IndexError
            There are too many indices, one is out of range, or a mask has another shape.
        TypeError
            An index is nothing that NumPy knows, or a masked array.
        """
        given = [_place(one) for one in (index if isinstance(index, tuple) else (index,))]
        if sum(one is Ellipsis for one in given) > 1:
            raise IndexError("an index can have only a single ellipsis, '...'")
        axes, used = len(array_shape), sum(map(_axes_of, given))
        if used > axes:
            raise IndexError(f"too many indices: the array has {axes} axes, {used} were given")
        dots = next((i for i, one in enumerate(given) if one is Ellipsis), len(given))
        given[dots : dots + 1] = [slice(None)] * (axes - used)
        ranges: list[Positions] = []
        inside: list[Any] = []
        for one in given:
            extents = array_shape[len(ranges) : len(ranges) + _axes_of(one)]
            for positions, relative in _taken_apart(one, extents):
                ranges += positions
                inside.append(relative)
        return cls(Box(tuple(ranges)), tuple(inside))

    @property
    def points(self) -> tuple[NDArray[np.int64], ...] | None:
        """Positions along each axis, all of one shape, where every axis has an integer or an array.

        The box of single points may be far larger than they are. None for other indices.
        """
        if not all(isinstance(one, int | np.ndarray) for one in self.index):
            return None
        if any(isinstance(one, bool) or np.asarray(one).dtype.kind == "b" for one in self.index):
            return None
        places = zip(self.box.ranges, self.index, strict=True)
        return tuple(
            np.broadcast_arrays(*(np.asarray(each, np.int64)[one] for each, one in places))
        )


def is_basic(index: Any) -> bool:
    """Whether an index has integers, slices and an ellipsis only, as `Selection` takes them."""
    given = index if isinstance(index, tuple) else (index,)
    kinds = (int, np.integer, slice, EllipsisType)
    return all(isinstance(one, kinds) and not isinstance(one, bool) for one in given)


def _place(one: Any) -> Any:
    """One place of an index: itself, or an array of integers or of truth values."""
    if one is None or isinstance(one, slice | EllipsisType):
        return one
    if isinstance(one, np.ma.MaskedArray):
        raise TypeError("a masked array is no index: give the masked entries a value with filled()")
    if not isinstance(one, bool) and hasattr(one, "__index__") and not isinstance(one, np.ndarray):
        return int(one.__index__())
    try:
        array = np.asarray(one)
    except ValueError:  # lists of several lengths
        array = np.empty(0, object)
    if array.size == 0 and not isinstance(one, np.ndarray) and array.dtype == np.float64:
        array = array.astype(np.int64)  # an empty list
    if array.dtype.kind not in "iub":
        raise TypeError(
            "indices must be integers or slices, '...', None, "
            f"or arrays of integers or truth values, not {type(one).__name__}"
        )
    if array.ndim == 0 and array.dtype.kind != "b":
        return int(array)
    return array


def _axes_of(one: Any) -> int:
    """How many axes of the array a place of an index takes."""
    if one is None or one is Ellipsis:
        return 0
    if isinstance(one, np.ndarray) and one.dtype.kind == "b":
        return one.ndim
    return 1


def _taken_apart(one: Any, extents: tuple[int, ...]) -> list[tuple[list[Positions], Any]]:
    """Positions along the axes that a place of an index takes, and the index into these."""
    if one is None or not extents:  # a truth value takes no axis, but makes one
        return [([], one)]
    if isinstance(one, int | slice):
        chosen = Selection.of(cast("Index", one), extents).ranges[0]
        if isinstance(one, int):
            return [([chosen], 0)]
        backwards = chosen.step < 0
        return [
            ([chosen[::-1] if backwards else chosen], slice(None, None, -1 if backwards else None))
        ]
    if one.dtype.kind != "b":
        return [_of_positions(_checked(one, extents[0]))]
    if one.shape != extents:
        raise IndexError(f"a mask of shape {one.shape} does not fit axes of size {extents}")
    return [_of_positions(places) for places in one.nonzero()]


def _checked(places: NDArray[Any], extent: int) -> NDArray[np.int64]:
    wrong = (places < -extent) | (places >= extent)
    if wrong.any():
        first = places[wrong][0]
        raise IndexError(f"index {first} is out of range for an axis of size {extent}")
    signed = places.astype(np.int64)
    return np.where(signed < 0, signed + extent, signed)


def _of_positions(places: NDArray[np.int64]) -> tuple[list[Positions], NDArray[np.int64]]:
    distinct, inside = np.unique(places, return_inverse=True)
    inside = inside.reshape(places.shape)
    if len(distinct) and distinct[-1] - distinct[0] == len(distinct) - 1:
        return [range(int(distinct[0]), int(distinct[-1]) + 1)], inside
    return [distinct], inside
