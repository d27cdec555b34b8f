"""Quantizers, which turn real values into integer codes, component by component.

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
    """Protocol of a quantizer, as a decoder uses it."""

    @classmethod
    def of(cls, factor: QuantizedFactor) -> Quantizer:
        """Build the quantizer of a factor from its parameters."""
        ...

    def decode(self, codes: Any, rows: slice, out: NDArray[Any]) -> None:
        """Write the values of some rows of a chunk, whose codes its coding gave, into `out`."""
        ...


class CodebookQuantizer(Quantizer, Protocol):
    """Protocol of a scalar quantizer with 2**bits levels in every component: codes of fixed width.

    Attributes
    ----------
    bits : ndarray of uint8, shape (components,)
        Bits per code of each component.
    parameters : bytes
        The quantizer's parameters, as a file holds them.
    """

    bits: NDArray[Any]
    parameters: bytes

    @classmethod
    def of(cls, factor: QuantizedFactor) -> CodebookQuantizer:
        """Build the quantizer of a factor from its parameters."""
        ...

    @classmethod
    def fit(cls, factor: NDArray[Any], bits: NDArray[Any], threads: int) -> CodebookQuantizer:
        """Choose the parameters for `factor`, of shape (components, length)."""
        ...

    def encode(self, component: int, values: NDArray[Any]) -> NDArray[Any]:
        """Find the codes (uint16) of some values of one component."""
        ...

    def levels(self, component: int) -> NDArray[Any]:
        """Find the 2**bits reconstruction values of one component, in the order of codes."""
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
"""Quantizers whose codes `lplrcli.coding.packed` can store."""
