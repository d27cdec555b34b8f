"""What each mode would reach at a target, from one survey of the matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property

from threadpoolctl import threadpool_limits

from lplrcli.model.goals import ErrorGoal, Goal, PointwiseGoal, SizeGoal
from lplrcli.model.plan import CompressionPlan
from lplrcli.pipeline.encode.factorization import file_bytes, unmeasured, zeros
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.demand import HEADER_BYTES, TargetDemand
from lplrcli.pipeline.predict.estimates import Estimate, bytes_of, relative
from lplrcli.pipeline.predict.plain_steps import plain_step
from lplrcli.pipeline.survey.matrix_survey import MatrixSurvey
from lplrcli.planning import mode_predictions
from lplrcli.planning.mode_predictions import Prediction
from lplrcli.planning.normal_rates import normal_entropy
from lplrcli.planning.spectrum import Spectrum

_RESIDUAL_WORTH, _LARGE_RESIDUAL_WORTH = 0.985, 0.93
"""What a residual must bring error or size down to, against factors alone; the latter where every
entry of a large matrix would have to be coded for it."""

_UNREACHED = 16.0
"""A mode whose sample, however fine the step, has so many times the squared error allowed is out
of the question."""

LOSSLESS = "lossless"


class Predictor:
    """Predictions for one matrix and one target.

    Parameters
    ----------
    survey : MatrixSurvey
        What is known of the matrix, or becomes known as it is asked for.
    plan : CompressionPlan
        What was asked; ``auto`` is settled.
    demand : TargetDemand
        That of its target.
    name : str or None
        Name of the matrix in the file: it counts.
    told : mapping of str to float
        What was predicted of each mode before means were stored apart.
    spectrum : Spectrum, optional
        In place of that of the survey.
    """

    def __init__(
        self,
        survey: MatrixSurvey,
        plan: CompressionPlan,
        demand: TargetDemand,
        name: str | None,
        told: Mapping[str, float] | None = None,
        spectrum: Spectrum | None = None,
    ) -> None:
        self.survey = survey
        self.plan = plan
        self.demand = demand
        self.name = name
        self.told: Mapping[str, float] = told or {}
        self.goal = plan.target.goal
        self._spectrum = spectrum

    @property
    def spectrum(self) -> Spectrum:
        """The energies of the directions, and that of all others."""
        return self._spectrum or self.survey.spectrum

    @property
    def norm(self) -> float:
        """Frobenius norm that errors are relative to, at the scale of the passes."""
        return self.survey.passes.original().norm

    @property
    def header_bytes(self) -> int:
        """Bytes of a file, about, besides its codes."""
        return HEADER_BYTES + self.survey.means.file_bytes

    @property
    def factors_alone(self) -> bool:
        """Whether no entry is coded by itself."""
        return self.demand.factors_alone(self.survey.passes.shape)

    @property
    def modes(self) -> list[str]:
        """The modes that the target allows."""
        if self.factors_alone:
            return ["factors"]
        if self.plan.target.mode:
            return [self.plan.target.mode]
        direct = ["direct"] if self.demand.may_be_direct else []
        return ["factors", "factors+residual", *direct]

    def at(self, goal: Goal) -> list[Estimate]:
        """What each mode allowed is expected to reach, in no order.

        Parameters
        ----------
        goal : SizeGoal, ErrorGoal or PointwiseGoal
            Not necessarily that of the target.
        """
        if self.survey.passes.scan().norm == 0:
            return []
        found = (self.estimate(mode, goal) for mode in self.modes)
        return [estimate for estimate in found if estimate is not None]

    def estimate(self, mode: str, goal: Goal) -> Estimate | None:
        """What one mode is expected to reach; None if it does not reach the goal."""
        if isinstance(goal, SizeGoal):
            found = self._at_size(mode, 8.0 * (goal.size - self.header_bytes))
            return None if found is None else self._estimate(found, goal.size)
        if isinstance(goal, ErrorGoal):
            found = self._at_error(mode, goal.relative_error**2 * self.norm**2)
            return None if found is None else self._estimate(found, self._file_bytes(found.bits))
        return self._within(mode, goal.bound)

    @cached_property
    def estimates(self) -> list[Estimate]:
        """What is predicted at the target of the plan, the way to choose first.

        The engine codes in that mode; on small matrices in those that come close as well, and
        keeps the best.

        Raises
        ------
        TargetUnreachableError
            If it is plain already that the target cannot be reached.
        """
        with threadpool_limits(1, "blas"):
            if self.plan.target.mode != "direct" and self.goal != ErrorGoal(0.0):
                # The first product with A scans it on the way.
                _ = self.survey.directions
            self.survey.passes.original()  # refuses what is not finite
            found = list(self._all())
        values = {one.mode: self.goal.value_of(one) for one in found}
        if not self.residual_pays(values):
            values["factors+residual"] = math.inf
        return sorted(found, key=lambda one: values[one.mode])

    def residual_pays(self, values: Mapping[str, float]) -> bool:
        """Whether a residual is predicted to gain enough over factors alone.

        Parameters
        ----------
        values : mapping of str to float
            What is to be small, error or size, by mode.
        """
        worth = _RESIDUAL_WORTH if self.survey.quick else _LARGE_RESIDUAL_WORTH
        return values.get("factors+residual", 0.0) <= worth * values.get("factors", math.inf)

    def smallest_file(self, told: Mapping[str, float]) -> int:
        """Bytes of the smallest file that holds the matrix, if only as zeros.

        Parameters
        ----------
        told : mapping of str to float
            Predictions that the file tells.
        """
        passes, means = self.survey.passes, self.survey.means
        plan = self.survey.completed(self.plan, "factors", told)
        return file_bytes(unmeasured(passes, zeros(passes.shape), plan, means), self.name)

    def lossless(self) -> Estimate | None:
        """The matrix as multiples of its lattice; None if it has none, or may not be so coded."""
        rate = self.survey.lossless_rate() if self.demand.may_be_direct else None
        if rate is None:
            return None
        return Estimate(LOSSLESS, 0, self._file_bytes(rate * self.survey.entries), 0.0)

    def _all(self) -> Iterator[Estimate]:
        """Estimates of all modes allowed and of lossless storage, in no order."""
        goal, name = self.goal, self.survey.passes.source.name
        lossless = self.lossless()
        most = goal.size if isinstance(goal, SizeGoal) else math.inf
        if lossless is not None and lossless.file_bytes <= most:
            yield lossless
        if self.survey.passes.scan().norm == 0:
            yield Estimate("factors", 0, self.smallest_file(self.told), 0.0)
        elif isinstance(goal, SizeGoal):
            yield from self._all_at_size(goal)
        elif isinstance(goal, PointwiseGoal):
            if lossless is None and plain_step(self.survey, goal.bound) is None:
                raise refusals.too_exact_everywhere(name, goal.bound, math.inf)
            yield from self.at(goal)
        elif goal.relative_error > 0:
            found = self.at(goal)
            if not found:
                reached = relative(self.spectrum.tail, self.norm)
                raise refusals.too_exact(name, goal.relative_error, reached)
            yield from found
        elif lossless is None:
            raise refusals.not_lossless(name)

    def _all_at_size(self, goal: SizeGoal) -> Iterator[Estimate]:
        smallest = self.smallest_file(self.told)
        if smallest > goal.size:
            raise refusals.too_small(self.survey.passes.source.name, goal.size, smallest)
        found = self.at(goal)
        yield from found
        if not found:
            # No room for codes: what is left is a file of zeros, and of means.
            total = self.survey.passes.scan().norm ** 2
            yield Estimate("factors", 0, smallest, relative(total, self.norm))

    def _at_size(self, mode: str, bits: float) -> Prediction | None:
        if bits <= 0:
            total = self.survey.passes.scan().norm ** 2
            return Prediction(mode, 1.0, 1.0, 0.0, total) if mode == "factors" else None
        if mode == "direct":
            return self.survey.direct_at_rate(bits / self.survey.entries)
        return mode_predictions.at_size(mode, self.spectrum, bits)

    def _at_error(self, mode: str, squared_error: float) -> Prediction | None:
        if mode == "direct":
            found = self.survey.direct_at_error(squared_error)
            # Codes have an end: beyond it the error stays as it is.
            reached = found.squared_error < _UNREACHED * squared_error
            return found if reached or self.plan.target.mode == "direct" else None
        return mode_predictions.at_error(mode, self.spectrum, squared_error)

    def _within(self, mode: str, bound: float) -> Estimate | None:
        """A residual, or all entries, rounded to the nearest multiple of a step."""
        step = plain_step(self.survey, bound)
        if step is None or mode == "factors":
            return None
        entries, total = self.survey.entries, self.survey.passes.scan().norm ** 2
        if mode == "direct":
            rate, squares = self.survey.columns.code_sample(step, 0, None, plain=True)
            error = min(squares * entries, total)
            found = Prediction("direct", 0.0, step, rate * entries, error)
            return self._estimate(found, self._file_bytes(found.bits))
        spectrum, squared_error = self.spectrum, min(entries * step**2 / 12, total)
        found = mode_predictions.residual_at_error(spectrum, squared_error)
        spent, left = spectrum.factors(found.step)
        bits = spent + entries * normal_entropy(math.sqrt(left / entries) / step)
        return self._estimate(found, self._file_bytes(bits))

    def _estimate(self, found: Prediction, size: int) -> Estimate:
        rank = 0 if found.mode == "direct" else self.spectrum.rank(found.step)
        error = relative(found.squared_error, self.norm)
        return Estimate(found.mode, rank, size, error, prediction=found)

    def _file_bytes(self, bits: float) -> int:
        return self.header_bytes + bytes_of(bits)
