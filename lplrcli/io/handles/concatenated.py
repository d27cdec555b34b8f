"""Several arrays as one: joined along the first axis, without being brought together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.errors import InputError
from lplrcli.io.handles.base import Handle, dense_block_rows, joined_rows, sparse_block_rows
from lplrcli.io.handles.unfolding import UnfoldingRequest, unfolding_of
from lplrcli.model.source import CsrRows, Unfolding

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ConcatenatedHandle(Handle):
    """Rows of several handles, one after another.

    Blocks are those of a contiguous array of the whole shape: what is computed from them is
    what the one array would give, wherever one part ends and the next begins.

    Parameters
    ----------
    parts : sequence of Handle
        Of equal type and, but for the first axis, equal shape; closed with this one.
    unfolding : Unfolding
        Of the whole.
    """

    def __init__(self, parts: Sequence[Handle], unfolding: Unfolding) -> None:
        self.unfolding = unfolding
        self.dtype = parts[0].dtype
        self.sparse = parts[0].sparse
        self._parts = list(parts)
        self._arrange()

    def _arrange(self) -> None:
        axes = self.unfolding.axes
        self._parts = [
            part.unfolded(Unfolding.of(part.unfolding.array_shape, axes)) for part in self._parts
        ]
        # Row at which each part begins, and the end.
        self._starts = [0, *accumulate(part.shape[0] for part in self._parts)]
        if self.sparse:
            self.block_rows = sparse_block_rows(self.shape[0])
        else:
            self.block_rows = dense_block_rows(self.shape, self.dtype)

    def __getitem__(self, rows: slice) -> NDArray[Any] | CsrRows:
        pieces: list[Any] = [
            part[first:last] for part, first, last in self._within(rows.start, rows.stop)
        ]
        if len(pieces) == 1:
            return pieces[0]  # type: ignore[no-any-return]
        return joined_rows(pieces) if self.sparse else np.concatenate(pieces)

    def expect(self, start: int, stop: int) -> None:
        """Pass it on to the parts."""
        for part, first, last in self._within(start, stop):
            part.expect(first, last)

    def release(self, start: int, stop: int) -> None:
        """Pass it on to the parts."""
        for part, first, last in self._within(start, stop):
            part.release(first, last)

    def close(self) -> None:
        """Close all parts."""
        for part in self._parts:
            part.close()

    def _within(self, start: int, stop: int) -> list[tuple[Handle, int, int]]:
        """Parts that rows ``start : stop`` lie in, and which rows of each they are."""
        found = []
        number = bisect_right(self._starts, start) - 1
        while start < stop:
            begin, end = self._starts[number], min(self._starts[number + 1], stop)
            found.append((self._parts[number], start - begin, end - begin))
            start, number = end, number + 1
        return found


def concatenated(
    parts: Sequence[Handle], names: Sequence[str], name: str, request: UnfoldingRequest
) -> ConcatenatedHandle:
    """Join handles along the first axis of their arrays.

    Parameters
    ----------
    parts : sequence of Handle
        At least one.
    names : sequence of str
        Of the files, for messages.
    name : str
        Of the whole, for messages.
    request : UnfoldingRequest
        How the whole is to become a matrix.

    Raises
    ------
    InputError
        They differ in type, in the other axes, or in being sparse.
    PlanError
        What is asked of the unfolding does not fit the whole.
    """
    first, shape = parts[0], parts[0].unfolding.array_shape
    for part, its_name in zip(parts[1:], names[1:], strict=True):
        other = part.unfolding.array_shape
        for what, found, expected in (
            ("shape", _rows_of(other), _rows_of(shape)),
            ("type", part.dtype.name, first.dtype.name),
            ("storage", _storage(part), _storage(first)),
        ):
            if found != expected:
                raise InputError(
                    f"the {what} differs from that of {names[0]}, so they cannot be joined",
                    path=its_name,
                    found=found,
                    expected=expected,
                )
    rows = sum(part.unfolding.array_shape[0] for part in parts)
    return ConcatenatedHandle(parts, unfolding_of((rows, *shape[1:]), name, request))


def _rows_of(shape: tuple[int, ...]) -> str:
    return " x ".join(["rows", *map(str, shape[1:])])


def _storage(part: Handle) -> str:
    return "sparse" if part.sparse else "dense"
