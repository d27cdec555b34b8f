"""Are all entries multiples of one number? Integers, 8-bit images, ratings, patterns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_VALUES = 2**16
"""A sample with more distinct values than this is taken for integers, or for no lattice."""

_MOST_LEVELS, _MOST_INTEGERS = 2**24, 2**28
"""Largest multiple of a step looked for, and of 1."""


def lattice_step(sample: NDArray[Any]) -> float | None:
    """Largest step found of which all of `sample` are multiples, after rounding to its type.

    Parameters
    ----------
    sample : ndarray
        Finite entries in their original type.

    Returns
    -------
    float or None
        None also where all entries are zero, or none is stored.
    """
    values = np.unique(np.abs(sample.astype(np.float64)))
    if values.size == 0 or values[-1] == 0:
        return None
    candidates = _candidates(values) if len(values) <= _MOST_VALUES else iter(())
    # Next to the ends of the type's range, quotients leave it.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for step in candidates:
            if step > 0 and values[-1] / step < _MOST_LEVELS and on_lattice(sample, step):
                return step
    return 1.0 if values[-1] < _MOST_INTEGERS and on_lattice(sample, 1.0) else None


def on_lattice(entries: NDArray[Any], step: float) -> bool:
    """Whether every entry is the nearest value of its type to a multiple of `step`."""
    wide = entries.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        restored = np.rint(wide / step) * step
        if entries.dtype.kind in "iu":
            restored = np.rint(restored)
        return bool(np.array_equal(restored.astype(entries.dtype), entries))


def _candidates(values: NDArray[np.float64]) -> Iterator[float]:
    """Steps to try, the coarsest first."""
    positive = np.concatenate([values[values > 0], np.diff(values)])
    positive = positive[positive > values[-1] * 1e-7]
    least = float(positive.min())
    # Differences carry the rounding errors of the entries; the largest entry tells the step best.
    for parts in (1, 2, 3, 4, 5, 6, 8, 10, 12, 20):
        step = float(values[-1] / np.rint(values[-1] / (least / parts)))
        yield step
        if abs(step) < 1:
            yield 1 / float(np.rint(1 / step))
        yield float(f"{step:.6g}")
        yield float(2.0 ** np.rint(np.log2(step)))
