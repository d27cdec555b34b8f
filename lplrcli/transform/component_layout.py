"""Layout of the components of a factor: on which grid, under which transform, in which chunks."""

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
"""Kind of context that codes of each transform have, if it is not `AROUND`."""


@dataclass(frozen=True)
class Layout:
    """Transform and grid of the components of a factor.

    Attributes
    ----------
    transform : str
        Key of `TRANSFORMS`, or `KLT`.
    grid : tuple of int
        Extents of the grid whose points, in row order, are the entries of a component.
    bases : tuple of ndarray
        Bases of `KLT`, once they are known; empty for other transforms.
    """

    transform: str
    grid: tuple[int, ...]
    bases: Bases = field(default=(), compare=False, repr=False)

    @property
    def transformed(self) -> bool:
        """Whether coefficients differ from entries."""
        return self.transform != "identity"

    @property
    def context(self) -> int:
        """Kind of context in which codes are counted."""
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
        """Compute the coefficients of a chunk of shape (components, rows)."""
        found = self._transform.forward(values, slab_of(self.grid, values.shape[1]))
        return np.ascontiguousarray(found)

    def inverse(self, coefficients: NDArray[Any]) -> NDArray[Any]:
        """Compute the entries of a chunk from its coefficients."""
        slab = slab_of(self.grid, coefficients.shape[1])
        return self._transform.inverse(coefficients, slab)

    @property
    def _transform(self) -> Transform:
        return transform_of(self.transform, self.bases)

    def chunk_length(self, entries: int, layers: int = 64) -> int:
        """Choose a length of chunks near `entries` entries.

        It is a multiple of 8. Chunks of transformed components are whole layers, at least `layers`
        of them; a component that has fewer is one chunk, and so is any component under `KLT`.

        Parameters
        ----------
        entries : int
            Entries per component that are wanted, a multiple of 8.
        layers : int
            Least layers of a transformed chunk.
        """
        if not self.transformed:
            return entries
        layer, length = math.prod(self.grid[1:]), math.prod(self.grid)
        if self.transform == KLT:
            return -(-length // 8) * 8  # its bases span all layers
        unit = 8 // math.gcd(layer, 8)
        count = -(-max(layers, -(-entries // layer)) // unit) * unit
        return min(count * layer, -(-length // 8) * 8)
