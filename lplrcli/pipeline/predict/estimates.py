"""Ways to code a matrix, as they are told before anything is coded: mode, size, error."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lplrcli.model.goals import Goal, SizeGoal
from lplrcli.planning.mode_predictions import Prediction


@dataclass(frozen=True)
class Estimate:
    """What one way to code a matrix is expected to reach, or has reached.

    Attributes
    ----------
    mode : str
        One of `lplrcli.model.plan.MODES`, or ``lossless``: the mode ``direct`` with the number
        of which all entries are multiples as its step.
    rank : int
        Components, about; 0 without factors.
    file_bytes : int
        Bytes of the whole file.
    relative_error : float
        Relative Frobenius error of the decoded matrix.
    bound : float or None
        Where a size is given: the least relative error that normal coefficients could have in a
        file of that size. Where an error is: the least bits per coordinate; None if the
        directions known cannot tell. See `lplrcli.planning.rate_bounds`.
    prediction : Prediction or None
        Steps to start coding from, where the mode was predicted.
    """

    mode: str
    rank: int
    file_bytes: int
    relative_error: float
    bound: float | None = None
    prediction: Prediction | None = None

    @property
    def error(self) -> float:
        """The relative error."""
        return self.relative_error

    @property
    def cost(self) -> float:
        """Bytes of the file."""
        return self.file_bytes


def told_of(found: Iterable[Estimate], goal: Goal, entries: int) -> dict[str, float]:
    """What a file tells of predictions, by mode, in four digits.

    The relative error where a size is asked for, else the bits of the codes per entry.
    """
    told: dict[str, float] = {}
    for one in found:
        if isinstance(goal, SizeGoal):
            value = one.relative_error
        else:
            value = one.prediction.bits / entries if one.prediction else 0.0
        told[one.mode] = float(f"{value:.4g}")
    return told


def bytes_of(bits: float) -> int:
    """Bytes that hold so many bits."""
    return math.ceil(bits / 8)


def relative(squared_error: float, norm: float) -> float:
    """Relative Frobenius error."""
    return float(np.sqrt(squared_error)) / norm if norm else 0.0
