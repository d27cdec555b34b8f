"""How the entries of a factor lie: on which grid, under which transform, in which chunks."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import KLT
from lplrcli.model.rans_constants import ABOVE, ACROSS, ALONG, AROUND, lines_of
from lplrcli.transform import Transform, slab_of, transform_of
from lplrcli.transform.klt import Bases

_CONTEXTS = {"identity": ABOVE, "cdf97": ACROSS, "cdf97-tensor": ALONG}
"""Kind of context of each transform, if not `AROUND`."""


@dataclass(frozen=True)
class Layout:
    """Transform and grid of the components of a factor.

    Attributes
    ----------
    transform : str
        Key of `TRANSFORMS`, or `KLT`.
    grid : tuple of int
        What the entries of a component are a flattening of, in row order.
    bases : tuple of ndarray
        Of `KLT`, once they are known.
    """

    transform: str
    grid: tuple[int, ...]
    bases: Bases = field(default=(), compare=False, repr=False)

    @property
    def transformed(self) -> bool:
        """Whether coefficients are other than entries."""
        return self.transform != "identity"

    @property
    def context(self) -> int:
        """Kind of context that codes are counted in."""
        return _CONTEXTS.get(self.transform, AROUND)

    @property
    def lines(self) -> tuple[int, int]:
        """Entries of a line, and lines of a plane."""
        return lines_of(self.grid)

    @property
    def layer(self) -> int:
        """Entries of one layer of the first axis: a transformed chunk is some whole layers."""
        return math.prod(self.grid[1:]) if self.transformed else 1

    def forward(self, values: NDArray[Any]) -> NDArray[Any]:
        """Coefficients of a chunk, shape (components, rows)."""
        found = self._transform.forward(values, slab_of(self.grid, values.shape[1]))
        return np.ascontiguousarray(found)

    def inverse(self, coefficients: NDArray[Any]) -> NDArray[Any]:
        """Entries of a chunk."""
        slab = slab_of(self.grid, coefficients.shape[1])
        return self._transform.inverse(coefficients, slab)

    @property
    def _transform(self) -> Transform:
        return transform_of(self.transform, self.bases)

    def chunk_length(self, entries: int, layers: int = 64) -> int:
        """Length of chunks of about `entries` entries, of `layers` layers at least if transformed.

        A multiple of 8, and then of whole layers; one chunk holds everything where that is all
        there is.
        """
        if not self.transformed:
            return entries
        layer, length = math.prod(self.grid[1:]), math.prod(self.grid)
        if self.transform == KLT:
            return -(-length // 8) * 8  # its bases span all layers
        unit = 8 // math.gcd(layer, 8)
        count = -(-max(layers, -(-entries // layer)) // unit) * unit
        return min(count * layer, -(-length // 8) * 8)
