"""The three kinds of target: what is to be met, and what is to be as small as possible then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from lplrcli.model.report import ErrorReport


class Outcome(Protocol):
    """A way to code a matrix, predicted or carried out."""

    @property
    def error(self) -> float:
        """How large the error is, on a scale on which outcomes of one matrix can be compared."""
        ...

    @property
    def cost(self) -> float:
        """How much the file takes, likewise in bits or in bytes."""
        ...


@dataclass(frozen=True)
class SizeGoal:
    """The file has at most so many bytes; the error is to be small.

    Attributes
    ----------
    size : int
        Bytes of the whole file.
    """

    size: int

    def value_of(self, outcome: Outcome) -> float:
        """What is to be as small as possible."""
        return outcome.error

    def met_by(self, report: ErrorReport, file_bytes: int) -> bool:
        """Whether a measured file keeps the goal."""
        return file_bytes <= self.size


@dataclass(frozen=True)
class ErrorGoal:
    """The decoded matrix has at most this relative error; the file is to be small.

    Attributes
    ----------
    relative_error : float
        Error of the decoded matrix, in the Frobenius norm; 0 for lossless.
    """

    relative_error: float

    def value_of(self, outcome: Outcome) -> float:
        """What is to be as small as possible."""
        return outcome.cost

    def met_by(self, report: ErrorReport, file_bytes: int) -> bool:
        """Whether a measured file keeps the goal."""
        return report.relative_frobenius_error <= self.relative_error


@dataclass(frozen=True)
class PointwiseGoal:
    """No decoded entry is off by more than this; the file is to be small.

    Attributes
    ----------
    bound : float
        Absolute, in the units of the matrix.
    """

    bound: float

    def value_of(self, outcome: Outcome) -> float:
        """What is to be as small as possible."""
        return outcome.cost

    def met_by(self, report: ErrorReport, file_bytes: int) -> bool:
        """Whether a measured file keeps the goal."""
        return report.max_abs_error is not None and report.max_abs_error <= self.bound


Goal: TypeAlias = SizeGoal | ErrorGoal | PointwiseGoal
