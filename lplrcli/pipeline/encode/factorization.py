"""Coded sections to a Factorization, and how many bytes it takes in a file.

The report of a file states its error, which can only be measured on what is coded already, and the
digits of it count towards the size. Until it is measured, a report that `reserved` makes stands
for it: its numbers take as much room in the metadata as any others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from lplrcli.container.writer import container_size
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.scan import Scan
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.encode.coded_coefficients import CodedCoefficients
from lplrcli.pipeline.encode.means import NO_MEANS, StoredMeans

Sections: TypeAlias = tuple[QuantizedFactor | None, QuantizedFactor | None, QuantizedFactor | None]
"""L, Rᵀ and E as a file holds them, or None for what is not present."""

ERROR_DIGITS = 0.12345678901234567
"""An error of as many digits as any has."""

_SMALL = 1e-9
"""Brings an error with all its digits to one with an exponent, which takes four more characters."""

_MOST_PASSES = 99


def reserved(scan: Scan, counted: bool) -> ErrorReport:
    """A report that stands for one not yet measured, and takes no fewer bytes.

    Parameters
    ----------
    scan : Scan
        Range and norm of the matrix.
    counted : bool
        Whether passes are limited: there is then none to measure another file in, so that room is
        reserved for an error with an exponent too.
    """
    return ErrorReport(
        ERROR_DIGITS * (_SMALL if counted else 1.0),
        ERROR_DIGITS * _SMALL,
        exact=True,
        source_norm=scan.source_norm,
        passes=_MOST_PASSES,
    )


def assembled(
    source: MatrixSource,
    sections: Sections,
    plan: CompressionPlan,
    report: ErrorReport,
    means: StoredMeans = NO_MEANS,
) -> Factorization:
    """What a file holds of a matrix.

    Parameters
    ----------
    source : MatrixSource
        The matrix: shape, type, and the array that it was unfolded from.
    sections : tuple of QuantizedFactor or None
        L, Rᵀ and E.
    plan : CompressionPlan
        What was decided.
    report : ErrorReport
        What was measured, or what stands for it.
    means : StoredMeans
        What was subtracted from the matrix first.
    """
    unfolding = source.unfolding
    left, right, residual = sections
    return Factorization(
        shape=source.shape,
        dtype=source.dtype.name,
        left=on_grid(left, unfolding.row_grid),
        right=on_grid(right, unfolding.column_grid),
        residual=residual,
        plan=plan,
        report=report,
        source={"format": source.format},
        array_shape=unfolding.array_shape,
        unfold=unfolding.axes,
        mean_row=means.row,
        mean_column=means.column,
    )


def unmeasured(
    passes: Passes, sections: Sections, plan: CompressionPlan, means: StoredMeans
) -> Factorization:
    """What a file would hold, with room for a report that is still to be measured.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    sections, plan, means
        See `assembled`; the exponent is filled in.
    """
    scan = passes.original()
    report = reserved(scan, counted=plan.target.passes is not None)
    return assembled(passes.source, sections, replace(plan, exponent=scan.exponent), report, means)


def file_bytes(factorization: Factorization, name: str | None) -> int:
    """Bytes of a file that holds nothing else.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    name : str or None
        Name of the matrix in the file: it counts.
    """
    return container_size([factorization], names=[name])


def zeros(shape: tuple[int, int]) -> Sections:
    """Sections of the smallest file that there is: all entries zero."""
    rows, columns = shape
    left, right = CodedCoefficients.empty(rows), CodedCoefficients.empty(columns)
    return left.factor(1, rows), right.factor(1, columns), None


def on_grid(factor: QuantizedFactor | None, grid: tuple[int, ...]) -> QuantizedFactor | None:
    """The factor, its entries said to be a flattening of a grid."""
    return None if factor is None else replace(factor, grid=grid)
