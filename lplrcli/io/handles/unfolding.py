"""Arrays of two to five dimensions as matrices: which axes are rows, and what lies where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lplrcli.errors import InputError, NotAMatrixError, PlanError
from lplrcli.model.source import Unfolding

MOST_AXES = 5

_MOST_GRID_AXES = 32
"""As many as the file format has room for."""

_ADVICE = {
    0: "A single number is not compressed.",
    1: "Reshape it to a matrix, for example with reshape(rows, -1).",
}


@dataclass(frozen=True)
class UnfoldingRequest:
    """What the user says of how an array is to become a matrix.

    Attributes
    ----------
    axes : int or None
        How many leading axes become rows; 1 by default.
    row_grid, column_grid : tuple of int or None
        Grids that rows and columns of what is a matrix already are flattenings of.
    like : Unfolding or None
        An array of this shape is expected, and unfolded in this way; goes with nothing else.
    """

    axes: int | None = None
    row_grid: tuple[int, ...] | None = None
    column_grid: tuple[int, ...] | None = None
    like: Unfolding | None = None


ANY_ARRAY = UnfoldingRequest()


def unfolding_of(
    shape: Sequence[int], name: str, request: UnfoldingRequest = ANY_ARRAY
) -> Unfolding:
    """How an array becomes a matrix.

    Parameters
    ----------
    shape : sequence of int
        Of the array.
    name : str
        What is read, for messages.
    request : UnfoldingRequest
        What the user says.

    Raises
    ------
    NotAMatrixError
        It has not two to five dimensions, or one of them is 0.
    InputError
        It is not of the shape that was expected.
    PlanError
        Axes or grids do not fit its shape.
    """
    extents = tuple(int(extent) for extent in shape)
    if request.like is not None:
        return _matching(extents, name, request.like)
    if not 2 <= len(extents) <= MOST_AXES:
        raise NotAMatrixError(
            "not a matrix, nor an array that unfolds to one",
            path=name,
            found=f"{len(extents)}-dimensional, shape {shorten(extents)}",
            expected=f"two to {MOST_AXES} dimensions",
            advice=_ADVICE.get(
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
    axes = 1 if request.axes is None else request.axes
    if not 1 <= axes < len(extents):
        last = len(extents) - 1
        raise PlanError(
            "so many axes cannot become rows",
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
            advice="The axes of an array say its grids: choose among them with --unfold.",
        )
    return Unfolding(
        extents,
        1,
        _side(request.row_grid, extents[0], "rows", name),
        _side(request.column_grid, extents[1], "columns", name),
    )


def boxes(grid: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[slice, ...]]:
    """Cut a range of a flattened grid into boxes of the grid, as few as there are, in order.

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
    """Text for a message, cut where it is long."""
    text = str(thing)
    return text if len(text) <= 80 else text[:77] + "..."


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
    """The grid of a side, checked; the side itself where none is given."""
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
