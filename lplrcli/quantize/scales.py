"""Scales of components: each multiplies the step of its factor, and is a float of two bytes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model import quantizer_layout as layout
from lplrcli.model.quantizer_layout import EIGHTHS, SCALE_INDICES


def scale_of(indices: NDArray[Any]) -> NDArray[np.float64]:
    """Look up the scales of indices in `SCALE_INDICES`: ``(8 + m)/8 * 2**e`` for ``8 e + m``.

    Examples
    --------
    >>> scale_of([0, 4, 8, -8]).tolist()
    [1.0, 1.5, 2.0, 0.5]
    """
    return _all_scales()[np.asarray(indices, np.int64) - SCALE_INDICES.start]


@cache
def _all_scales() -> NDArray[np.float64]:
    return np.array([layout.scale_of(index) for index in SCALE_INDICES])


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
    return np.asarray(index.clip(SCALE_INDICES[0], SCALE_INDICES[-1]))


def scales_to_bytes(indices: NDArray[Any]) -> bytes:
    """Lay out indices as low bytes, then high bytes: these hardly change and compress well."""
    pairs = np.asarray(indices).astype("<i2").view(np.uint8).reshape(-1, 2)
    return pairs.T.tobytes()


def scales_from_bytes(raw: bytes) -> NDArray[np.int64]:
    """Parse the indices that `scales_to_bytes` laid out."""
    planes = np.frombuffer(raw, np.uint8).reshape(2, -1)
    return np.ascontiguousarray(planes.T).view("<i2")[:, 0].astype(np.int64)
