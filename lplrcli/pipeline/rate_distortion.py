"""The rate-distortion engine: the least error at a size, the least size at an error.

Look at the matrix (spectrum, sample, lattice), predict what each mode would reach, code with the
best, and turn its step until the file has the size, or the decoded matrix the error, asked for.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lplrcli.container.writer import container_size
from lplrcli.errors import TargetUnreachableError
from lplrcli.linalg.passes import Passes
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.pipeline.assess import measure
from lplrcli.pipeline.mode_coders import Coded, ModeCoders
from lplrcli.pipeline.search import largest_within
from lplrcli.planning.mode_choice import Prediction

logger = logging.getLogger(__name__)

_FILLED = 0.984
"""A file of at least this part of the size asked is good enough."""

_TRIED = 1.3
"""Modes whose prediction is this much worse than the best are tried too, where that is quick."""

_QUICK = 2**22
"""Entries up to which it is."""

_UNMEASURED = 0.12345678901234567
"""Stands for an error not yet measured: as long as any in the metadata."""

_VERIFICATIONS = 8


@dataclass(frozen=True)
class _Candidate:
    """One way to code the matrix that met the target."""

    factorization: Factorization
    size: int
    squared_error: float


def factorize(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> Factorization:
    """Code a matrix for the target of a plan, and measure the error of what decodes.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    plan : CompressionPlan
        Target and sketch; mode, basis and predictions are filled in.
    threads : int
        The result does not depend on it.
    name : str or None
        Name of the matrix in the file: it counts.

    Raises
    ------
    TargetUnreachableError
        If no file is as small, or no decoded matrix as exact, as asked.
    """
    return _Run(passes, plan, threads, name).result()


class _Run:
    def __init__(
        self, passes: Passes, plan: CompressionPlan, threads: int, name: str | None
    ) -> None:
        self.passes = passes
        self.target = plan.target
        self.threads = threads
        self.name = name
        self.coders = ModeCoders(passes, plan, threads)
        self.plan = self.coders.plan
        self.scan = passes.scan()

    def result(self) -> Factorization:
        """The best of the candidates, measured."""
        target = self.target
        lossless = self._lossless()
        if lossless is not None and (
            target.relative_error == 0 or (target.size is not None and lossless.size <= target.size)
        ):
            return self._measured(lossless)
        if target.relative_error == 0:
            raise TargetUnreachableError(
                "the matrix cannot be stored without error: its entries are not multiples of "
                "one number",
                path=self.passes.source.name,
                found="-e 0",
                advice="Ask for a small error, such as -e 1e-6.",
            )
        if target.size is not None:
            return self._measured(self._for_size(target.size))
        return self._for_error(lossless)

    # Sizes

    def _for_size(self, size: int) -> _Candidate:
        candidates = []
        for prediction in self._promising():
            found = self._sized(prediction, size)
            if found is not None:
                candidates.append(found)
        if not candidates:
            smallest = self._candidate(self.coders.nothing())
            if smallest.size > size:
                raise TargetUnreachableError(
                    "no file can be as small as asked",
                    path=self.passes.source.name,
                    found=f"{size} bytes",
                    expected=f"{smallest.size} bytes or more",
                )
            return smallest
        return min(candidates, key=lambda candidate: candidate.squared_error)

    def _sized(self, prediction: Prediction, size: int) -> _Candidate | None:
        """The mode of a prediction, its step turned until the file has the size."""
        found = None
        for code, start, slope in self.coders.of(prediction):
            begin = start if found is None else found[1]

            def attempt(
                step: float, code: Callable[[float], Coded] = code
            ) -> tuple[_Candidate, float]:
                candidate = self._candidate(code(step))
                return candidate, float(candidate.size)

            found = largest_within(attempt, begin, float(size), _FILLED * size, slope) or found
        return None if found is None else found[0]

    # Errors

    def _for_error(self, lossless: _Candidate | None) -> Factorization:
        if self.target.max_abs_error is not None:
            return self._for_largest_error(lossless)
        goal = float(self.target.relative_error or 0.0)
        allowed, reached = goal, math.inf
        for _ in range(_VERIFICATIONS):
            candidates = [] if lossless is None else [lossless]
            for prediction in self._promising(allowed):
                found = self._exact_enough(prediction, (allowed * self.scan.norm) ** 2)
                if found is not None:
                    candidates.append(found)
            if not candidates:
                break
            measured = self._measured(min(candidates, key=lambda candidate: candidate.size))
            reached = min(reached, measured.report.relative_frobenius_error)
            if measured.report.relative_frobenius_error <= goal:
                return measured
            allowed *= 0.999 * goal / measured.report.relative_frobenius_error
        raise TargetUnreachableError(
            "the error asked for cannot be reached",
            path=self.passes.source.name,
            found=f"-e {goal:g}",
            expected=f"{reached:.3g} or more" if math.isfinite(reached) else None,
            advice="Entries of a narrow type, or a rank that -r limits, set the least error.",
        )

    def _exact_enough(self, prediction: Prediction, squared_error: float) -> _Candidate | None:
        """The mode of a prediction, its step turned until the error is just below the target."""
        found = None
        for code, start, _ in self.coders.of(prediction):
            begin = start if found is None else found[1]

            def attempt(step: float, code: Callable[[float], Coded] = code) -> tuple[Coded, float]:
                coded = code(step)
                return coded, coded.squared_error

            limit = squared_error * (1 - 1e-4)
            found = largest_within(attempt, begin, limit, 0.985 * squared_error, 1.6) or found
        return None if found is None else self._candidate(found[0])

    def _for_largest_error(self, lossless: _Candidate | None) -> Factorization:
        goal = float(self.target.max_abs_error or 0.0)
        step = self.coders.plain_step(goal)
        reached = math.inf
        for _ in range(_VERIFICATIONS):
            candidates = [] if lossless is None else [lossless]
            if step is not None:
                candidates += [self._candidate(coded) for coded in self.coders.plain(step)]
            if not candidates:
                break
            measured = self._measured(min(candidates, key=lambda candidate: candidate.size))
            largest = measured.report.max_abs_error
            if largest is not None:
                reached = min(reached, largest)
                if largest <= goal:
                    return measured
                step = None if step is None else step * 0.999 * goal / largest
        raise TargetUnreachableError(
            "the largest error asked for cannot be kept",
            path=self.passes.source.name,
            found=f"--max-abs-error {goal:g}",
            expected=f"{reached:.3g} or more" if math.isfinite(reached) else None,
            advice="Entries are rounded to their type when they are decoded.",
        )

    # Common to all

    def _promising(self, relative_error: float | None = None) -> list[Prediction]:
        predictions = self.coders.predictions(relative_error)
        if not predictions:
            return []

        def badness(prediction: Prediction) -> float:
            if self.target.size is not None:
                return math.sqrt(prediction.squared_error)
            return prediction.bits

        predictions = sorted(predictions, key=badness)
        quick = self.coders.entries <= _QUICK
        least = badness(predictions[0])
        return [
            prediction
            for prediction in predictions
            if prediction is predictions[0] or (quick and badness(prediction) <= _TRIED * least)
        ]

    def _lossless(self) -> _Candidate | None:
        """The matrix as multiples of one number, if it is that and the mode is not another."""
        if self.target.mode not in (None, "direct") or self.target.rank is not None:
            return None
        coded = self.coders.lossless(self.target.size)
        return None if coded is None else self._candidate(coded)

    def _candidate(self, coded: Coded) -> _Candidate:
        factorization = Factorization(
            shape=self.passes.shape,
            dtype=self.passes.source.dtype.name,
            left=coded.left,
            right=coded.right,
            residual=coded.residual,
            plan=replace(
                self.coders.completed_plan(), mode=coded.mode, exponent=self.scan.exponent
            ),
            report=ErrorReport(
                _UNMEASURED, _UNMEASURED * 1e-9, exact=True, source_norm=self.scan.source_norm,
                passes=99,
            ),
            source={"format": self.passes.source.format},
        )  # fmt: skip
        size = container_size([factorization], names=[self.name])
        logger.info(
            "coded as %s: %d bytes, error about %.4g",
            coded.mode,
            size,
            math.sqrt(coded.squared_error) / self.scan.norm if self.scan.norm else 0.0,
        )
        return _Candidate(factorization, size, coded.squared_error)

    def _measured(self, candidate: _Candidate) -> Factorization:
        factorization = candidate.factorization
        report = measure(self.passes, factorization, self.scan, self.threads)
        return replace(factorization, report=report)


def relative(squared_error: float, norm: float) -> float:
    """Relative Frobenius error."""
    return float(np.sqrt(squared_error)) / norm if norm else 0.0
