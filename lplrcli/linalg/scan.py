"""Range and norm of a matrix, its first entry that is not finite, and a scale safe for products."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lplrcli.errors import InputError, NonFiniteError, PlanError
from lplrcli.linalg.operands import position_of_nonfinite, stored_entries
from lplrcli.model.source import MatrixSource, RowBlock

SAFE_EXPONENT = 40
"""Products of entries from ``2**-40`` to ``2**40`` neither overflow nor underflow in float32."""

_LINEAR_EXPONENTS = {"float32": 100, "float64": 450}
"""Exponents of the largest entry, by working precision, up to which sums of entries times Gaussian
numbers lose nothing; squares of entries are summed in float64 in any case."""


@dataclass(frozen=True)
class Scan:
    """Range and norm of a matrix.

    Attributes
    ----------
    low, high : float
        Smallest and largest entry.
    norm : float
        Frobenius norm of ``A / 2**exponent``.
    exponent : int
        Every later pass is over ``A / 2**exponent``: 0 unless entries of A would overflow or
        underflow when multiplied in float32.
    """

    low: float
    high: float
    norm: float
    exponent: int

    @property
    def source_norm(self) -> float:
        """Frobenius norm of A."""
        return math.ldexp(self.norm, self.exponent)


@dataclass(frozen=True)
class BlockScan:
    """Range and sum of squares of a block of rows.

    Attributes
    ----------
    rows : int
        Rows of the block.
    nonfinite : int
        Entries that are NaN or infinite; where there are any, the rest is zero.
    first : tuple of int
        Row in the block and column of the first of these.
    low, high : float
        Smallest and largest entry.
    squares : float
        Sum of the squared entries.
    """

    rows: int
    nonfinite: int
    first: tuple[int, int]
    low: float
    high: float
    squares: float


def scan_block(block: RowBlock) -> BlockScan:
    """Scan one block of rows, dense or sparse."""
    from lplrcli.kernels.statistics import sum_of_squares

    rows, columns = block.values.shape
    entries = stored_entries(block.values)
    if entries.size == 0:
        return BlockScan(rows, 0, (0, 0), 0.0, 0.0, 0.0)
    low, high = float(entries.min()), float(entries.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return BlockScan(rows, *position_of_nonfinite(block.values), 0.0, 0.0, 0.0)
    if entries.size < rows * columns:
        low, high = min(low, 0.0), max(high, 0.0)
    return BlockScan(rows, 0, (0, 0), low, high, float(sum_of_squares(entries)))


def check_finite(scans: Sequence[BlockScan], source: MatrixSource) -> None:
    """Refuse a matrix with entries that are NaN or infinite.

    Raises
    ------
    NonFiniteError
        Says how many they are, and where in the array the first one is, in row order.
    """
    nonfinite = sum(scan.nonfinite for scan in scans)
    if not nonfinite:
        return
    row = 0
    for scan in scans:
        if scan.nonfinite:
            first = source.unfolding.index_of(row + scan.first[0], scan.first[1])
            raise NonFiniteError(nonfinite, first, path=source.name)
        row += scan.rows


def range_of(scans: Sequence[BlockScan]) -> tuple[float, float]:
    """Smallest and largest entry of all blocks."""
    return min(scan.low for scan in scans), max(scan.high for scan in scans)


def norm_of(scans: Sequence[BlockScan]) -> float:
    """Frobenius norm of all blocks, at the scale of their scans."""
    return float(np.sqrt(sum(scan.squares for scan in scans)))


def safe_exponent(low: float, high: float) -> int:
    """Exponent of the largest entry where products of entries may leave float32, 0 elsewhere."""
    exponent = int(np.frexp(max(-low, high))[1])
    return exponent if abs(exponent) > SAFE_EXPONENT else 0


def unsafe_scale(low: float, high: float, name: str) -> PlanError:
    """Build the error for entries that need a safe scale where no pass is left to find one."""
    largest, smallest = 2**SAFE_EXPONENT, 2**-SAFE_EXPONENT
    return PlanError(
        "entries this large or small take two passes more, at a safe scale",
        path=name,
        found=f"entries from {low:.3g} to {high:.3g}",
        expected=f"at most {largest:.3g}, and something from {smallest:.3g} on",
        advice="Allow two more passes, or divide the matrix by a constant first.",
    )


def linear_products_are_safe(exponent: int, working: np.dtype[np.generic]) -> bool:
    """Whether products linear in A keep all digits, although `safe_exponent` is not 0."""
    return abs(exponent) <= _LINEAR_EXPONENTS[working.name]


def checked_scan(low: float, high: float, norm: float, exponent: int, name: str) -> Scan:
    """Build the scan of the whole matrix.

    Parameters
    ----------
    low, high, norm, exponent
        Attributes of `Scan`.
    name : str
        Names the matrix in messages.

    Raises
    ------
    InputError
        If the norm of A overflows float64: no error relative to it could be stated.
    """
    if math.frexp(norm)[1] + exponent > sys.float_info.max_exp:
        raise InputError(
            "the Frobenius norm of the matrix overflows float64",
            path=name,
            found=f"entries from {low:.3g} to {high:.3g}",
            advice="Divide the matrix by a constant first.",
        )
    return Scan(low, high, norm, exponent)
