"""Decoded values as entries of the type that the matrix had."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def entry_dtype(name: str) -> np.dtype[Any]:
    """NumPy type called `name` in a file; ``bfloat16`` comes from ml_dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        wide: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return wide
    return np.dtype(name)


def cast(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Decoded values as entries of the original type.

    Integers are rounded half to even and clamped to their range, bool is true from 0.5 on,
    floats are rounded once, those too large for a narrower type become its largest finite value.
    """
    if dtype == values.dtype:
        return values
    if dtype.kind == "b":
        return np.asarray(values >= 0.5)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        greatest = float(limits.max)
        if int(greatest) > limits.max:
            # The largest 64-bit integers are not float64 numbers; converting one above them fails.
            greatest = float(np.nextafter(greatest, 0))
        rounded = np.nan_to_num(np.rint(values.astype(np.float64, copy=False)), copy=False)
        out: NDArray[Any] = np.clip(rounded, float(limits.min), greatest).astype(dtype)
        out[rounded > greatest] = limits.max
        return out
    if dtype.itemsize > values.dtype.itemsize:
        return values.astype(dtype)
    largest = float(_limits(dtype).max)
    clipped: NDArray[Any] = np.clip(values, -largest, largest)
    if values.dtype == np.float64 and dtype.isbuiltin != 1:
        # ml_dtypes goes through float32, which would round twice.
        clipped = _rounded_to_odd(clipped)
    return clipped.astype(dtype)


def _rounded_to_odd(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """float32 from which a narrower type is rounded as from the float64.

    Towards zero, the last bit set where anything was lost: it tells a tie from what lies beyond.
    """
    narrow = values.astype(np.float32)
    narrow = np.where(np.abs(narrow) > np.abs(values), np.nextafter(narrow, np.float32(0)), narrow)
    return np.asarray((narrow.view(np.uint32) | (narrow != values)).view(np.float32))


def _limits(dtype: np.dtype[Any]) -> Any:
    if dtype.isbuiltin == 1:
        return np.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
