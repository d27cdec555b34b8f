"""New rows after those of a compressed matrix: projected on its right factor, coded like its own.

The right factor and the mean row stay as they are, and so does everything that the stored rows
decode to. The new ones are quantized with the stored steps, scales and codebooks.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

from threadpoolctl import threadpool_limits

from lplrcli.errors import InputError
from lplrcli.linalg.passes import Passes
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.append import refusals
from lplrcli.pipeline.append.checks import ALONG_ROWS, check_factors, check_rows
from lplrcli.pipeline.append.new_rows import Extension
from lplrcli.pipeline.append.rans_growth import comes_back
from lplrcli.pipeline.decode.memory_needs import require_for_decoding
from lplrcli.planning.targets import require
from lplrcli.runtime.parallel import usable_cpus
from lplrcli.runtime.stages import CODE, stage

logger = logging.getLogger(__name__)

_ALLOWANCE = 1.1
"""How much larger than what was asked, or else than that of the file, the error of new rows may be.
The right factor was fitted to the stored rows: others of the same process err a little more."""

_WITHIN_REACH = 2.0
"""How much less the error becomes at best if codes are chosen without regard to their bits."""

_BATCH = 64
"""Rows of which the codes of a trellis err little more than others, though it has to come back to
where it was: in a file at 5 % error, 8 new rows have 2.5 times that, 64 have 1.03 times."""


@dataclass(frozen=True)
class Appended:
    """A matrix with the new rows.

    Attributes
    ----------
    factorization : Factorization
        All rows. Chunks that stay are read from where they were when they are asked for.
    rows : int
        How many are new.
    added : ErrorReport
        The error of the new rows alone.
    limit : float
        What their relative error was allowed to be.
    asked : float or None
        The relative error that was asked of the file, where this was to decide. The whole matrix
        may have more: then the file asks for what it has, which is told.
    """

    factorization: Factorization
    rows: int
    added: ErrorReport
    limit: float
    asked: float | None = None


@stage(CODE)
def append(
    source: MatrixSource,
    factorization: Factorization,
    *,
    rel_error: float | None = None,
    threads: int | None = None,
    path: str | None = None,
) -> Appended:
    """Append rows to a compressed matrix, and measure the error that they will have.

    Two passes are made over the new rows. Where these just miss the error that they are allowed,
    or the whole matrix the one that was asked, they are coded again, with no bits saved, in two
    more.

    Parameters
    ----------
    source : MatrixSource
        The new rows: of an array, what continues it along its first axis.
    factorization : Factorization
        The matrix they follow.
    rel_error : float, optional
        Largest relative Frobenius error of the new rows. By default 1.1 times the one that was
        asked of the file, which the whole matrix is to keep; where none was asked, 1.1 times the
        one it has.
    threads : int, optional
        The bytes do not depend on it. All usable processors by default.
    path : str, optional
        The file of `factorization`, for messages.

    Raises
    ------
    InputError
        If the new rows cannot be read, hold NaN or infinity, or are of another shape or type.
    PlanError
        If nothing can follow the rows of this file, or not so few.
    TargetUnreachableError
        If the new rows do not fit: the right factor of the file does not span them, or its steps
        are too coarse.
    MemoryLimitError
        If less memory is allowed than decoding the file needs.
    """
    threads = usable_cpus() if threads is None else threads
    require(threads >= 1, "number of threads out of range", threads, "1 or more")
    if rel_error is not None:
        right = math.isfinite(rel_error) and rel_error >= 0
        require(right, "largest relative error out of range", rel_error, "0 or more")
    check_rows(source, factorization, path)
    check_factors(factorization, path)
    if factorization.unfold != source.unfolding.axes:
        source = source.unfolded(factorization.unfold)
    require_for_decoding(factorization, threads, path)
    limit = _limit(factorization, rel_error)
    asked = factorization.plan.target.relative_error if rel_error is None else None
    with threadpool_limits(1, "blas"):
        extension = Extension(Passes(source), factorization, threads, thrift=1.0)
        added, error_norm = extension.code()
        whole = _whole(factorization.report, added, error_norm, source.name)
        error = _judged(added, whole)
        missed = error > limit or (asked is not None and whole.relative_frobenius_error > asked)
        if missed and error <= _WITHIN_REACH * limit and _entropy_coded(factorization):
            logger.info("an error of %.4g: coding again, for the least", error)
            extension = Extension(Passes(source), factorization, threads, thrift=0.0)
            before = added.passes
            added, error_norm = extension.code()
            added = replace(added, passes=before + added.passes)
            whole = _whole(factorization.report, added, error_norm, source.name)
        _check(added, whole, limit, factorization, source)
    grown = replace(
        extension.grown, plan=_plan(factorization.plan, rel_error, whole), report=whole,
        source={k: v for k, v in factorization.source.items() if k != "sha256"},
    )  # fmt: skip
    return Appended(grown, source.shape[0], added, limit, asked)


def _limit(factorization: Factorization, rel_error: float | None) -> float:
    """The relative error that new rows may have."""
    target = factorization.plan.target
    if rel_error is not None:
        return rel_error
    if target.relative_error is not None:
        return _ALLOWANCE * target.relative_error
    if target.max_abs_error is not None:
        return math.inf
    return _ALLOWANCE * factorization.report.relative_frobenius_error


def _check(
    added: ErrorReport,
    whole: ErrorReport,
    limit: float,
    factorization: Factorization,
    source: MatrixSource,
) -> None:
    """Refuse new rows that are off by more than they may be."""
    bound = factorization.plan.target.max_abs_error
    largest = added.max_abs_error
    if bound is not None and largest is not None and largest > bound:
        raise refusals.misfit_everywhere(source.name, largest, bound)
    error = _judged(added, whole)
    if error > limit:
        parts = [part for name, part in factorization.parts.items() if name in ALONG_ROWS]
        bound_to_return = any(comes_back(part) for part in parts) and source.shape[0] < _BATCH
        raise refusals.misfit(
            source.name,
            error,
            limit,
            whole.relative_frobenius_error,
            _BATCH if bound_to_return else None,
        )


def _judged(added: ErrorReport, whole: ErrorReport) -> float:
    """The relative error that must keep the limit."""
    # None is small relative to rows of zeros alone.
    return (added if added.source_norm else whole).relative_frobenius_error


def _entropy_coded(factorization: Factorization) -> bool:
    """Whether codes of new rows are chosen by what they cost."""
    parts = factorization.parts
    return any(parts[name].coding == "rans" for name in ALONG_ROWS if name in parts)


def _whole(old: ErrorReport, added: ErrorReport, error_norm: float, name: str) -> ErrorReport:
    """The error of all rows: squared norms add, and so do squared errors."""
    norm = math.hypot(old.source_norm, added.source_norm)
    if not math.isfinite(norm):
        raise InputError(
            "the Frobenius norm of all rows together overflows float64",
            path=name,
            found=f"norms {old.source_norm:.3g} and {added.source_norm:.3g}",
        )
    error = 0.0
    if norm > 0:
        # The product of the old error and norm may underflow.
        before = old.relative_frobenius_error * (old.source_norm / norm)
        error = math.hypot(before, error_norm / norm)
    elif error_norm > 0:
        error = math.inf
    largest = None
    if old.max_abs_error is not None and added.max_abs_error is not None:
        largest = max(old.max_abs_error, added.max_abs_error)
    return ErrorReport(
        error, largest, old.exact, norm, old.passes, bound=None, estimator=old.estimator
    )


def _plan(plan: CompressionPlan, rel_error: float | None, whole: ErrorReport) -> CompressionPlan:
    """What the file is said to keep: not a size, which it had before, nor what led to that."""
    target = plan.target
    promised = target.relative_error
    if promised is not None:
        reached = whole.relative_frobenius_error if rel_error is None else rel_error
        promised = max(promised, reached)
    return replace(
        plan, target=replace(target, size=None, relative_error=promised), predictions=None
    )
