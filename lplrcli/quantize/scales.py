"""Scales of components: each multiplies the step of its factor, and is a float of two bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EIGHTHS = 8
SMALLEST_INDEX, LARGEST_INDEX = -8176, 8191
"""Range of the indices of scales, chosen so that all scales are normal binary64 numbers."""


def scale_of(index: NDArray[Any]) -> NDArray[np.float64]:
    """Compute the scale ``(8 + m)/8 * 2**e`` of the index ``8 e + m``, 0 ≤ m < 8.

    Examples
    --------
    >>> scale_of([0, 4, 8, -8]).tolist()
    [1.0, 1.5, 2.0, 0.5]
    """
    exponent, eighths = np.divmod(np.asarray(index, np.int64), EIGHTHS)
    return np.asarray(np.ldexp(1 + eighths / EIGHTHS, exponent))


def index_of(scale: NDArray[Any]) -> NDArray[np.int64]:
    """Find the index of the largest scale that is not above `scale`, which is positive.

    Examples
    --------
    >>> index_of([1.0, 1.6, 2.0]).tolist()
    [0, 4, 8]
    """
    mantissa, exponent = np.frexp(np.asarray(scale, np.float64))
    eighths = np.floor((2 * mantissa - 1) * EIGHTHS).astype(np.int64)
    index: NDArray[np.int64] = EIGHTHS * (exponent.astype(np.int64) - 1) + eighths
    return np.asarray(index.clip(SMALLEST_INDEX, LARGEST_INDEX))


def scales_to_bytes(indices: NDArray[Any]) -> bytes:
    """Lay out indices as low bytes, then high bytes: these hardly change and compress well."""
    pairs = np.asarray(indices).astype("<i2").view(np.uint8).reshape(-1, 2)
    return pairs.T.tobytes()


def scales_from_bytes(raw: bytes) -> NDArray[np.int64]:
    """Parse the indices that `scales_to_bytes` laid out."""
    planes = np.frombuffer(raw, np.uint8).reshape(2, -1)
    return np.ascontiguousarray(planes.T).view("<i2")[:, 0].astype(np.int64)
