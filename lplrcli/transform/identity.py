"""The transform that changes nothing."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def forward(factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Return `factor`, of shape (components, length)."""
    return factor


def inverse(coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Return `coefficients`, of shape (components, length)."""
    return coefficients
