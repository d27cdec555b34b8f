"""The model of the coding ``rans``: its bytes, its frequencies, and what its weights cost."""

from __future__ import annotations

import naive
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rans_samples import SLOPE, tables_for

from lplrcli.coding.entropy_model import (
    WEIGHTS,
    EntropyModel,
    logarithmic_weights,
    normalised,
)
from lplrcli.model.rans_constants import (
    ABOVE,
    ACROSS,
    ALONG,
    AROUND,
    CONTEXTS,
    NO_CONTEXT,
    TOKENS,
    TOTAL,
)


@st.composite
def tables(draw):
    components = draw(st.integers(0, 9))
    return components, tables_for(
        components,
        machine=draw(st.sampled_from([0, 3, 8])),
        context=draw(st.sampled_from([NO_CONTEXT, ABOVE, AROUND, ACROSS, ALONG])),
        classes=draw(st.integers(1, 4)),
        weights=draw(st.sampled_from([[SLOPE], [SLOPE, [5], [0, 0, 47]]])),
        seed=draw(st.integers(0, 99)),
    )


@given(tables())
@settings(deadline=None)
def test_a_model_comes_back_from_its_bytes(case):
    components, raw = case
    model = EntropyModel.from_bytes(raw, components)
    assert model.to_bytes() == raw
    machine, context, classes, table_of, frequencies = naive.rans_read_tables(raw, components)
    assert model.state_bits == machine
    assert model.context == context
    assert model.table_map.shape[1] == (CONTEXTS if context else 1)
    assert model.classes.tolist() == classes
    assert model.table_map.ravel().tolist() == table_of
    for found, expected in zip(model.frequencies.tolist(), frequencies, strict=True):
        assert found == expected + [0] * (TOKENS - len(expected))


def test_the_model_of_nothing():
    model = EntropyModel.empty()
    assert EntropyModel.from_bytes(model.to_bytes(), 0).to_bytes() == model.to_bytes()
    assert model.to_bytes() == bytes(4)


COUNTS = st.lists(st.integers(0, 10**6) | st.integers(0, 3), min_size=1, max_size=TOKENS).filter(
    any
)


@given(COUNTS)
@settings(deadline=None)
def test_frequencies_sum_to_their_total_and_no_token_is_lost(counts):
    counts = np.array(counts)
    weights = logarithmic_weights(counts)
    frequencies = normalised(weights)
    assert frequencies.tolist() == naive.rans_frequencies(weights.tolist())
    assert frequencies.sum() == TOTAL
    assert weights[-1] > 0
    assert ((frequencies > 0) == (counts[: len(weights)] > 0)).all()
    assert not counts[len(weights) :].any()


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=30))
@settings(deadline=None)
def test_weights_cost_one_percent_over_exact_frequencies(counts):
    counts = np.array(counts)
    share = counts / counts.sum()
    found = normalised(logarithmic_weights(counts)) / TOTAL
    excess = np.sum(share * np.log2(share / found))
    assert excess <= 0.01 * max(1.0, -np.sum(share * np.log2(share)))


def test_weights_are_four_an_octave():
    assert WEIGHTS.tolist() == [
        w if w < 4 else (4 + w % 4) << (w // 4 - 1) for w in range(len(WEIGHTS))
    ]
