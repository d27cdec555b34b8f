"""Unfolding of arrays of two to five dimensions into matrices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lplrcli.errors import InputError, NotAMatrixError, PlanError
from lplrcli.model.source import Unfolding

MOST_AXES = 5

_MOST_GRID_AXES = 32
"""Most axes of a grid that the file format can store."""

_ADVICE_BY_AXES = {
    0: "A single number is not compressed.",
    1: "Reshape it to a matrix, for example with reshape(rows, -1).",
}


@dataclass(frozen=True)
class UnfoldingRequest:
    """Options that say how an array is unfolded into a matrix.

    Attributes
    ----------
    axes : int or None
        Number of leading axes that become rows; by default those up to the first of more than one
        layer, if an axis is left for columns.
    row_grid, column_grid : tuple of int or None
        Extents of the grids that were flattened to the rows and columns of a matrix.
    like : Unfolding or None
        Unfolding that the array must have, and its shape; not combined with other options.
    """

    axes: int | None = None
    row_grid: tuple[int, ...] | None = None
    column_grid: tuple[int, ...] | None = None
    like: Unfolding | None = None


ANY_ARRAY = UnfoldingRequest()


def unfolding_of(
    shape: Sequence[int], name: str, request: UnfoldingRequest = ANY_ARRAY
) -> Unfolding:
    """Find the unfolding of an array into a matrix.

    Parameters
    ----------
    shape : sequence of int
        Extents of the array.
    name : str
        Name of the input, for messages.
    request : UnfoldingRequest
        Options of the user.

    Returns
    -------
    Unfolding
        Axes and grids of rows and columns.

    Raises
    ------
    NotAMatrixError
        The array has not two to five dimensions, or one of them is 0.
    InputError
        The array does not have the shape that was expected.
    PlanError
        Axes or grids do not fit the shape.

    Examples
    --------
    >>> unfolding_of((1000, 128, 128), "run.h5").matrix_shape
    (1000, 16384)
    >>> unfolding_of((1, 128, 256), "step.nc").matrix_shape
    (128, 256)
    """
    extents = tuple(int(extent) for extent in shape)
    if request.like is not None:
        return _matching(extents, name, request.like)
    if not 2 <= len(extents) <= MOST_AXES:
        raise NotAMatrixError(
            "neither a matrix nor an array that unfolds to one",
            path=name,
            found=f"{len(extents)}-dimensional, shape {shorten(extents)}",
            expected=f"two to {MOST_AXES} dimensions",
            advice=_ADVICE_BY_AXES.get(
                len(extents), "Reshape it to fewer, for example with reshape(len(a), -1)."
            ),
        )
    if 0 in extents:
        raise NotAMatrixError(
            "the array is empty",
            path=name,
            found=f"shape {extents}",
            expected="at least one row and one column",
        )
    axes = _axes_by_default(extents) if request.axes is None else request.axes
    if not 1 <= axes < len(extents):
        last = len(extents) - 1
        raise PlanError(
            "this number of axes cannot become rows",
            path=name,
            found=f"{axes} of {len(extents)} axes, shape {extents}",
            expected="1" if last == 1 else f"1 to {last}",
            advice="The number of axes to unfold counts from the first one.",
        )
    found = Unfolding.of(extents, axes)
    if request.row_grid is None and request.column_grid is None:
        return found
    if len(extents) > 2:
        raise PlanError(
            "grids are for matrices whose rows or columns are flattened already",
            path=name,
            found=f"{len(extents)}-dimensional, shape {extents}",
            expected="two dimensions",
            advice="The grids of an array are its axes: choose with --unfold how many become rows.",
        )
    return Unfolding(
        extents,
        1,
        _side(request.row_grid, extents[0], "rows", name),
        _side(request.column_grid, extents[1], "columns", name),
    )


def boxes(grid: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[slice, ...]]:
    """Cut a range of a flattened grid into as few boxes of the grid as possible, in order.

    Parameters
    ----------
    grid : tuple of int
        Extents; the last axis varies fastest.
    start, stop : int
        Range of flat indices, within the grid.

    Yields
    ------
    tuple of slice
        One slice per axis, with start and stop; flattened one after another, the boxes are the
        range.

    Examples
    --------
    >>> list(boxes((3, 4), 2, 8))
    [(slice(0, 1, None), slice(2, 4, None)), (slice(1, 2, None), slice(0, 4, None))]
    """
    if start >= stop:
        return
    if len(grid) < 2:
        yield (slice(start, stop),) * len(grid)
        return
    inner = math.prod(grid[1:])
    (first, begin), (last, end) = divmod(start, inner), divmod(stop, inner)
    if first == last:
        for box in boxes(grid[1:], begin, end):
            yield slice(first, first + 1), *box
        return
    if begin:
        for box in boxes(grid[1:], begin, inner):
            yield slice(first, first + 1), *box
        first += 1
    if first < last:
        yield slice(first, last), *(slice(0, extent) for extent in grid[1:])
    for box in boxes(grid[1:], 0, end):
        yield slice(last, last + 1), *box


def shorten(thing: object) -> str:
    """Convert a value to text for a message, cut if it is long."""
    text = str(thing)
    return text if len(text) <= 80 else text[:77] + "..."


def _axes_by_default(extents: tuple[int, ...]) -> int:
    """The first axis, and before it those of one layer: a field of one time is not one row."""
    long = [axis for axis, extent in enumerate(extents) if extent > 1]
    return long[0] + 1 if len(long) > 1 else 1


def _matching(extents: tuple[int, ...], name: str, like: Unfolding) -> Unfolding:
    if extents != like.array_shape:
        raise InputError(
            "the shape differs from that of the compressed array",
            path=name,
            found=" x ".join(map(str, extents)) or "a single number",
            expected=" x ".join(map(str, like.array_shape)),
        )
    return like


def _side(grid: tuple[int, ...] | None, extent: int, side: str, name: str) -> tuple[int, ...]:
    """Check the grid of a side and return it; without a grid the side is a grid of one axis."""
    if grid is None:
        return (extent,)
    fits = min(grid, default=0) >= 1 and math.prod(grid) == extent
    if not fits or len(grid) > _MOST_GRID_AXES:
        text = shorten(" x ".join(map(str, grid)))
        raise PlanError(
            f"the grid is not one of the {side}",
            path=name,
            found=f"{text} = {math.prod(grid)}",
            expected=f"a product of {extent}, the number of {side}",
        )
    return grid
