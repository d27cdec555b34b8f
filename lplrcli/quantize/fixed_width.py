"""Base of the quantizers with codes of fixed width: bits, parameters, and levels by look-up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import QuantizedFactor


class FixedWidthQuantizer(ABC):
    """A scalar quantizer with 2**bits levels in every component.

    Parameters
    ----------
    bits : ndarray of uint8, shape (components,)
        Bits per component, 1 to 16.
    parameters : bytes
        The quantizer's parameters; those of a file were checked when it was opened.
    """

    def __init__(self, bits: NDArray[Any], parameters: bytes) -> None:
        self.bits = bits
        self.parameters = parameters
        self._rounded: dict[tuple[int, np.dtype[Any]], NDArray[Any]] = {}

    @classmethod
    def of(cls, factor: QuantizedFactor) -> Self:
        """Build the quantizer of a factor coded in fixed width."""
        return cls(np.frombuffer(factor.coding_parameters, np.uint8), factor.quantizer_parameters)

    def decode(self, codes: Sequence[NDArray[Any]], rows: slice, out: NDArray[Any]) -> None:
        """Write the values of some rows into `out`; levels are rounded to its type.

        Parameters
        ----------
        codes : sequence of ndarray, each of shape (rows of the chunk,)
            Codes of each component.
        rows : slice
            The rows wanted.
        out : ndarray of float32 or float64, shape (components, rows wanted)
            Receives the values.
        """
        # Levels of a file may exceed the range of float32; they become infinite.
        with np.errstate(over="ignore"):
            for component, (values, places) in enumerate(zip(out, codes, strict=True)):
                wanted, key = places[rows], (component, out.dtype)
                if key not in self._rounded:
                    if 1 << int(self.bits[component]) > len(wanted):
                        # A table would have more entries than there are codes to look up.
                        values[...] = self.values(component, wanted)
                        continue
                    self._rounded[key] = self.levels(component).astype(out.dtype)
                np.take(self._rounded[key], wanted, out=values)

    def levels(self, component: int) -> NDArray[Any]:
        """Find the 2**bits reconstruction values of one component, in the order of codes."""
        return self.values(component, np.arange(1 << int(self.bits[component])))

    @abstractmethod
    def values(self, component: int, codes: NDArray[Any]) -> NDArray[Any]:
        """Find the reconstruction values of some codes of one component."""
