"""Reports: errors and sizes that a compression achieved."""

from __future__ import annotations

from dataclasses import dataclass, field

GAUSSIAN_ROWS = "gaussian-rows"
"""Name of the estimator of Tropp, Yurtsever, Udell and Cevher 2019, section 6; see
`lplrcli.linalg.probe`."""


@dataclass(frozen=True)
class ErrorReport:
    """Error of a decoded matrix Â against its original A.

    Attributes
    ----------
    relative_frobenius_error : float
        ``‖A − Â‖_F / ‖A‖_F``; 0 where both are zero.
    max_abs_error : float or None
        ``max |A − Â|``; None where it was not measured (sparse input, an estimate).
    exact : bool
        True if measured on every entry, False if estimated.
    source_norm : float
        ``‖A‖_F``.
    passes : int
        Number of passes over the matrix, the measurement included.
    bound : float or None
        For method ``lplr``: the relative error that Theorem 3.2 of LPLR (arXiv 2310.11028) grants
        in expectation before quantization, ``sqrt((1 + k/(r−k−1)) ‖A − A_k‖²) / ‖A‖`` at the best
        k; None if the spectrum is not known.
    estimator : str or None
        Name of the estimator if no pass was left to measure the error: `GAUSSIAN_ROWS`.
    bytes_read : int or None
        Bytes that the source gave in all passes, as it counts them (see
        `lplrcli.model.source.MatrixSource`). They depend on the source, so files do not hold them:
        None for an opened file, and ignored by comparisons.
    """

    relative_frobenius_error: float
    max_abs_error: float | None
    exact: bool
    source_norm: float
    passes: int
    bound: float | None = None
    estimator: str | None = None
    bytes_read: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SizeReport:
    """Size of a file, in bytes and per coordinate.

    Attributes
    ----------
    file_bytes : int
        Size of the whole file, headers and checksums included.
    bits_per_coordinate : float
        ``8 * file_bytes / (n * d)``.
    compression_ratio : float
        Bytes of the entries in their original type over `file_bytes`.
    """

    file_bytes: int
    bits_per_coordinate: float
    compression_ratio: float


@dataclass(frozen=True)
class AppendReport:
    """Errors and size after rows were appended to a file.

    Attributes
    ----------
    rows : int
        Number of rows that were added to the matrix.
    added : ErrorReport
        Error of these rows alone.
    limit : float
        Largest relative error that these rows were allowed.
    whole : ErrorReport
        Error of all rows, as the file states it now.
    file_bytes : int
        Size of the whole file.
    """

    rows: int
    added: ErrorReport
    limit: float
    whole: ErrorReport
    file_bytes: int
