"""What a compression is asked for, before the matrix is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CompressionRequest:
    """Every option of a compression that decides bytes.

    A size, an error or a rank is needed. `lplrcli.compress` and ``lplr compress`` build one of
    these; `lplrcli.planning.targets.check` refuses options that contradict each other, whatever
    the matrix, and `lplrcli.planning.targets.target_of` says what they mean for one.

    Attributes
    ----------
    method : str or None
        One of `lplrcli.model.plan.METHODS`: ``rate-distortion``, the default where a size or an
        error is asked for; ``packed``, the default for a rank alone; or one of the paper's,
        ``lplr``, ``lsvd``, ``dsvd``, ``nq``.
    rank : int or None
        Most components; more than min(n, d) means min(n, d). Not for ``nq``; may be left out for
        ``rate-distortion``.
    bits, bits_right : int or None
        Bits per entry of the left and of the right factor, 1 to 16, the former 4 and the latter
        equal to it by default: means, and upper bounds to the size, for ``packed``; exact for the
        paper's methods.
    bpc : float or None
        Most bits per coordinate of the whole file.
    ratio : float or None
        Least ratio of the bytes of the matrix to those of the file.
    size : int or None
        Most bytes of the whole file.
    rel_error : float or None
        Largest relative Frobenius error of the decoded matrix; 0 for lossless.
    max_abs_error : float or None
        Largest absolute error of any of its entries.
    mode : str or None
        The only one of `lplrcli.model.plan.MODES` to use; the best for the matrix by default.
    transform : str or None
        The only transform to try, ``dct``, ``cdf97``, ``cdf97-tensor`` or, for factors, ``klt``;
        ``none`` for none; ``auto``, the default, for any.
    center : str or None
        Means stored apart: ``mean-row`` (the mean over the rows, 1 x d), ``mean-column`` (the
        mean over the columns, n x 1), ``both``, ``auto`` for what is predicted to pay; ``none``,
        the default.
    passes : int or None
        How often the matrix may be read, the measurement of the error included. With 1 or 2 the
        error is estimated; with 1 every block is visited once and in order. A size or an error
        then means mode ``factors``; an error needs 3 or more, a size below that a rank.
    sketch : str or None
        One of `lplrcli.model.plan.SKETCHES`; ``gaussian`` by default.
    oversampling : int or None
        Columns of the sketch beyond the rank, 8 by default, 3 r + 1 for one pass; for ``packed``
        only.
    power_iterations : int or None
        Products with AᵀA: 2 by default for the engines, 0 for ``lplr``.
    seed : int
        Seed of the sketch.

    Examples
    --------
    >>> CompressionRequest(rel_error=0.01).rank is None
    True
    """

    method: str | None = None
    rank: int | None = None
    bits: int | None = None
    bits_right: int | None = None
    bpc: float | None = None
    ratio: float | None = None
    size: int | None = None
    rel_error: float | None = None
    max_abs_error: float | None = None
    mode: str | None = None
    transform: str | None = None
    center: str | None = None
    passes: int | None = None
    sketch: str | None = None
    oversampling: int | None = None
    power_iterations: int | None = None
    seed: int = 0

    @property
    def goals(self) -> dict[str, float]:
        """Sizes and errors that are asked for, by the name of their option."""
        asked = {
            "bpc": self.bpc,
            "ratio": self.ratio,
            "size": self.size,
            "rel_error": self.rel_error,
            "max_abs_error": self.max_abs_error,
        }
        return {name: value for name, value in asked.items() if value is not None}

    @property
    def chosen_method(self) -> str:
        """The method asked for, or the one that a size or an error, or a rank alone, stands for."""
        if self.method is not None:
            return self.method
        return "rate-distortion" if self.goals else "packed"
