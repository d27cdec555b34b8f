"""Histograms of many classes and contexts to few frequency tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding.entropy_model import EntropyModel, logarithmic_weights
from lplrcli.model.rans_constants import ABOVE, NO_CONTEXT

_TABLE_BITS = 20.0
_TOKEN_BITS = 3.5
"""What a table and each of its tokens cost in the file, about."""

_CONTEXT_BITS = 4.0
"""What it costs to give a context another table than its neighbour's, about."""

_MAP_BITS = 4.0
"""Likewise for a component of another class than the one before it."""

_LEAST_GAIN = 0.003
"""Contexts that would save less than this, tables not counted, are not tried."""

_MOST_TABLES = 255


def fit_model(
    counts: NDArray[np.int64], classes: NDArray[Any], state_bits: int, context: int
) -> EntropyModel:
    """Tables for the histograms, shared where that costs less than what it saves.

    Classes are united first, each with the next; then the contexts of the united classes, or
    their sums if the contexts do not pay, are grouped freely.

    Parameters
    ----------
    counts : ndarray of int64, shape (classes, contexts, unions, tokens)
        How often each token occurred; in ascending order of the classes' deviations.
    classes : ndarray of uint8, shape (components,)
        Class of each component.
    state_bits : int
        Of the trellis machine.
    context : int
        Kind of the contexts.
    """
    width = int(np.flatnonzero(counts.any(axis=(0, 1, 2)))[-1]) + 1
    counts = counts[..., :width]
    changes = np.multiply(_MAP_BITS, _changes(classes, len(counts)), dtype=np.float64)
    groups = _united_neighbours(counts.sum(axis=1).astype(np.float64), changes)
    united = np.zeros((int(groups.max()) + 1, *counts.shape[1:]), np.int64)
    np.add.at(united, groups, counts)
    fits = [_fitted(united.sum(axis=1, keepdims=True), NO_CONTEXT)]
    if contexts_pay(united):
        fits.append(_fitted(united, context))
    table_map, sums, _ = min(fits, key=lambda fit: fit[2])
    weights = tuple(logarithmic_weights(total) for total in sums)
    members = groups[classes].astype(np.uint8)
    used = context if table_map.shape[1] > 1 else NO_CONTEXT
    return EntropyModel(state_bits, used, members, table_map, weights)


def _fitted(
    counts: NDArray[np.int64], context: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64], float]:
    """Table of each class, context and union; the tables' histograms; bits of everything.

    Neighbouring contexts of a class are united first, then whatever is alike.
    """
    classes, _, unions, _ = counts.shape
    runs = np.empty(counts.shape[:-1], np.int64)
    sums: list[NDArray[np.float64]] = []
    order = np.arange(counts.shape[1])
    if context == ABOVE:  # from the most negative sum to the most positive one
        order = np.concatenate([order[: len(order) // 2 - 1 : -1], order[: len(order) // 2]])
    for i in range(classes):
        for union in range(unions):
            histograms = counts[i, order, union].astype(np.float64)
            occurs = histograms.any(axis=1)
            # Contexts that never occur go with the one before them: that costs next to nothing.
            groups = _united_neighbours(histograms[occurs]) if occurs.any() else np.zeros(1, int)
            members = groups[np.maximum(np.cumsum(occurs) - 1, 0)]
            runs[i, order, union] = members + len(sums)
            united = np.zeros((int(groups.max()) + 1, counts.shape[-1]))
            np.add.at(united, members, histograms)
            sums += list(united)
    numbers, tables, bits = _grouped(np.array(sums))
    table_map = numbers[runs]
    changes = np.count_nonzero(np.diff(table_map[:, order], axis=1))
    return (
        table_map.astype(np.uint8),
        tables,
        bits + _CONTEXT_BITS * (changes + table_map.size / 16),
    )


def contexts_pay(counts: NDArray[np.int64]) -> bool:
    """Whether the contexts save enough to be tried, if tables cost nothing."""
    merged = entropy(counts.sum(axis=1))
    return merged - entropy(counts) > _LEAST_GAIN * merged


def entropy(counts: NDArray[np.int64]) -> float:
    """Bits of the tokens counted, each row with a table of its own that costs nothing."""
    sums = counts.astype(np.float64)
    totals = sums.sum(axis=-1)
    whole = (totals * np.log2(np.maximum(totals, 1))).sum()
    # Of one token only, rounding may leave less than nothing.
    return max(float(whole - (sums * np.log2(np.maximum(sums, 1))).sum()), 0.0)


def _changes(classes: NDArray[Any], count: int) -> NDArray[np.int64]:
    """How often the class changes between i and i + 1 from one component to the next."""
    low, high = np.minimum(classes[1:], classes[:-1]), np.maximum(classes[1:], classes[:-1])
    return np.bincount(low[high == low + 1].astype(np.int64), minlength=count)[: count - 1]


def _united_neighbours(
    histograms: NDArray[np.float64], bonus: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """Group of each histogram: neighbours are united, best pair first, while that saves bits.

    `bonus` is what the union of each pair of neighbours saves besides.
    """
    sums = list(histograms)
    sizes = [1] * len(sums)
    costs = _whole_cost(histograms).tolist()
    unions = _whole_cost(histograms[:-1] + histograms[1:]).tolist()
    extra = [0.0] * len(unions) if bonus is None else bonus.tolist()

    def gain(i: int) -> float:
        return float(extra[i] + costs[i] + costs[i + 1] - unions[i])

    gains = [gain(i) for i in range(len(unions))]
    while gains:
        i = gains.index(max(gains))
        if gains[i] <= 0:
            break
        sums[i : i + 2] = [sums[i] + sums[i + 1]]
        sizes[i : i + 2] = [sizes[i] + sizes[i + 1]]
        costs[i : i + 2] = [unions[i]]
        del extra[i], unions[i], gains[i]
        pairs = range(max(i - 1, 0), min(i + 1, len(unions)))
        if pairs:
            fresh = _whole_cost(np.array([sums[k] + sums[k + 1] for k in pairs])).tolist()
            for k, union in zip(pairs, fresh, strict=True):
                unions[k] = union
                gains[k] = gain(k)
    return np.repeat(np.arange(len(sizes)), sizes)


def _whole_cost(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bits of all histograms of each group, shape (groups, ..., tokens)."""
    return np.asarray(_cost(sums).sum(axis=tuple(range(1, sums.ndim - 1))))


def _grouped(
    histograms: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Agglomerative clustering: the pair whose union saves most is united, while any saves."""
    sums = histograms.copy()
    count = len(sums)
    members = np.arange(count)
    costs = _cost(sums)
    gains = np.full((count, count), -np.inf)
    for i in range(count - 1):
        gains[i, i + 1 :] = costs[i] + costs[i + 1 :] - _cost(sums[i] + sums[i + 1 :])
    alive = np.ones(count, bool)
    left = count
    while left > 1:
        i, j = (int(k) for k in np.unravel_index(int(gains.argmax()), gains.shape))
        if gains[i, j] <= 0 and left <= _MOST_TABLES:
            break
        sums[i] += sums[j]
        members[members == j] = i
        alive[j] = False
        left -= 1
        gains[j, :] = gains[:, j] = -np.inf
        costs[i] = _cost(sums[i : i + 1])[0]
        others = np.flatnonzero(alive)
        others = others[others != i]
        fresh = costs[i] + costs[others] - _cost(sums[i] + sums[others])
        gains[np.minimum(i, others), np.maximum(i, others)] = fresh
    kept = np.flatnonzero(alive)
    return np.searchsorted(kept, members), sums[kept], float(costs[kept].sum())


def _cost(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bits of the tokens counted, with a table of their own, and of that table."""
    totals = np.add.reduce(sums, axis=-1)
    # Of counts, which are integers: of none the logarithm may be anything.
    parts = np.add.reduce(sums * np.log2(np.maximum(sums, 1)), axis=-1)
    whole = totals * np.log2(np.maximum(totals, 1))
    # An empty table costs as much, so that it always goes with another.
    tables = _TABLE_BITS + _TOKEN_BITS * np.add.reduce(sums > 0, axis=-1, dtype=np.intp)
    return np.asarray(whole - parts + tables)
