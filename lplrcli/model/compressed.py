"""One compressed matrix, as it lies in a file: quantized factors and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class QuantizedFactor:
    """A tall matrix (length x components), quantized column by column and coded in chunks of rows.

    The left factor L has length n; the right factor is held as Rᵀ, of length d; a matrix coded
    directly is one component of length n·d, in row order.

    Attributes
    ----------
    length : int
        Entries per component.
    bits : ndarray of uint8, shape (components,)
        Bits per entry of each component, 1 to 16.
    quantizer : str
        Key of `lplrcli.quantize.QUANTIZERS`.
    side : bytes
        The quantizer's parameters (scales, offsets), laid out as its specification says.
    coding : str
        Key of `lplrcli.coding.CODINGS`.
    transform : str
        Key of `lplrcli.transform.TRANSFORMS`, applied to each component before quantization.
    grid : tuple of int
        The grid that the entries of a component are a flattening of; its product is `length`.
    chunk_length : int
        Entries per component in each chunk but the last; a multiple of 8.
    chunks : sequence of bytes
        The coded chunks, in order. Those of an opened file are read when first asked for.
    """

    length: int
    bits: NDArray[Any]
    quantizer: str
    side: bytes
    coding: str
    transform: str
    grid: tuple[int, ...]
    chunk_length: int
    chunks: Sequence[bytes]

    @property
    def components(self) -> int:
        """Number of components (columns)."""
        return len(self.bits)


@dataclass(frozen=True)
class Factorization:
    """``2**plan.exponent * (L R + E)``: what one matrix of an ``.lplr`` file holds.

    Attributes
    ----------
    shape : tuple of int
        Rows n and columns d.
    dtype : str
        Name of the original entry type (``float32``, ``bfloat16``, ``uint8``, ...).
    left, right : QuantizedFactor or None
        L (n x r) and Rᵀ (d x r); both or neither.
    residual : QuantizedFactor or None
        E, coded directly; alone in mode ``direct``.
    plan : CompressionPlan
        What was asked and what was decided.
    report : ErrorReport
        What was achieved.
    source : dict
        Where the matrix came from: ``format``, ``name``, optionally ``sha256``.
    """

    shape: tuple[int, int]
    dtype: str
    left: QuantizedFactor | None
    right: QuantizedFactor | None
    residual: QuantizedFactor | None
    plan: CompressionPlan
    report: ErrorReport
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """Components stored; 0 in mode ``direct``."""
        return self.left.components if self.left is not None else 0
