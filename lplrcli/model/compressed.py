"""One compressed matrix as a file holds it: quantized factors, the plan and the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lplrcli.model.kept import KeptEntries
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import Unfolding

KLT = "klt"
"""Name of the transform whose bases depend on the data and lie in the file."""

_BASIS_ENTRIES = 2**20
"""Most entries of a basis whose factor has fewer; a larger factor may have a basis of its size."""


@dataclass(frozen=True)
class QuantizedFactor:
    """Tall matrix (length x components), quantized by column and coded in chunks of rows.

    The left factor L has length n; the right factor is held as Rᵀ, of length d. A matrix coded
    directly is d components of length n, which are its columns, or one component of length n·d, in
    row order.

    Attributes
    ----------
    length : int
        Entries per component.
    components : int
        Number of components (columns).
    quantizer : str
        Key of `lplrcli.quantize.QUANTIZERS`.
    quantizer_parameters : bytes
        The quantizer's parameters (steps, scales), laid out as its specification says.
    coding : str
        Key of `lplrcli.coding.CODINGS`.
    coding_parameters : bytes
        The coding's parameters (bits of each component, frequencies), laid out as its
        specification says.
    transform : str
        Key of `lplrcli.transform.TRANSFORMS`, applied to each component before quantization.
    grid : tuple of int
        Extents of the grid whose points, in row order, are the entries of a component; their
        product is `length`.
    chunk_length : int
        Entries per component in each chunk but the last; a multiple of 8.
    chunks : sequence of bytes
        The coded chunks, in order. Chunks of an opened file are read on access.
    basis : QuantizedFactor or None
        Basis vectors of a transform that depends on the data, a component for each vector.
    """

    length: int
    components: int
    quantizer: str
    quantizer_parameters: bytes
    coding: str
    coding_parameters: bytes
    transform: str
    grid: tuple[int, ...]
    chunk_length: int
    chunks: Sequence[bytes]
    basis: QuantizedFactor | None = None

    def held(self) -> QuantizedFactor:
        """Copy the factor with all chunks in memory, those of an opened file too."""
        basis = None if self.basis is None else self.basis.held()
        return replace(self, chunks=list(self.chunks), basis=basis)

    def lengthened(self, entries: int) -> QuantizedFactor:
        """The factor said to be longer: its grid grows along the first axis, by whole layers."""
        first, *rest = self.grid
        layer = self.length // first
        grid = (first + entries // layer, *rest)
        return replace(self, length=self.length + entries, grid=grid)


def basis_stride(grid: Sequence[int]) -> int:
    """Count the entries of a vector of any axis in a basis: the greatest extent, a multiple of 8.

    Examples
    --------
    >>> basis_stride((12, 30))
    32
    """
    return -(-max(grid) // 8) * 8


def most_vectors(grid: Sequence[int], components: int) -> int:
    """Bound the vectors in the basis of a factor.

    Vectors may take no bytes at all, so that the size of a file does not bound their number.

    Parameters
    ----------
    grid : sequence of int
        Grid of the factor.
    components : int
        Components of the factor.
    """
    entries = max(_BASIS_ENTRIES, components * math.prod(grid))
    return min(max(grid), entries // (len(grid) * basis_stride(grid)))


@dataclass(frozen=True)
class Factorization:
    """One matrix of an ``.lplr`` file, ``A ≈ 2**plan.exponent * (L R + E)``.

    With means stored apart it is ``A ≈ 2**plan.exponent * (L R + 1 mᵀ + c 1ᵀ + E)``.

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
        m (d x 1) and c (n x 1); None for a mean that is not stored apart.
    plan : CompressionPlan
        What was asked and what was decided.
    report : ErrorReport
        What was achieved.
    source : dict
        Where the matrix came from: ``format``, ``name``, optionally ``sha256``.
    array_shape : tuple of int
        Extents of the array that was unfolded into the matrix; by default `shape`.
    unfold : int
        Number of leading axes of the array that became rows.
    kept : KeptEntries or None
        Entries that are stored without factors; then there are none.
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
    kept: KeptEntries | None = None

    def __post_init__(self) -> None:
        if not self.array_shape:
            object.__setattr__(self, "array_shape", self.shape)

    def held(self) -> Factorization:
        """Copy the matrix with all chunks in memory, so that it can be pickled."""
        names = ("left", "right", "residual", "mean_row", "mean_column")
        factors = {name: getattr(self, name) for name in names}
        held: dict[str, Any] = {n: part.held() for n, part in factors.items() if part is not None}
        if self.kept is not None:
            held["kept"] = self.kept.held()
        return replace(self, **held)

    @property
    def unfolding(self) -> Unfolding:
        """Unfolding of the array, without grids that the user gave for rows or columns."""
        return Unfolding.of(self.array_shape, self.unfold)

    @property
    def parts(self) -> dict[str, QuantizedFactor]:
        """Every quantized factor that is present, by the name that files use."""
        found = {"left": self.left, "right": self.right, "residual": self.residual}
        found |= {"mean_row": self.mean_row, "mean_column": self.mean_column}
        for side in ("left", "right"):
            factor = found[side]
            found[f"{side}_basis"] = None if factor is None else factor.basis
        return {name: factor for name, factor in found.items() if factor is not None}

    @property
    def means(self) -> tuple[QuantizedFactor | None, QuantizedFactor | None]:
        """Mean row and mean column; None for one that is not stored apart."""
        return self.mean_row, self.mean_column

    @property
    def rank(self) -> int:
        """Number of components of the factors; 0 in mode ``direct``."""
        return self.left.components if self.left is not None else 0
