"""Quantizers: real values to integer codes, component by component.

A quantizer is a class in a file of its own, named once in `QUANTIZERS`; the key is stored in the
file and described in SPEC.md, section "Quantizers".
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from lplrcli.quantize.normal import NormalQuantizer
from lplrcli.quantize.uniform import UniformQuantizer

__all__ = ["QUANTIZERS", "NormalQuantizer", "Quantizer", "UniformQuantizer"]


class Quantizer(Protocol):
    """A scalar quantizer for all components of a factor.

    Attributes
    ----------
    bits : ndarray of uint8, shape (components,)
        Bits per code of each component.
    side : bytes
        Everything else a decoder needs.
    """

    bits: NDArray[Any]
    side: bytes

    def __init__(self, bits: NDArray[Any], side: bytes) -> None: ...

    @classmethod
    def fit(cls, factor: NDArray[Any], bits: NDArray[Any], threads: int) -> Quantizer:
        """Choose the parameters for `factor`, of shape (components, length)."""
        ...

    def encode(self, component: int, values: NDArray[Any]) -> NDArray[Any]:
        """Codes (uint16) of some values of one component."""
        ...

    def levels(self, component: int) -> NDArray[Any]:
        """The 2**bits reconstruction values of one component, by code."""
        ...


QUANTIZERS: dict[str, type[Quantizer]] = {
    "normal": NormalQuantizer,
    "uniform": UniformQuantizer,
}
