"""Codebooks of the standard normal distribution, 1 to 16 bits, from integers in the format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.runtime.format_files import read_definition

LLOYD_MAX_BITS = 8
"""Up to here levels are listed; above, the compander's cells are divided evenly."""


@dataclass(frozen=True)
class Codebook:
    """Levels and cell boundaries of unit scale.

    Attributes
    ----------
    levels : ndarray of float64, shape (2**b,)
        Ascending.
    thresholds : ndarray of float32, shape (2**b - 1,)
        Midway between levels.
    starts : ndarray of uint16, shape (g,)
        See `lplrcli.kernels.quantization.nearest_codes`.
    reach : float
        The levels lie within ±reach.
    """

    levels: NDArray[np.float64]
    thresholds: NDArray[np.float32]
    starts: NDArray[np.uint16]
    reach: float


@cache
def _definition() -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(read_definition("normal_codebooks.json"))
    return definition


@cache
def normal_levels(bits: int) -> NDArray[np.float64]:
    """The 2**bits levels, exactly as SPEC.md, section "normal", derives them.

    Integers of at most 33 bits times a power of two: float64 holds them, float32 would not.
    """
    definition = _definition()
    if bits <= LLOYD_MAX_BITS:
        half = np.array(definition["lloyd_max"][str(bits)], np.float64)
        exact = np.concatenate([-half[::-1], half])
        return _shared(np.ldexp(exact, definition["unit_log2"]))
    bounds = np.array(definition["compander"], np.int64)
    parts = 1 << (bits - LLOYD_MAX_BITS)
    odd = 2 * np.arange(parts, dtype=np.int64) + 1
    exact = bounds[:-1, None] * (2 * parts) + np.diff(bounds)[:, None] * odd
    unit = definition["unit_log2"] - (bits - LLOYD_MAX_BITS + 1)
    return _shared(np.ldexp(exact.ravel().astype(np.float64), unit))


def _shared(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    levels.flags.writeable = False
    return levels


@cache
def normal_codebook(bits: int) -> Codebook:
    """Codebook of `bits` bits, 1 to 16."""
    levels = normal_levels(bits)
    thresholds = ((levels[1:] + levels[:-1]) / 2).astype(np.float32)
    reach = 8.0
    cells = max(1024, 8 << bits)
    edges = np.arange(cells) * (2 * reach / cells) - reach
    starts = np.searchsorted(thresholds, edges).astype(np.uint16)
    return Codebook(levels, thresholds, starts, reach)
