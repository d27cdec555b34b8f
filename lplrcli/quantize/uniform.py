"""The paper's quantizer: 2**B even levels between the extremes of the whole factor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.quantizer_layout import UNIFORM_HEAD
from lplrcli.quantize.fixed_width import FixedWidthQuantizer


class UniformQuantizer(FixedWidthQuantizer):
    """Q_B of LPLR (arXiv 2310.11028), section 2: ``low + step * code``, nearest level.

    Parameters
    ----------
    bits : ndarray of uint8, shape (components,)
        All equal.
    side : bytes
        `low` and `step`, two float64; those of a file have been checked when it was opened.
    """

    def __init__(self, bits: NDArray[Any], side: bytes) -> None:
        super().__init__(bits, side)
        self.low, self.step = UNIFORM_HEAD.unpack(side)

    @classmethod
    def fit(cls, factor: NDArray[Any], bits: NDArray[Any], threads: int = 1) -> UniformQuantizer:
        """Spread the levels from the smallest to the largest entry of `factor`.

        Parameters
        ----------
        factor : ndarray, shape (components, length)
            All values that will be encoded.
        bits : ndarray of uint8, shape (components,)
            All equal.
        threads : int
            Not used: one sweep suffices.
        """
        if factor.size == 0:
            return cls.over(0.0, 0.0, bits)
        return cls.over(float(factor.min()), float(factor.max()), bits)

    @classmethod
    def over(cls, low: float, high: float, bits: NDArray[Any]) -> UniformQuantizer:
        """Spread the levels from `low` to `high`."""
        top = 2 ** int(bits[0]) - 1 if len(bits) else 1
        return cls(bits, UNIFORM_HEAD.pack(low, high / top - low / top))

    def encode(self, component: int, values: NDArray[Any]) -> NDArray[Any]:
        """Codes (uint16) of some values of one component."""
        # Decoding must not wait for Numba; only the encoder imports the kernels.
        from lplrcli.kernels.quantization import uniform_codes

        codes = np.empty(values.shape, np.uint16)
        top = 2 ** int(self.bits[component]) - 1
        uniform_codes(values, self.low, self.step, top, codes)
        return codes

    def values(self, component: int, codes: NDArray[Any]) -> NDArray[Any]:
        """The values, float64; one multiplication and one addition, each rounded."""
        values: NDArray[np.float64] = codes.astype(np.float64) * self.step + self.low
        return values
