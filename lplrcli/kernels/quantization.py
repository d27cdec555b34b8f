"""Values to integer codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel


@kernel
def _code(
    value: float,
    thresholds: NDArray[np.float32],
    starts: NDArray[np.uint16],
    reach: float,
    per_unit: float,
) -> int:
    """Number of thresholds below `value`: a look-up, and a short walk."""
    cell = (min(max(np.float64(value), -reach), reach) + reach) * per_unit
    code = int(starts[min(int(cell), starts.size - 1)])
    while code < thresholds.size and thresholds[code] < value:
        code += 1
    return code


@kernel
def nearest_codes(
    values: NDArray[Any],
    scale: float,
    thresholds: NDArray[np.float32],
    starts: NDArray[np.uint16],
    reach: float,
    codes: NDArray[np.uint16],
) -> None:
    """Code each value by the number of thresholds below it.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (m,)
        A component, or part of one.
    scale : float
        Multiplies the thresholds; positive.
    thresholds : ndarray of float32, shape (2**b - 1,)
        Ascending boundaries between the cells of a codebook of unit scale.
    starts : ndarray of uint16, shape (g,)
        How many thresholds lie below each of `g` even subdivisions of [-reach, reach): bisection
        mispredicts every branch, a look-up and a short walk is five times as fast.
    reach : float
        All thresholds lie within [-reach, reach].
    codes : ndarray of uint16, shape (m,)
        Receives the codes, 0 to 2**b - 1.
    """
    inverse = 1.0 / scale
    per_unit = starts.size / (2.0 * reach)
    for i in range(values.size):
        value = np.float32(values[i] * inverse)
        codes[i] = _code(value, thresholds, starts, reach, per_unit)


@kernel
def uniform_codes(
    values: NDArray[Any], low: float, step: float, top: int, codes: NDArray[np.uint16]
) -> None:
    """Code each value by the nearest level of ``low + step * (0 ... top)``.

    This is Q_B of LPLR (arXiv 2310.11028), section 2.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (m,)
        Values to quantize.
    low, step : float
        Lowest level and distance between levels; `step` 0 means that there is one level.
    top : int
        Highest code.
    codes : ndarray of uint16, shape (m,)
        Receives the codes; halves round to the even code, as ``numpy.rint`` does.
    """
    for i in range(values.size):
        position = 0.0
        if step > 0.0:
            position = np.rint((values[i] - low) / step)
        codes[i] = np.uint16(min(max(position, 0.0), float(top)))


@kernel
def quantization_error(
    values: NDArray[Any],
    scale: float,
    thresholds: NDArray[np.float32],
    starts: NDArray[np.uint16],
    reach: float,
    levels: NDArray[np.float64],
) -> float:
    """Compute ``sum((values - scale * levels[codes])**2)`` for the codes of `nearest_codes`.

    Parameters
    ----------
    values, scale, thresholds, starts, reach
        As for `nearest_codes`.
    levels : ndarray of float64, shape (2**b,)
        Codebook of unit scale.
    """
    inverse = 1.0 / scale
    per_unit = starts.size / (2.0 * reach)
    total = 0.0
    for i in range(values.size):
        value = np.float32(values[i] * inverse)
        error = values[i] - scale * levels[_code(value, thresholds, starts, reach, per_unit)]
        total += error * error
    return total
