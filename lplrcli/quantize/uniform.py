"""Quantizer of the paper: 2**B even levels between the extremes of the whole factor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.quantizer_layout import UNIFORM_HEAD
from lplrcli.quantize.fixed_width import FixedWidthQuantizer


class UniformQuantizer(FixedWidthQuantizer):
    """Quantizer Q_B of LPLR (arXiv 2310.11028), section 2: nearest level of ``low + step * code``.

    Parameters
    ----------
    bits : ndarray of uint8, shape (components,)
        Bits per component, all equal.
    parameters : bytes
        `low` and `step`, two float64; those of a file were checked when it was opened.

    Examples
    --------
    >>> import numpy as np
    >>> quantizer = UniformQuantizer.over(0.0, 3.0, np.array([2], np.uint8))
    >>> quantizer.levels(0).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    def __init__(self, bits: NDArray[Any], parameters: bytes) -> None:
        super().__init__(bits, parameters)
        self.low, self.step = UNIFORM_HEAD.unpack(parameters)

    @classmethod
    def fit(cls, factor: NDArray[Any], bits: NDArray[Any], threads: int = 1) -> UniformQuantizer:
        """Spread the levels from the smallest to the largest entry of `factor`.

        Parameters
        ----------
        factor : ndarray, shape (components, length)
            All values that will be encoded.
        bits : ndarray of uint8, shape (components,)
            Bits per component, all equal.
        threads : int
            Not used, since finding the extremes takes no time.
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
        """Find the codes (uint16) of some values of one component."""
        # Decoding must not wait for Numba; only the encoder imports the kernels.
        from lplrcli.kernels.quantization import uniform_codes

        codes = np.empty(values.shape, np.uint16)
        top = 2 ** int(self.bits[component]) - 1
        uniform_codes(values, self.low, self.step, top, codes)
        return codes

    def values(self, component: int, codes: NDArray[Any]) -> NDArray[Any]:
        """Compute the float64 values by one multiplication and one addition, each rounded."""
        values: NDArray[np.float64] = codes.astype(np.float64) * self.step + self.low
        return values
