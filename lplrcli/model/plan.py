"""What was asked of a compression and what was decided; both are stored in the file as JSON."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("packed", "lplr", "lsvd", "dsvd", "nq")
"""The engine, then the four methods of LPLR (arXiv 2310.11028), section 5."""

SKETCHES = ("gaussian", "srht", "sparse-sign")


@dataclass(frozen=True)
class Target:
    """What was asked.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    rank : int or None
        Most components; None only for ``nq``.
    bits : int
        Bits per entry of the left factor (of the matrix, for ``nq``): exactly that for the
        paper's methods, the mean over both factors at most for ``packed``.
    bits_right : int
        Likewise for the right factor; equal to `bits` for ``nq``.
    """

    method: str
    rank: int | None
    bits: int
    bits_right: int


@dataclass(frozen=True)
class CompressionPlan:
    """What was asked and what was decided.

    Attributes
    ----------
    target : Target
        What was asked.
    mode : str
        ``factors`` (A ≈ L R) or ``direct`` (every entry quantized).
    basis : str
        How the singular directions were found: ``gram`` (exact, from AᵀA), ``sketch``
        (randomized range finder), ``svd`` (full decomposition) or ``none``.
    sketch : str or None
        One of `SKETCHES` where `basis` is ``sketch``.
    sketch_size : int or None
        Columns of the sketch: rank + oversampling.
    power_iterations : int or None
        Products with AᵀA, each orthonormalised.
    seed : int
        Seed of the counter-based generator.
    exponent : int
        The matrix was divided by ``2**exponent`` before factorization; 0 unless its scale
        would overflow or underflow the working precision.
    """

    target: Target
    mode: str
    basis: str
    sketch: str | None
    sketch_size: int | None
    power_iterations: int | None
    seed: int
    exponent: int = 0
