"""Prices of integers: the bits that the coder will need, times the price of one."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from lplrcli.model.rans_constants import TOKENS
from lplrcli.planning.prices import SPAN, extra_bits, normal_counts, prices, tokens


def test_tokens_and_extra_bits_are_those_of_the_specification():
    token, extra = tokens()
    expected = [naive.rans_token(k)[:2] for k in range(-SPAN, SPAN + 1)]
    assert list(zip(token.tolist(), extra.tolist(), strict=True)) == expected


def test_extra_bits_of_every_token():
    counts = []
    for token in range(TOKENS):
        read = []
        naive.rans_integer(token, lambda n, read=read: read.append(n) or 0)
        counts.append(sum(read))
    assert extra_bits().tolist() == counts


@pytest.mark.parametrize("unions", [1, 2])
@pytest.mark.parametrize("log2_deviation", [-3.0, 0.0, 4.5])
def test_normal_counts_are_probabilities_of_a_normal_variable(unions, log2_deviation):
    counts = normal_counts(log2_deviation, unions)
    assert counts.shape == (unions, TOKENS)
    np.testing.assert_allclose(counts.sum(axis=1), 1)
    deviation = 2.0**log2_deviation
    # Token 0 is the integer 0 of the even union, 1 of the odd one.
    for union in range(unions):
        integers = np.arange(-(2**12) + union, 2**12, unions)
        density = np.exp(-0.5 * (integers / deviation) ** 2)
        at = int(np.flatnonzero(integers == union)[0])
        assert counts[union, 0] == pytest.approx(density[at] / density.sum(), rel=1e-3)


@pytest.mark.parametrize("unions", [1, 2])
def test_a_price_is_that_of_the_token_and_its_extra_bits(unions):
    counts = np.random.default_rng(0).integers(1, 1000, (unions, TOKENS)).astype(float)
    # Two classes, whose tokens are counted apart.
    both = prices(np.array([counts[:, ::-1], counts]), 0.25)
    assert both.shape == (2, 2 * SPAN + 1)
    assert both.dtype == np.float32
    found = both[1]
    for q in (0, 1, -1, 2, -2, 17, -33, 40, 777, -SPAN, SPAN):
        union = q % unions
        token, extra, _ = naive.rans_token((q - union) // unions)
        bits = -np.log2(counts[union, token] / counts[union].sum()) + extra
        assert found[q + SPAN] == pytest.approx(0.25 * bits, rel=1e-5)


def test_what_never_occurred_is_dear_but_finite():
    counts = np.zeros((1, 1, TOKENS))
    counts[0, 0, 0] = 100
    (found,) = prices(counts, 1.0)
    assert np.isfinite(found).all()
    assert found[SPAN] < 0.001
    assert (np.delete(found, SPAN) > 20).all()
