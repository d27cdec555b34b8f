"""What a compression achieved."""

from __future__ import annotations

from dataclasses import dataclass, field

GAUSSIAN_ROWS = "gaussian-rows"
"""Estimator of Tropp, Yurtsever, Udell and Cevher 2019, section 6; see `lplrcli.linalg.probe`."""


@dataclass(frozen=True)
class ErrorReport:
    """The error of a decoded matrix Â against its original A.

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
        How often the matrix was read, the measurement included.
    bound : float or None
        For method ``lplr``: the relative error that Theorem 3.2 of LPLR grants in expectation
        before quantization, ``sqrt((1 + k/(r−k−1)) ‖A − A_k‖²) / ‖A‖`` at its best k, where the
        spectrum is known.
    estimator : str or None
        How the error was estimated where no pass was left to measure it: `GAUSSIAN_ROWS`.
    bytes_read : int or None
        What the source gave in all passes, as it counts (see
        `lplrcli.model.source.MatrixSource`). Depends on the source, so files do not hold it:
        None of an opened one, and not compared.
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
    """Bytes on disk, and what they mean per coordinate.

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
    """What appending rows to a file achieved.

    Attributes
    ----------
    rows : int
        Rows of the matrix that were added.
    added : ErrorReport
        The error of these rows alone.
    limit : float
        Largest relative error that they were allowed.
    whole : ErrorReport
        The error of all rows, as the file has it now.
    file_bytes : int
        Size of the whole file.
    """

    rows: int
    added: ErrorReport
    limit: float
    whole: ErrorReport
    file_bytes: int
