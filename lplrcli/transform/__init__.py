"""Orthonormal transforms of factor columns.

A transform is a pair of functions in a file of its own, named once in `TRANSFORMS`; the key is
stored in the file and described in SPEC.md, section "Transforms". Being orthonormal, it leaves
every error as it is: quantizing transformed coefficients costs what quantizing entries would.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from lplrcli.transform import identity


class Transform(Protocol):
    """What a module of this package provides."""

    def forward(self, factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Coefficients of each row of `factor`, shape (components, length)."""
        ...

    def inverse(self, coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
        """Rows whose coefficients these are."""
        ...


TRANSFORMS: dict[str, Transform] = {"identity": identity}
