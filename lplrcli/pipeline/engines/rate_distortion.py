"""The rate-distortion engine: the least error at a size, the least size at an error.

Look at the matrix (spectrum, sample, lattice), predict what each mode would reach, code with the
best, and turn its step until the file has the size, or the decoded matrix the error, asked for.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from lplrcli.container.writer import container_size
from lplrcli.linalg.passes import Passes
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.pipeline.decode.factors import on_grid
from lplrcli.pipeline.engines.codings import Coded, ModeCoders
from lplrcli.pipeline.engines.step_search import largest_within
from lplrcli.pipeline.measure.error import measure
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.means import coders_of
from lplrcli.planning.mode_predictions import Prediction

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FILLED, _QUICKLY_FILLED = 0.984, 0.994
"""A file of at least this part of the size is good enough; the latter where coding is quick."""

_GRANULE = 64
"""Bytes that the size of a file changes by: payloads are aligned."""

_FOUND = 0.93
"""Likewise where a slower trellis takes over from there."""

_TRIED = 1.25
"""Modes whose prediction is this much worse than the best are tried too, where that is quick."""

_COARSER = 5
"""How often the factors' step is raised where they leave no room for a residual."""

_TINY = 4096
"""Bytes of files that are mostly headers and tables, which predictions do not know well."""

_UNMEASURED = 0.12345678901234567
"""Stands for an error not yet measured: as long as any in the metadata."""

_VERIFICATIONS = 8

_FINEST = 2.0**-60
"""Of the norm: errors that codes do not reach, unless they are zero; binary64 ends at 2**-53."""

_MISJUDGED = 2.0
"""A mode is given up whose error is this much more than expected."""


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
    return _Run(coders_of(passes, plan, threads), name).result()


def smallest_size(coders: ModeCoders, name: str | None) -> int:
    """Bytes of the smallest file that holds the matrix, if only as zeros."""
    return _Run(coders, name).smallest().size


class _Run:
    def __init__(self, coders: ModeCoders, name: str | None) -> None:
        self.coders = coders
        self.passes = coders.passes
        self.target = coders.target
        self.name = name
        if self.target.mode != "direct" and self.target.relative_error != 0:
            # The first product with A scans it on the way.
            _ = self.coders.directions
        self.scan = self.passes.original()

    def result(self) -> Factorization:
        """The best of the candidates, measured."""
        target = self.target
        lossless = self._lossless()
        if lossless is not None and (
            target.relative_error == 0 or (target.size is not None and lossless.size <= target.size)
        ):
            measured = self._measured(lossless)
            if target.size is not None and self._size(measured) <= target.size:
                return measured
            if target.size is None and measured.report.relative_frobenius_error == 0:
                return measured
        zeros = self._zeros()
        if zeros is not None:
            return zeros
        if target.relative_error == 0:
            raise refusals.not_lossless(self.passes.source.name)
        if target.size is not None:
            return self._within(target.size)
        return self._for_error(lossless)

    def _zeros(self) -> Factorization | None:
        """No factors and no residual, but for means, if an error was asked for that this has."""
        most = self.scan.norm * (self.target.relative_error or 0.0)
        if self.target.size is not None or self.passes.scan().norm > most:
            return None
        measured = self._measured(self.smallest())
        error, largest = measured.report.relative_frobenius_error, measured.report.max_abs_error
        if self.target.max_abs_error is None:
            return measured if error <= (self.target.relative_error or 0.0) else None
        return measured if largest is None or largest <= self.target.max_abs_error else None

    # Sizes

    def _within(self, size: int) -> Factorization:
        """The best of at most `size` bytes, once the error it reports is the one measured."""
        allowed = size
        while True:
            measured = self._measured(self._for_size(allowed))
            excess = self._size(measured) - size
            if excess <= 0:
                return measured
            # The digits of the error took a granule more than those that stood for them.
            allowed -= max(excess, _GRANULE)

    def smallest(self) -> _Candidate:
        """All entries zero, means aside."""
        return self._candidate(self.coders.nothing())

    def _for_size(self, size: int) -> _Candidate:
        candidates = []
        for prediction in self._promising():
            found = self._sized(prediction, size)
            for _ in range(_COARSER):
                if found is not None or prediction.mode != "factors+residual":
                    break
                # The factors alone are too large.
                prediction = replace(prediction, step=1.5 * prediction.step)
                found = self._sized(prediction, size)
            if found is not None:
                candidates.append(found)
        if not candidates:
            smallest = self.smallest()
            if smallest.size > size:
                raise refusals.too_small(self.passes.source.name, size, smallest.size)
            return smallest
        return min(candidates, key=lambda candidate: candidate.squared_error)

    def _sized(self, prediction: Prediction, size: int) -> _Candidate | None:
        """The mode of a prediction, its step turned until the file has the size."""

        def sized(coded: Coded) -> tuple[_Candidate, float]:
            candidate = self._candidate(coded)
            return candidate, float(candidate.size)

        return self._turned(prediction, sized, float(size), self._filled(size), _FOUND * size)

    def _turned(
        self,
        prediction: Prediction,
        measured: Callable[[Coded], tuple[T, float]],
        limit: float,
        least: float,
        early: float,
        slope: float | None = None,
    ) -> T | None:
        """What the mode of a prediction gives, its step turned until the measure fits.

        At most `limit` and at least `least`; `early` where a slower trellis takes over from there.
        """
        found: tuple[T, float, float] | None = None
        stages = list(self.coders.of(prediction))
        for code, start, slope_of_size in stages:

            def attempt(step: float, code: Callable[[float], Coded] = code) -> tuple[T, float]:
                return measured(code(step))

            found = (
                largest_within(
                    attempt,
                    start if found is None else found[1],
                    limit,
                    least if code is stages[-1][0] else early,
                    slope_of_size if slope is None else slope,
                )
                or found
            )
        return None if found is None else found[0]

    def _filled(self, size: int) -> float:
        part = (_QUICKLY_FILLED if self.coders.quick else _FILLED) * size
        return max(min(part, size - _GRANULE), 0.5 * size)

    # Errors

    def _for_error(self, lossless: _Candidate | None) -> Factorization:
        if self.target.max_abs_error is not None:
            return self._for_largest_error(lossless)
        goal = float(self.target.relative_error or 0.0)
        if goal < _FINEST:
            if lossless is None:
                raise refusals.too_exact(self.passes.source.name, goal, math.inf)
            return self._measured(lossless)
        allowed, reached = goal, math.inf
        hopeless: set[str] = set()
        for _ in range(_VERIFICATIONS):
            if not self.passes.allows(1):
                raise refusals.out_of_passes(self.passes.source.name, goal, reached)
            candidates = [] if lossless is None else [lossless]
            promising = self._promising(allowed, hopeless)
            for prediction in promising:
                found = self._exact_enough(prediction, (allowed * self.scan.norm) ** 2)
                if found is not None:
                    candidates.append(found)
                else:
                    hopeless.add(prediction.mode)
            if not candidates and not promising:
                break
            if not candidates:
                continue
            best = min(candidates, key=lambda candidate: candidate.size)
            measured = self._measured(best)
            error = measured.report.relative_frobenius_error
            expected = relative(best.squared_error, self.scan.norm)
            reached = min(reached, error)
            if error <= goal:
                return measured
            if best is lossless:
                lossless = None
            elif error > _MISJUDGED * expected:
                # Rounding is what is left of the error in this mode: it will not get smaller.
                hopeless.add(best.factorization.plan.mode)
            else:
                allowed = 0.999 * expected * goal / error
        restored = self._restored(lambda report: report.relative_frobenius_error <= goal)
        if restored is not None:
            return restored
        if not math.isfinite(reached) and self.coders.factors_alone:
            reached = relative(self.coders.spectrum.tail, self.scan.norm)
        raise refusals.too_exact(self.passes.source.name, goal, reached)

    def _exact_enough(self, prediction: Prediction, squared_error: float) -> _Candidate | None:
        """The mode of a prediction, its step turned until the error is just below the target."""
        limit, least = squared_error * (1 - 1e-4), 0.985 * squared_error
        coded = self._turned(
            prediction, lambda coded: (coded, coded.squared_error), limit, least, least, 1.6
        )
        return None if coded is None else self._candidate(coded)

    def _for_largest_error(self, lossless: _Candidate | None) -> Factorization:
        goal = float(self.target.max_abs_error or 0.0)
        step = self.coders.plain_step(goal)
        reached = math.inf
        for _ in range(_VERIFICATIONS):
            # None to begin with, or turned to nothing by an error above 0 where none is allowed.
            if step is not None and step <= _FINEST * self.scan.norm:
                step = None
            candidates = [] if lossless is None else [lossless]
            if step is not None:
                # More error than half a step everywhere: codes were cut to what the format holds.
                most = 1.001 * self.coders.entries * step**2 / 4
                candidates += [
                    self._candidate(coded)
                    for coded in self.coders.plain(step)
                    if coded.squared_error <= most
                ]
            if not candidates:
                break
            measured = self._measured(min(candidates, key=lambda candidate: candidate.size))
            largest = measured.report.max_abs_error
            if largest is not None:
                reached = min(reached, largest)
                if largest <= goal:
                    return measured
                step = None if step is None else step * 0.999 * goal / largest
        restored = self._restored(
            lambda report: report.max_abs_error is not None and report.max_abs_error <= goal
        )
        if restored is not None:
            return restored
        raise refusals.too_exact_everywhere(self.passes.source.name, goal, reached)

    def _restored(self, kept: Callable[[ErrorReport], bool]) -> Factorization | None:
        """The finest plain codes, if rounding to the entries' type then keeps the error.

        Of narrow types and integers it makes up for what no step could promise.
        """
        if self.coders.factors_alone or self.passes.source.dtype == np.float64:
            return None
        for coded in self.coders.plain(self.coders.finest_step):
            measured = self._measured(self._candidate(coded))
            if kept(measured.report):
                return measured
        return None

    # Common to all

    def _promising(
        self, relative_error: float | None = None, without: Collection[str] = ()
    ) -> list[Prediction]:
        predictions = self.coders.predictions(relative_error)
        predictions = [one for one in predictions if one.mode not in without]
        if not predictions:
            return []

        def badness(prediction: Prediction) -> float:
            if self.target.size is not None:
                return math.sqrt(prediction.squared_error)
            return prediction.bits

        predictions = sorted(predictions, key=badness)
        modes = {prediction.mode: badness(prediction) for prediction in predictions}
        if not self.coders.residual_pays(modes):
            predictions = [one for one in predictions if one.mode != "factors+residual"]
        tiny = self.target.size is not None and self.target.size < _TINY
        least = badness(predictions[0])
        return [
            prediction
            for prediction in predictions
            if prediction is predictions[0]
            or (self.coders.quick and (tiny or badness(prediction) <= _TRIED * least))
        ]

    def _lossless(self) -> _Candidate | None:
        """The matrix as multiples of one number, if it is that and the mode is not another."""
        if not self.coders.may_be_direct:
            return None
        coded = self.coders.lossless(self.target.size)
        return None if coded is None else self._candidate(coded)

    def _candidate(self, coded: Coded) -> _Candidate:
        unfolding = self.passes.source.unfolding
        left, right, residual = coded.sections
        factorization = Factorization(
            shape=self.passes.shape,
            dtype=self.passes.source.dtype.name,
            left=on_grid(left, unfolding.row_grid),
            right=on_grid(right, unfolding.column_grid),
            residual=residual,
            plan=replace(
                self.coders.completed_plan(), mode=coded.mode, exponent=self.scan.exponent
            ),
            report=ErrorReport(
                # Where there is no pass to measure another file in, no digits to spare.
                _UNMEASURED * (1.0 if self.target.passes is None else 1e-9), _UNMEASURED * 1e-9,
                exact=True, source_norm=self.scan.source_norm, passes=99,
            ),
            source={"format": self.passes.source.format},
            array_shape=unfolding.array_shape,
            unfold=unfolding.axes,
            mean_row=self.coders.means.row,
            mean_column=self.coders.means.column,
        )  # fmt: skip
        size = self._size(factorization)
        logger.info(
            "coded as %s: %d bytes, error about %.4g",
            coded.mode,
            size,
            relative(coded.squared_error, self.scan.norm),
        )
        return _Candidate(factorization, size, coded.squared_error)

    def _size(self, factorization: Factorization) -> int:
        return container_size([factorization], names=[self.name])

    def _measured(self, candidate: _Candidate) -> Factorization:
        factorization = candidate.factorization
        report = measure(self.passes, factorization, self.scan, self.coders.threads)
        return replace(factorization, report=report)


def relative(squared_error: float, norm: float) -> float:
    """Relative Frobenius error."""
    return float(np.sqrt(squared_error)) / norm if norm else 0.0
