"""Steps of entries that are rounded to the nearest multiple, for a bound that every one keeps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lplrcli.pipeline.encode.coefficients import GREATEST
from lplrcli.pipeline.survey.matrix_survey import MatrixSurvey

_RESTORING = 0.9
"""Step of integers that are restored when their sum with factors is rounded."""


def plain_step(survey: MatrixSurvey, bound: float) -> float | None:
    """Step with which no entry is off by more than `bound` once rounded to its type.

    At the scale of the passes. None where rounding to the type alone may exceed the bound.
    """
    lattice, passes = survey.lattice, survey.passes
    if lattice is not None:
        step = (2 * math.floor(bound / lattice * (1 + 1e-12)) + 1) * lattice
    else:
        scan = passes.original()
        spacing = _spacing(max(-scan.low, scan.high), passes.source.dtype)
        # Rounding to the type at most doubles an error, as the entry itself is of the type.
        step = max(2 * bound - 1.01 * spacing, bound)
    return math.ldexp(step, -passes.exponent) if step > 0 else None


def finest_step(survey: MatrixSurvey) -> float:
    """About the finest step with which no code is cut; for integers, no finer than they are.

    Rounding to the type may restore what is off by less than half its spacing.
    """
    scan = survey.passes.original()
    step = max(-scan.low, scan.high) / GREATEST
    if survey.passes.source.dtype.kind in "iub":
        step = max(step, _RESTORING)
    return math.ldexp(step, -survey.passes.exponent)


def _spacing(largest: float, dtype: np.dtype[Any]) -> float:
    """Distance of neighbouring numbers of a type next to its largest entry."""
    if dtype.kind in "iub":
        return 1.0
    eps = {2: 2.0**-7, 4: 2.0**-23, 8: 2.0**-52}[dtype.itemsize]
    return largest * eps
