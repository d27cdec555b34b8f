"""Quantizers: real values to integer codes, component by component.

A quantizer is a class in a file of its own, named once in `QUANTIZERS`; the key is stored in the
file and described in SPEC.md, section "Quantizers".
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from lplrcli.model.compressed import QuantizedFactor
from lplrcli.quantize.normal import NormalQuantizer
from lplrcli.quantize.stepped import SteppedQuantizer
from lplrcli.quantize.uniform import UniformQuantizer

__all__ = [
    "CODEBOOKS",
    "QUANTIZERS",
    "CodebookQuantizer",
    "NormalQuantizer",
    "Quantizer",
    "SteppedQuantizer",
    "UniformQuantizer",
]


class Quantizer(Protocol):
    """What a class of this package provides to a decoder."""

    @classmethod
    def of(cls, factor: QuantizedFactor) -> Quantizer:
        """The quantizer of a factor, with its parameters."""
        ...

    def decode(self, codes: Any, rows: slice, out: NDArray[Any]) -> None:
        """Put the values of some rows of a chunk's codes, as its coding gives them, into `out`."""
        ...


class CodebookQuantizer(Quantizer, Protocol):
    """A scalar quantizer with 2**bits levels in every component, for codes of fixed width.

    Attributes
    ----------
    bits : ndarray of uint8, shape (components,)
        Bits per code of each component.
    side : bytes
        Everything else a decoder needs.
    """

    bits: NDArray[Any]
    side: bytes

    @classmethod
    def of(cls, factor: QuantizedFactor) -> CodebookQuantizer:
        """The quantizer of a factor, with its parameters."""
        ...

    @classmethod
    def fit(cls, factor: NDArray[Any], bits: NDArray[Any], threads: int) -> CodebookQuantizer:
        """Choose the parameters for `factor`, of shape (components, length)."""
        ...

    def encode(self, component: int, values: NDArray[Any]) -> NDArray[Any]:
        """Codes (uint16) of some values of one component."""
        ...

    def levels(self, component: int) -> NDArray[Any]:
        """The 2**bits reconstruction values of one component, by code."""
        ...


QUANTIZERS: dict[str, type[Quantizer]] = {
    "uniform": UniformQuantizer,
    "normal": NormalQuantizer,
    "deadzone": SteppedQuantizer,
    "trellis": SteppedQuantizer,
}

CODEBOOKS: dict[str, type[CodebookQuantizer]] = {
    "uniform": UniformQuantizer,
    "normal": NormalQuantizer,
}
"""Those that `lplrcli.coding.packed` can store."""
