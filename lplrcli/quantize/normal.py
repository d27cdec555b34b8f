"""The packed engine's quantizer: a normal-optimal codebook and a scale for every component."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.quantize.codebooks import normal_codebook, normal_levels
from lplrcli.quantize.fixed_width import FixedWidthQuantizer
from lplrcli.runtime.parallel import ordered_map

_SAMPLE = 4096
"""Entries of a component on which its scale is tried."""

_OUTLIERS = 64
"""The largest entries, which a sample would miss, are always among them."""

_PIECE = 2**20
"""Entries of a component that are looked at together."""

_SCALES = np.array(
    [0.55, 0.63, 0.7, 0.8, 0.87, 0.93, 1.0, 1.07, 1.15, 1.25, 1.4, 1.6, 1.9, 2.4, 3.2, 4.5]
)
"""Scales tried, in units of the root mean square: below 1 for components with short tails
(sinusoids), above for long ones."""


class NormalQuantizer(FixedWidthQuantizer):
    """Lloyd-Max levels of the normal distribution, scaled to each component.

    Parameters
    ----------
    bits : ndarray of uint8, shape (components,)
        Bits per component, 1 to 16.
    side : bytes
        A bfloat16 scale per component: half a percent of precision costs nothing, the least-squares
        refit of the other factor absorbs it. Those of a file have been checked when it was opened.
    """

    def __init__(self, bits: NDArray[Any], side: bytes) -> None:
        super().__init__(bits, side)
        upper = np.frombuffer(side, "<u2").astype(np.uint32)
        self.scales = (upper << np.uint32(16)).view(np.float32)

    @classmethod
    def fit(cls, factor: NDArray[Any], bits: NDArray[Any], threads: int = 1) -> NormalQuantizer:
        """Choose each component's scale by the error it makes.

        Parameters
        ----------
        factor : ndarray of float32 or float64, shape (components, length)
            Values to quantize.
        bits : ndarray of uint8, shape (components,)
            Bits per component.
        threads : int
            Components are fitted in parallel.
        """
        scales = list(ordered_map(partial(_best_scale, factor, bits), range(len(bits)), threads))
        return cls(bits, np.array(scales, np.uint16).astype("<u2").tobytes())

    def rescaled(self, factors: NDArray[np.float64]) -> NormalQuantizer:
        """The same codes of values multiplied by non-negative factors, one for each component."""
        scales = [_upper_half(scale) for scale in (self.scales * factors).tolist()]
        return NormalQuantizer(self.bits, np.array(scales, np.uint16).astype("<u2").tobytes())

    def encode(self, component: int, values: NDArray[Any]) -> NDArray[Any]:
        """Codes (uint16) of some values of one component."""
        return _codes(values, float(self.scales[component]), int(self.bits[component]))

    def values(self, component: int, codes: NDArray[Any]) -> NDArray[Any]:
        """The values, float32: codebook times scale, which float64 holds, rounded once."""
        levels = normal_levels(int(self.bits[component]))[codes]
        exact: NDArray[np.float64] = levels * np.float64(self.scales[component])
        # A stranger's scale may be anything up to the largest; its products become infinite.
        with np.errstate(over="ignore"):
            return exact.astype(np.float32)


def _codes(values: NDArray[Any], scale: float, bits: int) -> NDArray[Any]:
    # Decoding must not wait for Numba; only the encoder imports the kernels.
    from lplrcli.kernels.quantization import nearest_codes

    codebook = normal_codebook(bits)
    codes = np.empty(values.shape, np.uint16)
    nearest_codes(
        values, scale, codebook.thresholds, codebook.starts, codebook.reach, codes
    )  # fmt: skip
    return codes


def _best_scale(factor: NDArray[Any], bits: NDArray[Any], component: int) -> int:
    """Upper half of the float32 scale with the least squared error on a sample."""
    from lplrcli.kernels.quantization import quantization_error

    values = np.ascontiguousarray(factor[component])
    codebook = normal_codebook(int(bits[component]))
    spread = _root_mean_square(values)
    if spread == 0.0:
        return _upper_half(1.0)
    rest, outliers = values, values[:0]
    if values.size > _SAMPLE + _OUTLIERS:
        outliers = _largest(values)
        rest = np.ascontiguousarray(values[:: -(-values.size // _SAMPLE)])
    weight = (values.size - outliers.size) / rest.size
    # At many bits the error is all in the entries that the codebook does not reach.
    covering = max(-float(values.min()), float(values.max())) / float(codebook.levels[-1])
    candidates = [*(spread * _SCALES), 0.9 * covering, covering]
    best, least = 0, np.inf
    for candidate in candidates:
        half = _upper_half(float(candidate))
        scale = float(np.uint32(half << 16).view(np.float32))
        error = 0.0
        for sample, repeats in ((rest, weight), (outliers, 1.0)):
            error += repeats * quantization_error(
                *(sample, scale, codebook.thresholds, codebook.starts),
                *(codebook.reach, codebook.levels),
            )
        if error < least:
            best, least = half, error
    return best


def _pieces(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Parts of a component, which may be as long as the matrix and lie in a scratch file."""
    for start in range(0, values.size, _PIECE):
        yield values[start : start + _PIECE]


def _root_mean_square(values: NDArray[Any]) -> float:
    squares = (float(np.sum(np.square(piece, dtype=np.float64))) for piece in _pieces(values))
    return math.sqrt(math.fsum(squares) / values.size)


def _largest(values: NDArray[Any]) -> NDArray[Any]:
    """The `_OUTLIERS` entries of largest magnitude; `values` has more."""
    found = values[:0]
    for piece in _pieces(values):
        both = np.concatenate([found, piece])
        if both.size > _OUTLIERS:
            both = both[np.argpartition(np.abs(both), both.size - _OUTLIERS)[-_OUTLIERS:]]
        found = both
    return found


def _upper_half(scale: float) -> int:
    """The bfloat16 next to a positive scale, as an integer; within the finite positive range."""
    pattern = int(np.float32(scale).view(np.uint32))
    return min(max((pattern + 0x8000) >> 16, 0x0080), 0x7F7F)
