"""One compressed matrix, as it lies in a file: quantized factors and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport


@dataclass(frozen=True)
class QuantizedFactor:
    """A tall matrix (length x components), quantized column by column and coded in chunks of rows.

    The left factor L has length n; the right factor is held as Rᵀ, of length d. A matrix coded
    directly is d components of length n, its columns, or one component of length n·d, in row
    order.

    Attributes
    ----------
    length : int
        Entries per component.
    components : int
        Number of components (columns).
    quantizer : str
        Key of `lplrcli.quantize.QUANTIZERS`.
    side : bytes
        The quantizer's parameters (steps, scales), laid out as its specification says.
    coding : str
        Key of `lplrcli.coding.CODINGS`.
    tables : bytes
        The coding's parameters (bits of each component, frequencies), likewise.
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
    components: int
    quantizer: str
    side: bytes
    coding: str
    tables: bytes
    transform: str
    grid: tuple[int, ...]
    chunk_length: int
    chunks: Sequence[bytes]


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
        E (n x d), coded directly; alone in mode ``direct``.
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
