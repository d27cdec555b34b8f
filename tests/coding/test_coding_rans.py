"""Coding ``rans``: as small as another coder makes it with the same tables, and so is its model."""

from __future__ import annotations

from itertools import pairwise

import constriction
import naive
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from rans_samples import SLOPE, random_codes, tables_for

from lplrcli.coding import CODINGS, PackedCoding, RansCoding
from lplrcli.coding.clustering import _united_neighbours, _whole_cost, entropy, fit_model
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
from lplrcli.pipeline.encode.coefficients import (
    CoefficientCoder,
    code_coefficients,
    count_codes,
    sampled,
)
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout


def test_every_coding_of_the_format_is_there():
    assert CODINGS["packed"] is PackedCoding
    assert CODINGS["rans"] is RansCoding
    assert len(CODINGS) == 2


# -- size


def quantized(values, step, state_bits):
    """Codes of coefficients (components, rows), as the engine chooses them."""
    deviations = np.sqrt(np.mean(values**2, axis=1))
    quantizer = SteppedQuantizer(step, np.zeros(len(values), int))
    layout = Layout("identity", values.shape[1:])
    coder = CoefficientCoder(quantizer, deviations, state_bits, layout)
    return code_coefficients([values], list(sampled([values], layout)), coder, threads=1)


def smooth(components, rows):
    """Components in which neighbours are alike: contexts pay."""
    noise = np.random.default_rng(0).standard_normal((components, rows))
    return np.cumsum(noise, axis=1) / 10


REALISTIC = {
    "factor of decaying spectrum": np.random.default_rng(0).standard_normal((40, 1500))
    * np.exp(-np.arange(40) / 10)[:, None],
    "white residual": np.random.default_rng(1).standard_normal((64, 1000)),
    "smooth columns": smooth(30, 2000),
    "long tails": np.random.default_rng(2).standard_cauchy((10, 5000)),
}


def walked(codes, tables):
    """Tokens by the table they are coded with, and the number of extra bits."""
    walk = naive.RansWalk(tables, len(codes))
    tokens, extra = {}, 0
    for component, row in naive.rans_order(*codes.shape):
        code = int(codes[component, row])
        token, bits, _ = naive.rans_token(walk.integer(component, code))
        tokens.setdefault(tuple(walk.table(component)), []).append(token)
        extra += bits
        walk.step(component, code)
    return tokens, extra


def bytes_of_constriction(codes, tables):
    """What its ANS coder needs with the same frequencies, and extra bits as they are."""
    tokens, bits = walked(codes, tables)
    coder = constriction.stream.stack.AnsCoder()
    for frequencies, symbols in tokens.items():
        listed = np.flatnonzero(frequencies)
        place = {int(token): i for i, token in enumerate(listed)}
        if len(listed) > 1:  # a single symbol takes no bits
            shares = np.array(frequencies)[listed] / TOTAL
            model = constriction.stream.model.Categorical(shares, perfect=False)
            coder.encode_reverse(np.array([place[t] for t in symbols], np.int32), model)
    return (coder.num_valid_bits() + bits) / 8


@pytest.mark.parametrize(("step", "state_bits"), [(0.05, 8), (0.7, 0), (0.7, 3)])
@pytest.mark.parametrize("name", REALISTIC)
def test_bytes_are_within_one_percent_of_constrictions(name, step, state_bits):
    coded = quantized(REALISTIC[name], step, state_bits)
    factor = coded.factor(threads=1, length=coded.length)
    (payload,) = factor.chunks
    (codes,) = coded.codes
    np.testing.assert_array_equal(RansCoding.of(factor).decode_chunk(payload, coded.length), codes)
    # Four states instead of one: 12 bytes that do not grow.
    assert len(payload) - 16 <= 1.01 * bytes_of_constriction(codes, factor.tables)


def test_contexts_are_used_where_they_pay():
    for name, expected in (("smooth columns", ABOVE), ("white residual", NO_CONTEXT)):
        coded = quantized(REALISTIC[name], 0.2, 3)
        tables = coded.factor(1, coded.length).tables
        assert EntropyModel.from_bytes(tables, len(coded.classes)).context == expected


def test_tables_cost_little():
    coded = quantized(REALISTIC["factor of decaying spectrum"], 0.2, 3)
    factor = coded.factor(1, coded.length)
    assert len(factor.tables) < 0.06 * sum(map(len, factor.chunks))


# -- the model


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


# -- clustering


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


@pytest.mark.parametrize("machine", [0, 3])
@pytest.mark.parametrize("deviation", [0.01, 0.3, 30.0])
def test_what_was_counted_is_what_is_coded(machine, deviation):
    # Components of one class, of weak codes that never leave the first union, and of strong ones.
    values = deviation * np.random.default_rng(0).standard_normal((7, 300))
    coded = quantized(values, 1.0, machine)
    factor = coded.factor(1, 300)
    decoded = RansCoding.of(factor).decode_chunk(factor.chunks[0], 300)
    np.testing.assert_array_equal(decoded, coded.codes[0])
    counts = count_codes(coded.codes[0], coded.classes, 2 if machine else 1, coded.layout)
    assert counts.sum() == values.size


def test_chunks_share_tables_and_decode_alone():
    raw = tables_for(60, machine=4, context=1, classes=2)
    coding = RansCoding(EntropyModel.from_bytes(raw, 60), (51,))
    for seed in range(3):
        codes = random_codes(raw, 60, 17, most=6, seed=seed).astype(np.int32)
        payload = coding.encode_chunk(codes)
        np.testing.assert_array_equal(coding.decode_chunk(payload, 17), codes)
