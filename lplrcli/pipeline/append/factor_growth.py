"""Further entries of a stored factor: quantized as the stored ones were, in the chunks that follow.

Whole chunks stay as they are. A last one that has room is decoded to its codes, the new ones
follow, and it is coded again, so that nothing that was stored changes its value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import QuantizedFactor
from lplrcli.pipeline.append.fixed_width_growth import FixedWidthGrowth
from lplrcli.pipeline.append.rans_growth import RansGrowth
from lplrcli.runtime.parallel import ordered_map


class FactorGrowth(Protocol):
    """A stored factor, and how entries after its last ones are coded.

    Attributes
    ----------
    ends : list of int
        Entries per component, counted from the first new one, at which each part to quantize
        ends; the last is all of them.
    """

    ends: list[int]

    def quantize(self, number: int, values: NDArray[Any]) -> NDArray[Any]:
        """Codes of a part, shape (components, entries); parts may be quantized in any order."""
        ...

    def decoded(self, codes: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values that decoding codes will give."""
        ...

    def finished(self, codes: Sequence[NDArray[Any]], threads: int) -> QuantizedFactor:
        """The factor with the codes of all parts after its own."""
        ...


def growth_of(name: str, factor: QuantizedFactor, entries: int, thrift: float) -> FactorGrowth:
    """What codes further entries of a factor.

    Parameters
    ----------
    name : str
        As files call it, for messages.
    factor : QuantizedFactor
        Untransformed, with components.
    entries : int
        To come, per component.
    thrift : float
        What a bit of the entropy coder is worth, as a part of what compressing takes it for: 0
        for the least error, whatever it takes. Without effect on codes of fixed width.

    Raises
    ------
    PlanError
        If the last chunk cannot be continued with so many.
    """
    if factor.coding == "packed":
        return FixedWidthGrowth(factor, entries)
    return RansGrowth(name, factor, entries, thrift)


def extended(
    name: str, factor: QuantizedFactor, values: NDArray[Any], thrift: float, threads: int
) -> tuple[QuantizedFactor, NDArray[Any]]:
    """A factor with further entries, and what these decode to.

    Parameters
    ----------
    name, factor, thrift
        As for `growth_of`; factors without components too.
    values : ndarray, shape (components, entries)
        What follows.
    threads : int
        The result does not depend on it.
    """
    entries = values.shape[1]
    if factor.components == 0:
        return factor.lengthened(entries), values[:0]
    growth = growth_of(name, factor, entries, thrift)
    parts = [
        np.ascontiguousarray(values[:, start:stop]) for start, stop in pairwise([0, *growth.ends])
    ]
    task = partial(_quantized, growth)
    codes = list(ordered_map(task, enumerate(parts), threads))
    decoded = [growth.decoded(part, values.dtype) for part in codes]
    return growth.finished(codes, threads), np.concatenate(decoded, axis=1)


def _quantized(growth: FactorGrowth, part: tuple[int, NDArray[Any]]) -> NDArray[Any]:
    return growth.quantize(*part)
