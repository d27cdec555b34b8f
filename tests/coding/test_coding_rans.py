"""Coding ``rans``: as small as another coder makes it with the same tables."""

from __future__ import annotations

import constriction
import naive
import numpy as np
import pytest
from rans_samples import random_codes, tables_for

from lplrcli.coding import RansCoding
from lplrcli.coding.entropy_model import (
    EntropyModel,
)
from lplrcli.model.rans_constants import (
    ABOVE,
    NO_CONTEXT,
    TOTAL,
)
from lplrcli.pipeline.encode.coded_coefficients import count_codes
from lplrcli.pipeline.encode.coefficient_coder import CoefficientCoder
from lplrcli.pipeline.encode.coefficients import code_coefficients, sampled
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout


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
    assert len(payload) - 16 <= 1.01 * bytes_of_constriction(codes, factor.coding_parameters)


def test_contexts_are_used_where_they_pay():
    for name, expected in (("smooth columns", ABOVE), ("white residual", NO_CONTEXT)):
        coded = quantized(REALISTIC[name], 0.2, 3)
        tables = coded.factor(1, coded.length).coding_parameters
        assert EntropyModel.from_bytes(tables, len(coded.classes)).context == expected


def test_tables_cost_little():
    coded = quantized(REALISTIC["factor of decaying spectrum"], 0.2, 3)
    factor = coded.factor(1, coded.length)
    assert len(factor.coding_parameters) < 0.06 * sum(map(len, factor.chunks))


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
