"""Codes that a frequency table does not know, and the nearest that it does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.contexts import context_of
from lplrcli.kernels.jit import kernel
from lplrcli.kernels.rans import token_of
from lplrcli.model.rans_constants import ABOVE, LARGEST


@kernel
def substituted_codes(
    values: NDArray[Any],
    inverse_units: NDArray[np.float64],
    table_numbers: NDArray[np.uint8],
    frequencies: NDArray[np.uint32],
    unions: int,
    context: int,
    reach: int,
    codes: NDArray[np.int32],
) -> float:
    """Replace each code without a frequency by the nearest that has one; return what it costs.

    Of a trellis only codes that are congruent mod 4 replace one another: they lead the machine
    the same way.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (components, m)
        Coefficients of the last `m` rows of the chunk. Codes before them stay.
    inverse_units : ndarray of float64, shape (components,)
        One over the unit of each component.
    table_numbers : ndarray of uint8, shape (components, contexts, unions)
        Table of each component, context and union.
    frequencies : ndarray of uint32, shape (tables, tokens)
        0 for a token that cannot be coded.
    unions : int
        2 if the parity of a code is known from the trellis, else 1.
    context : int
        Kind of context, `NO_CONTEXT` or `ABOVE`.
    reach : int
        How many candidates are tried on either side; 0 only looks whether there is need.
    codes : ndarray of int32, shape (components, rows)
        Changed.

    Returns
    -------
    float
        Squared error of the values that is added; infinite if some code has no substitute, and
        then `codes` are good for nothing.
    """
    stride = 4 if unions == 2 else 1
    before = codes.shape[1] - values.shape[1]
    added = 0.0
    for i in range(codes.shape[0]):
        weight = 1.0 / (inverse_units[i] * inverse_units[i])
        for t in range(before, codes.shape[1]):
            number = 0
            if context == ABOVE:
                above = codes[i, t - 1] if t > 0 else 0
                second = codes[i, t - 2] if t > 1 else 0
                number = context_of(above, second)
            q = np.int64(codes[i, t])
            union = q & 1 if unions == 2 else 0
            table = table_numbers[i, number, union]
            if frequencies[table, token_of((q - union) // unions)] > 0:
                continue
            value = values[i, t - before] * inverse_units[i]
            best, least = q, np.inf
            for step in range(1, reach + 1):
                for other in (q - step * stride, q + step * stride):
                    if abs(other) > LARGEST:
                        continue
                    error = (value - other) ** 2
                    if error < least and frequencies[table, token_of((other - union) // unions)]:
                        best, least = other, error
                if best != q:
                    break
            if best == q:
                return np.inf
            codes[i, t] = best
            added += weight * (least - (value - q) ** 2)
    return added
