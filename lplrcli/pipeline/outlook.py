"""What the rate-distortion engine would choose for a target, before anything is coded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from lplrcli.linalg.passes import Passes
from lplrcli.model.plan import CompressionPlan
from lplrcli.pipeline import rate_distortion, refusals
from lplrcli.pipeline.mode_coders import ModeCoders
from lplrcli.pipeline.prospects import HEADER_BYTES
from lplrcli.planning import mode_choice
from lplrcli.planning.mode_choice import Prediction
from lplrcli.planning.rate_model import normal_entropy


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


class _Outlook:
    def __init__(
        self, passes: Passes, plan: CompressionPlan, threads: int, name: str | None
    ) -> None:
        self.passes = passes
        self.target = plan.target
        self.name = name
        self.coders = ModeCoders(passes, plan, threads)
        self.entries = self.coders.entries
        passes.scan()  # refuses what is not finite

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
        for prediction in self.coders.predictions(None):
            yield self._prospect(prediction, size)

    def _at_error(self, error: float) -> Iterator[Prospect]:
        predictions = self.coders.predictions(error)
        if not predictions:
            spectrum = self.coders.spectrum
            reached = rate_distortion.relative(spectrum.tail, self.passes.scan().norm)
            raise refusals.too_exact(self.passes.source.name, error, reached)
        for prediction in predictions:
            yield self._prospect(prediction, _file_bytes(prediction.bits))

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
            bits, squares = self.coders.residuals.code_sample(step, 0, None, plain=True)
            direct = Prediction(
                "direct", 0.0, step, bits * self.entries, min(squares * self.entries, total)
            )
            yield self._prospect(direct, _file_bytes(direct.bits))
        if self.target.mode != "direct":
            spectrum = self.coders.spectrum
            found = mode_choice.residual_at_error(spectrum, squared_error)
            spent, left = spectrum.factors(found.step)
            deviation = math.sqrt(left / self.entries)
            bits = spent + self.entries * normal_entropy(deviation / step)
            yield self._prospect(found, _file_bytes(bits))

    def _lossless(self) -> Prospect | None:
        rate = self.coders.lossless_rate() if self.coders.may_be_direct else None
        if rate is None:
            return None
        return Prospect("lossless", 0, _file_bytes(rate * self.entries), 0.0)

    def _prospect(self, prediction: Prediction, file_bytes: int) -> Prospect:
        rank = 0 if prediction.mode == "direct" else self.coders.spectrum.rank(prediction.step)
        norm = self.passes.scan().norm
        error = rate_distortion.relative(prediction.squared_error, norm)
        return Prospect(prediction.mode, rank, file_bytes, error)


def _file_bytes(bits: float) -> int:
    return HEADER_BYTES + math.ceil(bits / 8)
