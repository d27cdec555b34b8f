"""Whether the error that a file states is the one it has: held against its original."""

from __future__ import annotations

import math

import numpy as np

from lplrcli.container.byte_layout import METADATA
from lplrcli.errors import CorruptSectionError
from lplrcli.linalg.probe import TEST_ROWS
from lplrcli.linalg.scan import Scan
from lplrcli.model.compressed import KLT, Factorization
from lplrcli.model.report import GAUSSIAN_ROWS, ErrorReport
from lplrcli.model.source import working_dtype
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.pipeline.decode.factor_reader import on_a_lattice

_SPREAD = 5
"""Standard deviations that an estimate may be off by."""

_SUMS = 2.0**-20
"""Relative difference of two norms: sums in another order, of an original in another type."""

_INNER_PRODUCTS = 3e-7
"""What an error may be off by that follows from inner products, as of large sparse matrices."""

_NARROW_SPACING = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Distance of neighbours, relative to an entry; of integers it is 1."""

_OF_TRANSFORMS = {"identity": 0.0, KLT: 2.0**-32}
"""Tolerances that SPEC.md allows; 2^-40 of all other transforms."""


def disagreements(
    factorization: Factorization, scan: Scan, measured: ErrorReport, path: str
) -> list[CorruptSectionError]:
    """What a file states of its error that is further from the truth than rounding explains.

    Two decoders of one file make matrices Â and Ã that differ by rounding, and what they measure
    differs by no more: ``|‖A − Â‖ − ‖A − Ã‖| ≤ ‖Â − Ã‖``. A sum of r products is off by some
    δ = (r + 8) u of its size, u being the precision it is computed in, and by the tolerance of its
    transform. Where it is rounded to integers or narrow floats, a step q apart, the part δ / q of
    the entries lies so close to a tie that it may come out one step off: ``√(δ q)`` altogether.
    What is no sum (SPEC.md, The decoded matrix) agrees, but for the sums of squares.

    An estimate may be off by five of the standard deviations that its estimator states, of
    ``gaussian-rows`` at most ``1 / √(2 · 20)`` of the error; one that does not say how it was
    made is held to nothing.

    Parameters
    ----------
    factorization : Factorization
        What the file holds and states.
    scan : Scan
        Range and norm of its original.
    measured : ErrorReport
        Its error against that.
    path : str
        Name of the file.
    """
    stated = factorization.report
    tolerances = {
        "source_norm": _SUMS * measured.source_norm,
        "relative_frobenius_error": relative_tolerance(factorization, measured),
        "max_abs_error": largest_tolerance(factorization, scan, measured),
    }
    found = []
    for key, tolerance in tolerances.items():
        value, true = getattr(stated, key), getattr(measured, key)
        if value is not None and true is not None and abs(value - true) > tolerance:
            found.append(
                CorruptSectionError(
                    f"achieved.{key} is not what was measured",
                    path=path,
                    section=METADATA,
                    found=value,
                    expected=f"{true} within {tolerance:.2g}",
                    advice="It was made from another matrix, or does not decode to what its "
                    "writer measured.",
                )
            )
    return found


def relative_tolerance(factorization: Factorization, measured: ErrorReport) -> float:
    """How far the relative Frobenius error stated may be from the one measured."""
    stated, true = factorization.report, measured.relative_frobenius_error
    if not stated.exact:
        known = stated.estimator == GAUSSIAN_ROWS
        return _SPREAD / math.sqrt(2 * TEST_ROWS) * true if known else math.inf
    entries = math.prod(factorization.shape)
    distance = _distance(factorization) * (1 + true)
    if distance and measured.source_norm:
        typical = measured.source_norm / math.sqrt(entries)
        step = _step(factorization.dtype, typical) / typical
        # In a small matrix one entry may be a large part of all.
        distance += max(math.sqrt(distance * step), step / math.sqrt(entries))
    if None in (stated.max_abs_error, measured.max_abs_error):
        distance += _INNER_PRODUCTS
    return distance + _SUMS * true


def largest_tolerance(factorization: Factorization, scan: Scan, measured: ErrorReport) -> float:
    """How far the largest error stated may be from the one measured."""
    largest = measured.max_abs_error or 0.0
    size = max(abs(scan.low), abs(scan.high)) + largest
    distance = _distance(factorization)
    step = _step(factorization.dtype, size) if distance else 0.0
    return distance * size + step + _SUMS * largest


def _distance(factorization: Factorization) -> float:
    """Difference of two decoders, relative to the norm, before entries are rounded."""
    if on_a_lattice(factorization):
        return 0.0
    working = working_dtype(entry_dtype(factorization.dtype))
    own = max(
        _OF_TRANSFORMS.get(factor.transform, 2.0**-40) for factor in factorization.parts.values()
    )
    return (factorization.rank + 8) * float(np.finfo(working).eps) / 2 + own


def _step(dtype: str, size: float) -> float:
    """From an entry of a size to its neighbours, in a type narrower than that of the sums."""
    if dtype in ("float32", "float64"):
        return 0.0
    return _NARROW_SPACING[dtype] * size if dtype in _NARROW_SPACING else 1.0
