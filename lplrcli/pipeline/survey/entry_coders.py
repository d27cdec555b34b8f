"""Coders of every entry of a matrix: its columns, or the whole array as one transformed field."""

from __future__ import annotations

import math

from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.encode.residual import Factors, ResidualCoder, without_units
from lplrcli.pipeline.survey.direct_sample import SMALLEST_STATE_BITS
from lplrcli.pipeline.survey.field_sample import FieldSample
from lplrcli.transform import TRANSFORMS

FIELD_TRANSFORMS = ("cdf97", "cdf97-tensor")
"""Transforms tried when entries are coded directly. Wavelets only: what factors cannot represent
is mostly edges. ``cdf97`` has one scale for all axes, ``cdf97-tensor`` one for each."""

_FIELD_GAIN = 0.02
"""Bits per entry that coding as a field must save."""

_LEAST_EXTENT = 16
"""Layers along the longest axis of a field, at least: of fewer there is nothing to transform."""

LARGEST_FIELD = 2**25
"""Entries of a field; larger ones are not held in memory, and their chunks not sampled."""


class EntryCoders:
    """One coder for the columns, and one for each transform of the array that may be used.

    Parameters
    ----------
    coders : dict of str to ResidualCoder
        By the name of their transform, ``identity`` first.
    """

    def __init__(self, coders: dict[str, ResidualCoder]) -> None:
        self._coders = coders

    @classmethod
    def of(cls, passes: Passes, threads: int, transforms: tuple[str, ...] | None) -> EntryCoders:
        """The coders of a matrix.

        Parameters
        ----------
        passes : Passes
            The matrix A (n x d).
        threads : int
            No result depends on it.
        transforms : tuple of str or None
            The only transforms to try; None for those that pay as a rule.
        """
        fixed = tuple(name for name in transforms or () if name in TRANSFORMS)
        names = FIELD_TRANSFORMS if transforms is None else fixed
        small = passes.shape[0] * passes.shape[1] <= LARGEST_FIELD
        unfolding = passes.source.unfolding
        grid = without_units((*unfolding.row_grid, *unfolding.column_grid))
        if max(grid) < _LEAST_EXTENT or not small:
            names = ()
        elif len(grid) == 1 and transforms is None:
            names = names[:1]  # along one axis they are the same
        return cls({name: ResidualCoder(passes, threads, name) for name in ("identity", *names)})

    @property
    def columns(self) -> ResidualCoder:
        """The coder of entries column by column."""
        return self._coders["identity"]

    def __getitem__(self, transform: str) -> ResidualCoder:
        return self._coders[transform]

    def over(self, passes: Passes) -> EntryCoders:
        """Coders with all that these hold, over passes that differ by a rounding of means."""
        return EntryCoders({name: coder.over(passes) for name, coder in self._coders.items()})

    def better(self, factors: Factors, squared_error: float) -> ResidualCoder:
        """Columns or field, whichever codes a sample of what is left in fewer bits.

        Parameters
        ----------
        factors : tuple of ndarray or None
            What is subtracted first.
        squared_error : float
            Energy of what they leave.
        """
        columns = self.columns
        if len(self._coders) == 1 or squared_error == 0:
            return columns
        passes = columns.passes
        step = 0.5 * math.sqrt(squared_error / (passes.shape[0] * passes.shape[1]))
        sample = FieldSample(passes, factors, columns.threads)
        best, least = columns, math.inf
        for coder in self._coders.values():
            rate, error = sample.coded(coder.layout.transform, step, SMALLEST_STATE_BITS)
            # Six decibels are a bit.
            bits = rate + 0.5 * math.log2(max(error, 1e-300))
            if bits < least:
                best, least = coder, bits - (_FIELD_GAIN if coder is columns else 0.0)
        return best
