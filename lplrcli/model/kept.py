"""Entries that a file holds without factors: as they are, or those of a sparse matrix alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

KEPT_MODE = "kept"
"""Mode of a matrix whose entries are kept; it cannot be asked for, no error can lead to it."""

DENSE, SPARSE = "dense", "sparse"
"""Forms: every entry in row order, or places and values of those that are stored."""


@dataclass(frozen=True)
class KeptEntries:
    """Entries of a matrix in chunks of whole rows, which decode bit for bit.

    Attributes
    ----------
    form : str
        `DENSE` or `SPARSE`.
    chunk_rows : int
        Rows in each chunk but the last.
    entries : int
        Entries that are stored: all of them, or those of the sparse matrix.
    counts : tuple of int
        For the form `SPARSE`, how many entries lie in each chunk; empty for the other.
    step : float or None
        Number whose multiples the values are, for the form `SPARSE`; None where they are stored
        as they are.
    chunks : sequence of bytes
        Coded chunks, in order. Chunks of an opened file are read on access.
    """

    form: str
    chunk_rows: int
    entries: int
    counts: tuple[int, ...]
    step: float | None
    chunks: Sequence[bytes]

    @property
    def sparse(self) -> bool:
        """Whether places and values are stored."""
        return self.form == SPARSE

    def held(self) -> KeptEntries:
        """Copy the entries with all chunks in memory."""
        return replace(self, chunks=list(self.chunks))
