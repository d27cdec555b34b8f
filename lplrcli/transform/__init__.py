"""Orthonormal transforms of factor columns.

A transform is a pair of functions in a file of its own, named once in `TRANSFORMS`; the key is
stored in the file and described in SPEC.md, section "Transforms". Being orthonormal, or nearly,
it keeps norms: an error of coefficients is an equal error of entries. Each chunk is transformed
alone, so that it decodes alone. The Karhunen-Loève transform, `KLT`, is the one whose bases depend
on the data and lie in the file.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from numpy.typing import NDArray

from lplrcli.model.compressed import KLT
from lplrcli.transform import dct, identity, tensor_wavelet, wavelet
from lplrcli.transform.klt import Bases, KarhunenLoeve


class Transform(Protocol):
    """Protocol of a transform; a module with two functions meets it."""

    def forward(self, factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Compute the coefficients of each row of `factor`, of shape (components, length)."""
        ...

    def inverse(self, coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Compute the rows that have these coefficients."""
        ...


TRANSFORMS: dict[str, Transform] = {
    "identity": identity,
    "dct": dct,
    "cdf97": wavelet,
    "cdf97-tensor": tensor_wavelet,
}


def transform_of(name: str, bases: Bases = ()) -> Transform:
    """Return the transform called `name`; `bases` belong to `KLT` alone."""
    return KarhunenLoeve(bases) if name == KLT else TRANSFORMS[name]


def slab_of(grid: tuple[int, ...], rows: int) -> tuple[int, ...]:
    """Find the grid of a chunk of `rows` entries: whole layers of the first axis."""
    rest = math.prod(grid[1:])
    return (rows // rest, *grid[1:])
