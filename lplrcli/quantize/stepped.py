"""Quantizers of the rate-distortion engine: integers times a unit, moved to the cells' centroids.

The quantizers ``deadzone`` and ``trellis`` differ in how the encoder chooses the integers, and in
which of them may follow one another; both give values in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.quantizer_layout import STEPPED_HEAD
from lplrcli.quantize.scales import scale_of, scales_from_bytes, scales_to_bytes

NO_SHIFT = (0, 0, 0)


class SteppedQuantizer:
    """Quantizer with the values ``(q + sgn(q) shift / 256) * step * scale`` of integers q.

    Parameters
    ----------
    step : float
        Finite and positive.
    indices : ndarray of int, shape (components,)
        Index of the scale of each component, see `lplrcli.quantize.scales`.
    shifts : tuple of int
        Shifts, from -128 to 127, for ``|q|`` of 1, 2 and more; all zero for plain rounding, whose
        error is at most half a unit.
    """

    def __init__(
        self, step: float, indices: NDArray[Any], shifts: tuple[int, int, int] = NO_SHIFT
    ) -> None:
        self.step = step
        self.indices = np.asarray(indices, np.int64)
        self.shifts = shifts
        self.units = step * scale_of(self.indices)

    @classmethod
    def of(cls, factor: QuantizedFactor) -> SteppedQuantizer:
        """Build the quantizer of a factor from its parameters."""
        step, first, second, rest = STEPPED_HEAD.unpack_from(factor.side)
        return cls(step, scales_from_bytes(factor.side[STEPPED_HEAD.size :]), (first, second, rest))

    @property
    def side(self) -> bytes:
        """Bytes of step, shifts and scales, laid out by SPEC.md, section "deadzone"."""
        return STEPPED_HEAD.pack(self.step, *self.shifts) + scales_to_bytes(self.indices)

    def decode(self, codes: NDArray[Any], rows: slice, out: NDArray[Any]) -> None:
        """Write the values of some rows of the codes into `out`, rounded once in binary64."""
        # A factor in this form has been decoded by a kernel already: Numba is loaded.
        from lplrcli.kernels.deadzone import stepped_values

        shifts = np.array([0, *self.shifts], np.int64)
        stepped_values(codes[:, rows], self.units, shifts, out)
