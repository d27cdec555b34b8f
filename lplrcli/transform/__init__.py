"""Orthonormal transforms of factor columns.

A transform is a pair of functions in a file of its own, named once in `TRANSFORMS`; the key is
stored in the file and described in SPEC.md, section "Transforms". Being orthonormal, or nearly,
it leaves errors as they are: quantizing transformed coefficients costs what quantizing entries
would. Each chunk is transformed alone, so that it decodes alone. The one whose bases depend on the
data, `KLT`, is made from them.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from numpy.typing import NDArray

from lplrcli.model.compressed import KLT
from lplrcli.transform import dct, identity, tensor_wavelet, wavelet
from lplrcli.transform.klt import Bases, KarhunenLoeve


class Transform(Protocol):
    """What a module of this package provides."""

    def forward(self, factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Coefficients of each row of `factor`, shape (components, length)."""
        ...

    def inverse(self, coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Rows whose coefficients these are."""
        ...


TRANSFORMS: dict[str, Transform] = {
    "identity": identity,
    "dct": dct,
    "cdf97": wavelet,
    "cdf97-tensor": tensor_wavelet,
}


def transform_of(name: str, bases: Bases = ()) -> Transform:
    """The transform of that name; of `KLT` with these bases."""
    return KarhunenLoeve(bases) if name == KLT else TRANSFORMS[name]


def slab_of(grid: tuple[int, ...], rows: int) -> tuple[int, ...]:
    """Grid of a chunk of `rows` entries: whole layers of the first axis."""
    rest = math.prod(grid[1:])
    return (rows // rest, *grid[1:])
