"""Sums whose rounding depends on how many parts there are, not on who adds them, nor when."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUP = 8
"""Parts added at a time, then sums of so many, and so on: a tree."""


class TreeSum:
    """Adds arrays one after another as a tree of groups would.

    Eight parts are added in their own precision, which costs a fraction of adding every part in
    float64 and loses nothing: the parts carry the rounding errors of longer sums. From there on
    everything is float64. One array a level is held.
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
        """Sum of all parts, of which there is at least one; nothing can be added any more."""
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
    """Sum of a group of at most `GROUP` neighbours on one level of the tree.

    What `TreeSum` makes of all parts is what groups of parts, then groups of their sums, make.
    """
    tree = TreeSum()
    for part in parts:
        tree.add(part)
    return tree.total()
