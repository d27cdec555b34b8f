"""The paper's quantizer, Q_B."""

from __future__ import annotations

import struct

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lplrcli.pipeline.decode.factors import encode_factor
from lplrcli.quantize import CODEBOOKS, QUANTIZERS
from lplrcli.quantize.uniform import UniformQuantizer


def decoded(quantizer, factor):
    return np.stack(
        [quantizer.levels(i)[quantizer.encode(i, values)] for i, values in enumerate(factor)]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_levels_spread_over_the_range_and_the_nearest_is_taken(dtype, data):
    bits = data.draw(st.integers(1, 16))
    elements = st.floats(-(2.0**40), 2.0**40, width=np.finfo(dtype).bits, allow_subnormal=False)
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
    factor = data.draw(hnp.arrays(dtype, shape, elements=elements))
    quantizer = UniformQuantizer.fit(factor, np.full(len(factor), bits, np.uint8))
    low, high = float(factor.min()), float(factor.max())
    assert struct.unpack("<d", quantizer.side[:8])[0] == low
    levels = quantizer.levels(0)
    assert levels[0] == low
    assert levels[-1] == pytest.approx(high, rel=1e-12, abs=1e-12 * (high - low))
    step = (high - low) / (2**bits - 1)
    distance = np.abs(factor - decoded(quantizer, factor)).max()
    assert distance <= step / 2 * (1 + 1e-9) + 1e-15 * max(abs(low), abs(high))


@pytest.mark.parametrize("bits", range(1, 17))
def test_it_is_the_formula_of_the_paper(bits):
    factor = np.random.default_rng(bits).standard_normal((3, 400))
    quantizer = UniformQuantizer.fit(factor, np.full(3, bits, np.uint8))
    expected = naive.quantize_uniform(factor, bits)
    np.testing.assert_allclose(decoded(quantizer, factor), expected, atol=1e-14)


def test_a_constant_is_exact():
    factor = np.full((2, 5), 0.1)
    quantizer = UniformQuantizer.fit(factor, np.full(2, 3, np.uint8))
    np.testing.assert_array_equal(decoded(quantizer, factor), factor)


def test_an_empty_factor_has_parameters():
    quantizer = UniformQuantizer.fit(np.empty((0, 7)), np.empty(0, np.uint8))
    assert len(quantizer.side) == 16


@pytest.mark.parametrize("name", sorted(CODEBOOKS))
@pytest.mark.parametrize("bits", [1, 7, 16])
def test_every_codebook_quantizer_comes_back_from_a_factor(name, bits):
    factor = np.random.default_rng(0).standard_normal((4, 33)).astype(np.float32)
    fitted = CODEBOOKS[name].fit(factor, np.full(4, bits, np.uint8), 1)
    coded = encode_factor(factor, np.full(4, bits, np.uint8), name, 64, 1)
    assert coded.side == fitted.side
    again = QUANTIZERS[name].of(coded)
    values = np.empty((4, 30), np.float64)
    again.decode([fitted.encode(i, row) for i, row in enumerate(factor)], slice(3, None), values)
    for i, row in enumerate(factor):
        np.testing.assert_array_equal(again.levels(i), fitted.levels(i))
        codes = fitted.encode(i, row)
        assert codes.dtype == np.uint16
        assert codes.max() < 2**bits == len(again.levels(i))
        np.testing.assert_array_equal(values[i], again.levels(i)[codes[3:]])
