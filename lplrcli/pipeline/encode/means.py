"""Mean row and mean column of a matrix, coded as one component each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from lplrcli.container.component_tables import pack_table
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.pipeline.encode.factors import coded_components
from lplrcli.transform import TRANSFORMS
from lplrcli.transform.component_layout import Layout

_STATE_BITS = 5
"""Of the trellis: a mean is a few coefficients among many."""

_SECTION_BYTES = 160
"""Header and index entry of a section, its padding, and its part of the metadata, about."""


@dataclass(frozen=True)
class StoredMeans:
    """Means as a file holds them.

    Attributes
    ----------
    row, column : QuantizedFactor or None
        One component each, of length d and n.
    """

    row: QuantizedFactor | None = None
    column: QuantizedFactor | None = None

    @property
    def file_bytes(self) -> int:
        """What they add to a file, about."""
        present = [mean for mean in (self.row, self.column) if mean is not None]
        return sum(_SECTION_BYTES + _coded_bytes(mean) for mean in present)


NO_MEANS = StoredMeans()


def encode_mean(
    mean: NDArray[Any],
    grid: tuple[int, ...],
    transforms: tuple[str, ...],
    step: float,
    threads: int,
) -> QuantizedFactor:
    """Quantize and code a mean under whichever transform takes the fewest bytes.

    Parameters
    ----------
    mean : ndarray, shape (length,)
        In the working precision.
    grid : tuple of int
        What its entries are a flattening of.
    transforms : tuple of str
        Names of transforms to try besides ``identity``; those that need no basis are.
    step : float
        Of all coefficients.
    threads : int
        The result does not depend on it.
    """
    found = [
        coded_components(mean[None], step, None, _STATE_BITS, Layout(transform, grid), threads)
        for transform in TRANSFORMS
        if transform == "identity" or transform in transforms
    ]
    return min((coded.factor(threads, len(mean)) for coded in found), key=_coded_bytes)


def _coded_bytes(mean: QuantizedFactor) -> int:
    return len(pack_table("mean", mean)) + sum(map(len, mean.chunks))
