"""Histograms united to few tables: every token keeps a code, and the best pair goes first."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.coding.clustering import _united_neighbours, _whole_cost, entropy, fit_model
from lplrcli.coding.entropy_model import (
    EntropyModel,
)
from lplrcli.model.rans_constants import (
    ABOVE,
    AROUND,
    CONTEXTS,
    NO_CONTEXT,
    TOKENS,
    TOTAL,
)


@st.composite
def histograms(draw):
    """Counts of a few classes and contexts, many of which never occur."""
    unions = draw(st.sampled_from([1, 2]))
    classes = draw(st.integers(1, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (classes, CONTEXTS, unions, TOKENS)
    counts = generator.poisson(draw(st.sampled_from([0.01, 1.0, 300.0])), shape)
    counts *= generator.random((*shape[:3], 1)) < draw(st.sampled_from([0.05, 0.5, 1.0]))
    counts[..., draw(st.integers(1, TOKENS)) :] = 0
    counts[0, 0, 0, 0] += 1
    members = generator.integers(0, classes, draw(st.integers(1, 9)))
    return counts.astype(np.int64), members.astype(np.uint8), 3 if unions == 2 else 0


@given(histograms(), st.sampled_from([ABOVE, AROUND]))
@settings(deadline=None, max_examples=40)
def test_every_token_counted_can_be_coded(case, context):
    counts, members, state_bits = case
    model = fit_model(counts, members, state_bits, context)
    assert model.context in (NO_CONTEXT, context)
    assert 1 <= len(model.weights) <= 255
    assert EntropyModel.from_bytes(model.to_bytes(), len(members)).to_bytes() == model.to_bytes()
    for component, number in enumerate(members):
        of_component = counts[number]
        if model.context == NO_CONTEXT:
            of_component = of_component.sum(axis=0, keepdims=True)
        frequencies = model.frequencies[model.table_numbers[component]]
        assert (frequencies[of_component > 0] > 0).all()
        np.testing.assert_array_equal(frequencies.sum(axis=-1), TOTAL)


def neighbours_united_slowly(histograms, bonus):
    """Every union priced anew in every round."""
    groups = [[i] for i in range(len(histograms))]
    bonus = list(bonus)
    while bonus:
        sums = [histograms[group].sum(axis=0) for group in groups]
        costs = _whole_cost(np.array(sums))
        unions = _whole_cost(np.array([a + b for a, b in pairwise(sums)]))
        gains = bonus + costs[:-1] + costs[1:] - unions
        i = int(gains.argmax())
        if gains[i] <= 0:
            break
        groups[i] += groups.pop(i + 1)
        del bonus[i]
    return [number for number, group in enumerate(groups) for _ in group]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from([(), (2,)]), st.booleans())
@settings(deadline=None)
def test_neighbours_are_united_best_pair_first(seed, count, unions, with_bonus):
    generator = np.random.default_rng(seed)
    scale, decay = generator.choice([0.5, 5.0, 500.0], (2, count, *(1 for _ in unions), 1))
    rates = scale * np.exp(-np.arange(20) / np.log2(decay + 2))
    histograms = generator.poisson(rates, (count, *unions, 20)).astype(float)
    bonus = 4.0 * generator.integers(0, 9, count - 1) if with_bonus else np.zeros(count - 1)
    found = _united_neighbours(histograms, bonus if with_bonus else None)
    assert found.tolist() == neighbours_united_slowly(histograms, bonus)


def test_the_entropy_of_counts_is_scipys():
    counts = np.random.default_rng(0).integers(0, 9, (3, 4, 2, 5))
    counts[1, 2] = 0  # a context that never occurs
    sums = counts.sum(axis=-1)
    bits = np.nan_to_num(scipy.stats.entropy(counts, base=2, axis=-1)) * sums
    assert entropy(counts) == pytest.approx(bits.sum())


def test_like_classes_share_a_table_and_unlike_ones_do_not():
    steep, flat = 2.0 ** -np.arange(20), np.ones(20)
    counts = np.zeros((4, CONTEXTS, 1, TOKENS), np.int64)
    for number, shape in enumerate((steep, steep, flat, flat)):
        counts[number, 0, 0, :20] = 1e5 * shape
    model = fit_model(counts, np.arange(4, dtype=np.uint8), 0, ABOVE)
    used = model.table_numbers[:, 0, 0].tolist()
    assert used[0] == used[1] != used[2] == used[3]
