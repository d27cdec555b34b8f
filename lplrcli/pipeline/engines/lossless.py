"""The least file without any error: multiples of one number, or entries as they are."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace

from lplrcli.errors import InputError, PlanError
from lplrcli.linalg.passes import Passes
from lplrcli.model.compressed import Factorization
from lplrcli.model.kept import KEPT_MODE
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.encode.factorization import assembled, file_bytes
from lplrcli.pipeline.encode.kept_chunks import about, keep_dense, keep_sparse
from lplrcli.pipeline.engines.attempts import Attempts
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.predictions import Predictor

logger = logging.getLogger(__name__)

_QUICK_BYTES = 2**22
"""Bytes of entries that are kept without a trial whether it pays."""

_WORTH = 1.01
"""Multiples of a number, which readers of format 1.0 know, are stored where their file is at most
so many times as large as that of entries as they are."""

_HOPELESS = 1.5
"""Entries are not kept whose size at the quick level of zstd is so many times that of a file."""

_EXACT_IN_SPARSE = 2.0**53
"""Magnitude from which sparse matrices, read as float64, do not hold every integer."""


def factorize(
    source: MatrixSource,
    plan: CompressionPlan,
    threads: int,
    name: str | None,
    survey: Callable[[], Predictor],
) -> Factorization:
    """Store a matrix without any error.

    Parameters
    ----------
    source : MatrixSource
        The matrix A (n x d); entries may be NaN or infinite.
    plan : CompressionPlan
        What was asked.
    threads : int
        The bytes do not depend on it.
    name : str or None
        Name of the matrix in the file.
    survey : callable
        Gives what is known of the matrix, which may be refused.

    Raises
    ------
    TargetUnreachableError
        If integers of a sparse matrix are too large to have been read without error.
    """
    passes = Passes(source, threads)
    if source.sparse:
        # Every zero would be coded too: that is tried only where it is foretold to be less.
        kept = _as_they_are(passes, plan, threads)
        found = file_bytes(kept, name)
        multiples = _as_multiples(survey, found)
        less = multiples is not None and file_bytes(multiples, name) <= found * _WORTH
        return multiples if multiples is not None and less else kept
    multiples = _as_multiples(survey)
    if multiples is not None:
        size = file_bytes(multiples, name)
        entries = source.shape[0] * source.shape[1] * source.dtype.itemsize
        if entries > _QUICK_BYTES:
            tried = about(passes, threads)
            if tried > _HOPELESS * size:
                return multiples
    kept = _as_they_are(passes, plan, threads)
    found = file_bytes(kept, name)
    logger.info("entries as they are: %d bytes", found)
    return kept if multiples is None or found * _WORTH < size else multiples


def _as_multiples(survey: Callable[[], Predictor], most: float = math.inf) -> Factorization | None:
    """The matrix as multiples of one number, or of zeros alone, if it is that."""
    try:
        predictor = survey()
        foretold = predictor.lossless() if math.isfinite(most) else None
        if foretold is not None and foretold.file_bytes > _HOPELESS * most:
            return None
        attempts = Attempts(predictor)
        lossless = attempts.lossless()
        if lossless is None:
            zero = attempts.passes.scan().norm == 0 and not predictor.survey.negative_zeros
            lossless = attempts.smallest() if zero else None
        if lossless is None:
            return None
        measured = attempts.measured(lossless)
    except (InputError, PlanError):
        return None  # entries are read again, and refused again if they cannot be read
    return measured if attempts.meets(measured) else None


def _as_they_are(passes: Passes, plan: CompressionPlan, threads: int) -> Factorization:
    """The matrix with every entry, or every one that is stored, as it is."""
    source = passes.source
    if source.sparse:
        _check_integers(passes)
        entries, norm = keep_sparse(passes, threads)
    else:
        entries, norm = keep_dense(passes, threads)
    plan = replace(
        plan,
        target=replace(plan.target, center=None),
        mode=KEPT_MODE,
        basis="none",
        sketch=None,
        sketch_size=None,
        power_iterations=None,
    )
    report = ErrorReport(
        0.0, 0.0, exact=True, source_norm=norm, passes=passes.count, bytes_read=passes.bytes_read
    )
    return replace(assembled(source, (None, None, None), plan, report), kept=entries)


def _check_integers(passes: Passes) -> None:
    """Refuse integers of a sparse matrix that may have been rounded when they were read."""
    source = passes.source
    if source.dtype.kind in "iu" and source.dtype.itemsize == 8:
        scan = passes.scan()
        if max(-scan.low, scan.high) >= _EXACT_IN_SPARSE:
            raise refusals.rounded_integers(source.name, max(-scan.low, scan.high))
