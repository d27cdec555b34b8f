"""Target and plan: what was asked of a compression and what was decided, both stored as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from lplrcli.model.goals import ErrorGoal, Goal, PointwiseGoal, SizeGoal

METHODS = ("rate-distortion", "packed", "lplr", "lsvd", "dsvd", "nq")
"""Methods: the two engines, then the four methods of LPLR (arXiv 2310.11028), section 5."""

MODES = ("factors", "factors+residual", "direct")
"""Modes, by what is stored: A ≈ L R, A ≈ L R + E, A ≈ E."""

TRANSFORMS = ("none", "dct", "cdf97", "cdf97-tensor", "klt")
"""Transforms that may be asked for; whatever pays by default."""

CENTERS = ("none", "mean-row", "mean-column", "both", "auto")
"""Means that may be asked to be stored apart; none by default."""

SKETCHES = ("gaussian", "srht", "sparse-sign")


@dataclass(frozen=True)
class Target:
    """Target for one matrix, in numbers; a file stores it.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    rank : int or None
        Most components; None without a limit, and for ``nq``.
    bits : int or None
        Bits per entry of the left factor (of the matrix, for ``nq``): exactly that for the
        paper's methods, the mean over both factors at most for ``packed``. None for
        ``rate-distortion``, as is `bits_right`.
    bits_right : int or None
        Bits per entry of the right factor; equal to `bits` for ``nq``.
    size : int or None
        Most bytes of the whole file.
    relative_error : float or None
        Largest relative Frobenius error.
    max_abs_error : float or None
        Largest absolute error of an entry.
    mode : str or None
        One of `MODES` if it was forced.
    transform : str or None
        The only transform to try, or ``none``; None for any.
    center : str or None
        One of `CENTERS`: the means to store apart; None for none. ``auto`` until the matrix has
        been looked at, what it led to from then on.
    passes : int or None
        How often the matrix may be read; None without a limit.
    """

    method: str
    rank: int | None
    bits: int | None
    bits_right: int | None
    size: int | None = None
    relative_error: float | None = None
    max_abs_error: float | None = None
    mode: str | None = None
    transform: str | None = None
    center: str | None = None
    passes: int | None = None

    @property
    def depths(self) -> tuple[int, int]:
        """Bits of the left and of the right factor, for a method that has them."""
        return int(self.bits or 0), int(self.bits_right or 0)

    @property
    def without_error(self) -> bool:
        """Whether no error is allowed, and every entry may be stored to keep to that."""
        entries = self.mode in (None, "direct") and self.rank is None and self.size is None
        bound = self.relative_error if self.max_abs_error is None else self.max_abs_error
        return self.method == "rate-distortion" and entries and bound == 0

    @property
    def goal(self) -> Goal:
        """What is to be met; for a rank alone, which has no goal, `ValueError`."""
        if self.size is not None:
            return SizeGoal(self.size)
        if self.max_abs_error is not None:
            return PointwiseGoal(self.max_abs_error)
        if self.relative_error is not None:
            return ErrorGoal(self.relative_error)
        raise ValueError("neither a size nor an error was asked for")


@dataclass(frozen=True)
class CompressionPlan:
    """Target of a compression, and what was decided to meet it.

    Attributes
    ----------
    target : Target
        What was asked.
    mode : str
        One of `MODES`.
    basis : str
        How the singular directions were found: ``gram`` (exact, from AᵀA), ``sketch``
        (randomized range finder), ``single-pass`` (sketches of both sides), ``svd`` (full
        decomposition) or ``none``.
    sketch : str or None
        One of `SKETCHES` where `basis` is ``sketch`` or ``single-pass``.
    sketch_size : int or None
        Columns of the sketch: rank plus oversampling.
    power_iterations : int or None
        Number of products with AᵀA, each followed by an orthonormalisation.
    seed : int
        Seed of the counter-based random generator.
    exponent : int
        The matrix was divided by ``2**exponent`` before factorization; 0 unless its scale
        would overflow or underflow the working precision.
    predictions : dict or None
        For each mode considered, by name: the relative error predicted at the size asked, or the
        bits per coordinate predicted at the error asked. The name ``lossless`` stands for mode
        ``direct`` with a step at which every entry is exact.
    """

    target: Target
    mode: str
    basis: str
    sketch: str | None
    sketch_size: int | None
    power_iterations: int | None
    seed: int
    exponent: int = 0
    predictions: dict[str, float] | None = None
