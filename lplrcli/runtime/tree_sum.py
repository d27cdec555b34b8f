"""Sums whose rounding depends on the number of parts alone, not on threads, workers or time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUP = 8
"""Parts that are added in one group; sums of that many groups are added next, and so on: a tree."""


class TreeSum:
    """Sum of arrays that arrive one after another, added as a tree of groups would.

    Eight parts are added in their own precision, which costs a fraction of adding every part in
    float64 and loses nothing: the parts carry the rounding errors of longer sums already. Sums of
    groups are added in float64. One array is held for each level.

    Examples
    --------
    >>> import numpy as np
    >>> tree = TreeSum()
    >>> for part in range(10):
    ...     tree.add(np.full(2, part, np.float32))
    >>> tree.total().tolist()
    [45.0, 45.0]
    """

    def __init__(self) -> None:
        self._levels: list[tuple[int, NDArray[Any]] | None] = []

    def add(self, part: NDArray[Any]) -> None:
        """Add the next part; it is not changed."""
        level, owned = 0, False
        while True:
            if level == len(self._levels):
                self._levels.append(None)
            held = self._levels[level]
            if held is None:
                count, total = 1, part if owned else part.copy()
            else:
                count, total = held[0] + 1, np.add(held[1], part, out=held[1])
            if count < GROUP:
                self._levels[level] = count, total
                return
            self._levels[level] = None
            part, owned = total.astype(np.float64, copy=False), True
            level += 1

    def total(self) -> NDArray[np.float64]:
        """Return the sum of all parts and end; at least one part must have been added.

        Raises
        ------
        ValueError
            There is no part.
        """
        carried: NDArray[np.float64] | None = None
        for held in self._levels:
            if held is not None:
                wide = held[1].astype(np.float64, copy=False)
                carried = wide if carried is None else np.add(wide, carried, out=wide)
        if carried is None:
            raise ValueError("nothing was added")
        self._levels = []
        return carried


def group_sum(parts: list[NDArray[Any]]) -> NDArray[np.float64]:
    """Add a group of at most `GROUP` neighbours on one level of the tree.

    Adding groups of parts, then groups of their sums, gives what `TreeSum` gives for all parts.
    """
    tree = TreeSum()
    for part in parts:
        tree.add(part)
    return tree.total()
