"""Steps of components: one step for a factor, times a short float for each component."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EIGHTHS = 8
SMALLEST_INDEX, LARGEST_INDEX = -8176, 8191
"""Scales are normal binary64 numbers."""


def scale_of(index: NDArray[Any]) -> NDArray[np.float64]:
    """``(8 + m)/8 * 2**e`` for the index ``8 e + m``, 0 ≤ m < 8."""
    exponent, eighths = np.divmod(np.asarray(index, np.int64), EIGHTHS)
    return np.asarray(np.ldexp(1 + eighths / EIGHTHS, exponent))


def index_of(scale: NDArray[Any]) -> NDArray[np.int64]:
    """Index of the nearest scale below, for positive values of `scale`."""
    mantissa, exponent = np.frexp(np.asarray(scale, np.float64))
    eighths = np.floor((2 * mantissa - 1) * EIGHTHS).astype(np.int64)
    index: NDArray[np.int64] = EIGHTHS * (exponent.astype(np.int64) - 1) + eighths
    return np.asarray(index.clip(SMALLEST_INDEX, LARGEST_INDEX))


def scales_to_bytes(indices: NDArray[Any]) -> bytes:
    """Low bytes, then high bytes: the latter hardly change, which compresses well."""
    pairs = np.asarray(indices).astype("<i2").view(np.uint8).reshape(-1, 2)
    return pairs.T.tobytes()


def scales_from_bytes(raw: bytes) -> NDArray[np.int64]:
    """Inverse of `scales_to_bytes`."""
    planes = np.frombuffer(raw, np.uint8).reshape(2, -1)
    return np.ascontiguousarray(planes.T).view("<i2")[:, 0].astype(np.int64)
