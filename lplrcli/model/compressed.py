"""One compressed matrix, as it lies in a file: quantized factors and what is known about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import Unfolding

KLT = "klt"
"""The transform whose bases depend on the data, and lie in the file."""

_BASIS_ENTRIES = 2**20
"""A basis has at most so many entries, or as many as its factor."""


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
    basis : QuantizedFactor or None
        What a transform that depends on the data needs, a component for each of its vectors.
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
    basis: QuantizedFactor | None = None

    def held(self) -> QuantizedFactor:
        """The same with all chunks in memory, those of an opened file too."""
        basis = None if self.basis is None else self.basis.held()
        return replace(self, chunks=list(self.chunks), basis=basis)

    def lengthened(self, entries: int) -> QuantizedFactor:
        """The factor said to be longer: its grid grows along the first axis, by whole layers."""
        first, *rest = self.grid
        layer = self.length // first
        grid = (first + entries // layer, *rest)
        return replace(self, length=self.length + entries, grid=grid)


def basis_stride(grid: Sequence[int]) -> int:
    """Entries that a vector of any axis takes in a basis: the greatest extent, a multiple of 8."""
    return -(-max(grid) // 8) * 8


def most_vectors(grid: Sequence[int], components: int) -> int:
    """Vectors that the basis of a factor has at most.

    They may take no bytes at all, so that nothing else bounds what a file claims to hold.

    Parameters
    ----------
    grid : sequence of int
        Of the factor.
    components : int
        Of the factor.
    """
    entries = max(_BASIS_ENTRIES, components * math.prod(grid))
    return min(max(grid), entries // (len(grid) * basis_stride(grid)))


@dataclass(frozen=True)
class Factorization:
    """``2**plan.exponent * (L R + E)``: what one matrix of an ``.lplr`` file holds.

    Where means are stored apart, ``2**plan.exponent * (L R + 1 mᵀ + c 1ᵀ + E)``.

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
    mean_row, mean_column : QuantizedFactor or None
        m (d x 1) and c (n x 1), either or both.
    plan : CompressionPlan
        What was asked and what was decided.
    report : ErrorReport
        What was achieved.
    source : dict
        Where the matrix came from: ``format``, ``name``, optionally ``sha256``.
    array_shape : tuple of int
        Extents of the array that was unfolded into the matrix; by default `shape`.
    unfold : int
        How many of its leading axes became rows.
    """

    shape: tuple[int, int]
    dtype: str
    left: QuantizedFactor | None
    right: QuantizedFactor | None
    residual: QuantizedFactor | None
    plan: CompressionPlan
    report: ErrorReport
    source: dict[str, Any] = field(default_factory=dict)
    array_shape: tuple[int, ...] = ()
    unfold: int = 1
    mean_row: QuantizedFactor | None = None
    mean_column: QuantizedFactor | None = None

    def __post_init__(self) -> None:
        if not self.array_shape:
            object.__setattr__(self, "array_shape", self.shape)

    def held(self) -> Factorization:
        """The same with all chunks in memory: it can be pickled."""
        names = ("left", "right", "residual", "mean_row", "mean_column")
        factors = {name: getattr(self, name) for name in names}
        return replace(
            self, **{name: part.held() for name, part in factors.items() if part is not None}
        )

    @property
    def unfolding(self) -> Unfolding:
        """How the array lies in the matrix, grids that its maker told of aside."""
        return Unfolding.of(self.array_shape, self.unfold)

    @property
    def parts(self) -> dict[str, QuantizedFactor]:
        """Everything quantized, by the names that files use."""
        found = {"left": self.left, "right": self.right, "residual": self.residual}
        found |= {"mean_row": self.mean_row, "mean_column": self.mean_column}
        for side in ("left", "right"):
            factor = found[side]
            found[f"{side}_basis"] = None if factor is None else factor.basis
        return {name: factor for name, factor in found.items() if factor is not None}

    @property
    def means(self) -> tuple[QuantizedFactor | None, QuantizedFactor | None]:
        """Mean row and mean column."""
        return self.mean_row, self.mean_column

    @property
    def rank(self) -> int:
        """Components stored; 0 in mode ``direct``."""
        return self.left.components if self.left is not None else 0
