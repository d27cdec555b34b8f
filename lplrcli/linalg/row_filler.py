"""Where passes over A put what they keep of each block."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


class RowFiller:
    """Fills an array with parts of its rows, in row order.

    Parameters
    ----------
    out : ndarray
        The array; filled from its start again once it is full.
    """

    def __init__(self, out: NDArray[Any]) -> None:
        self.out = out
        self._row = 0

    def take(self, part: NDArray[Any]) -> None:
        """Put the next rows in their place."""
        self.out[self._row : self._row + len(part)] = part
        self._row = (self._row + len(part)) % len(self.out)


def dropped(kept: Any) -> None:
    """Keep nothing."""
