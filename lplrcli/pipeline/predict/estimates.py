"""What the rate-distortion engine would choose for a target, before anything is coded."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from threadpoolctl import threadpool_limits

from lplrcli.errors import TargetUnreachableError
from lplrcli.linalg.passes import Passes
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.engines import rate_distortion
from lplrcli.pipeline.predict import refusals
from lplrcli.pipeline.predict.means import coders_of
from lplrcli.planning import mode_predictions
from lplrcli.planning.mode_predictions import Prediction
from lplrcli.planning.rate_model import normal_entropy
from lplrcli.planning.targets import DIRECT_ENTRIES

logger = logging.getLogger(__name__)

_CENTERS = (None, "mean-row", "mean-column", "both")

_WORTH = 0.97
"""Means that nobody asked for by name are stored apart if error or size is predicted to be this
much less: predictions of files that differ so little are no better than that."""


@dataclass(frozen=True)
class Prospect:
    """One way to code the matrix.

    Attributes
    ----------
    mode : str
        One of `lplrcli.model.plan.MODES`, or ``lossless``: the mode ``direct`` with the number
        of which all entries are multiples as its step.
    rank : int
        Components, about; 0 without factors.
    file_bytes : int
        Of the whole file.
    relative_error : float
        Of the decoded matrix.
    """

    mode: str
    rank: int
    file_bytes: int
    relative_error: float


def prospects(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> list[Prospect]:
    """What each mode is predicted to reach at the target of a plan, the one to choose first.

    The engine codes in that mode; on small matrices in those that come close as well, and keeps
    the best.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    plan : CompressionPlan
        For the method ``rate-distortion``.
    threads : int
        The result does not depend on it.
    name : str or None
        Name of the matrix in the file.

    Raises
    ------
    TargetUnreachableError
        If it is plain already that the target cannot be reached.
    """
    plan = settled(passes, plan, threads, name)
    with threadpool_limits(1, "blas"):
        outlook = _Outlook(passes, plan, threads, name)
        found = list(outlook.prospects())
    modes = {
        one.mode: one.file_bytes if plan.target.size is None else one.relative_error
        for one in found
    }
    if not outlook.coders.residual_pays(modes):
        modes["factors+residual"] = math.inf
    return sorted(found, key=lambda one: modes[one.mode])


def settled(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> CompressionPlan:
    """The plan, its choice of means settled where the matrix decides.

    ``auto`` becomes the choice with the least predicted error, or size. Where nothing may be lost
    none are stored: what a mean leaves of entries are multiples of no number.

    Parameters
    ----------
    passes, plan, threads, name
        As for `prospects`.

    Raises
    ------
    PlanError
        If means of a sparse matrix are asked for, or all entries of one that is too large.
    TargetUnreachableError
        If no choice is predicted to reach the target.
    """
    target, source = plan.target, passes.source
    _check_entries(source, target)
    candidates = [replace(plan, target=replace(target, center=one)) for one in _CENTERS]
    if target.center is None or target.relative_error == 0:
        return candidates[0]
    if target.center != "auto":
        if source.sparse:
            raise refusals.centered_sparse(source.name, target.center)
        return plan
    if source.sparse:
        return candidates[0]
    best: tuple[float, CompressionPlan] | None = None
    refused: list[TargetUnreachableError] = []
    for candidate in candidates:
        try:
            found = prospects(passes, candidate, threads, name)[0]
        except TargetUnreachableError as error:
            refused.append(error)
            continue
        logger.info(
            "storing apart %s: about %d bytes, error about %.4g",
            *(candidate.target.center or "no mean", found.file_bytes, found.relative_error),
        )
        if candidate.target.center and found.mode == "direct" != target.mode:
            # Contexts and transforms make a mean cheap where all entries are coded: a size that
            # is predicted to be less owes that to the prediction.
            continue
        value = found.file_bytes if target.size is None else found.relative_error
        if best is None or value < _WORTH * best[0]:
            best = value, candidate
    if best is None:
        raise refused[0]
    return best[1]


def _check_entries(source: MatrixSource, target: Target) -> None:
    """Refuse a sparse matrix all of whose entries would have to be coded, if they are too many."""
    if not source.sparse or math.prod(source.shape) <= DIRECT_ENTRIES:
        return
    asked = {
        f"--mode {target.mode}": target.mode not in (None, "factors"),
        "--max-abs-error": target.max_abs_error is not None,
        "-e 0": target.relative_error == 0,
    }
    for name, impossible in asked.items():
        if impossible:
            raise refusals.entry_by_entry(source.name, source.shape, name)


class _Outlook:
    def __init__(
        self, passes: Passes, plan: CompressionPlan, threads: int, name: str | None
    ) -> None:
        self.coders = coders_of(passes, plan, threads)
        self.passes = self.coders.passes
        self.target = plan.target
        self.name = name
        self.entries = self.coders.entries
        if self.target.mode == "factors" and self.target.relative_error != 0:
            # The first product with A scans it on the way.
            _ = self.coders.directions
        self.norm = self.passes.original().norm  # refuses what is not finite

    def prospects(self) -> Iterator[Prospect]:
        """Those of all modes allowed, in no order."""
        size, error = self.target.size, self.target.relative_error
        lossless = self._lossless()
        if lossless is not None and (size is None or lossless.file_bytes <= size):
            yield lossless
        if self.passes.scan().norm == 0:
            smallest = rate_distortion.smallest_size(self.coders, self.name)
            yield Prospect("factors", 0, smallest, 0.0)
        elif size is not None:
            yield from self._at_size(size)
        elif error is None:
            yield from self._within(float(self.target.max_abs_error or 0.0), lossless)
        elif error > 0:
            yield from self._at_error(error)
        elif lossless is None:
            raise refusals.not_lossless(self.passes.source.name)

    def _at_size(self, size: int) -> Iterator[Prospect]:
        smallest = rate_distortion.smallest_size(self.coders, self.name)
        if smallest > size:
            raise refusals.too_small(self.passes.source.name, size, smallest)
        predictions = self.coders.predictions(None)
        for prediction in predictions:
            yield self._prospect(prediction, size)
        if not predictions:
            # No room for codes: what is left is a file of zeros, and of means.
            total = self.passes.scan().norm ** 2
            yield Prospect("factors", 0, smallest, rate_distortion.relative(total, self.norm))

    def _at_error(self, error: float) -> Iterator[Prospect]:
        predictions = self.coders.predictions(error)
        if not predictions:
            spectrum = self.coders.spectrum
            reached = rate_distortion.relative(spectrum.tail, self.norm)
            raise refusals.too_exact(self.passes.source.name, error, reached)
        for prediction in predictions:
            yield self._prospect(prediction, self._file_bytes(prediction.bits))

    def _within(self, bound: float, lossless: Prospect | None) -> Iterator[Prospect]:
        """Both modes with a residual that is rounded to the nearest multiple of a step."""
        step = self.coders.plain_step(bound)
        if step is None:
            if lossless is None:
                raise refusals.too_exact_everywhere(self.passes.source.name, bound, math.inf)
            return
        total = self.passes.scan().norm ** 2
        squared_error = min(self.entries * step**2 / 12, total)
        if self.coders.may_be_direct:
            bits, squares = self.coders.columns.code_sample(step, 0, None, plain=True)
            direct = Prediction(
                "direct", 0.0, step, bits * self.entries, min(squares * self.entries, total)
            )
            yield self._prospect(direct, self._file_bytes(direct.bits))
        if self.target.mode != "direct":
            spectrum = self.coders.spectrum
            found = mode_predictions.residual_at_error(spectrum, squared_error)
            spent, left = spectrum.factors(found.step)
            deviation = math.sqrt(left / self.entries)
            bits = spent + self.entries * normal_entropy(deviation / step)
            yield self._prospect(found, self._file_bytes(bits))

    def _lossless(self) -> Prospect | None:
        rate = self.coders.lossless_rate() if self.coders.may_be_direct else None
        if rate is None:
            return None
        return Prospect("lossless", 0, self._file_bytes(rate * self.entries), 0.0)

    def _prospect(self, prediction: Prediction, file_bytes: int) -> Prospect:
        rank = 0 if prediction.mode == "direct" else self.coders.spectrum.rank(prediction.step)
        error = rate_distortion.relative(prediction.squared_error, self.norm)
        return Prospect(prediction.mode, rank, file_bytes, error)

    def _file_bytes(self, bits: float) -> int:
        return self.coders.header_bytes + math.ceil(bits / 8)
