"""Codes of fixed width with further entries: each by itself, whatever parts they come in."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.pipeline.append import fixed_width_growth
from lplrcli.pipeline.append.fixed_width_growth import FixedWidthGrowth
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.fixed_width import encode_factor

WIDE = np.dtype(np.float64)
RNG = np.random.default_rng(0)
BITS = {"normal": np.array([5, 2, 3], np.uint8), "uniform": np.full(3, 4, np.uint8)}
QUANTIZERS = pytest.mark.parametrize("quantizer", BITS)


def stored(quantizer, length):
    return encode_factor(RNG.standard_normal((3, length)), BITS[quantizer], quantizer, 16, 1)


@QUANTIZERS
@pytest.mark.parametrize("length", [16, 21, 32])
@pytest.mark.parametrize("added", [1, 11, 40])
def test_new_codes_follow_those_that_stay(quantizer, length, added):
    factor, values = stored(quantizer, length), RNG.standard_normal((3, added))
    growth = FixedWidthGrowth(factor, added)
    assert growth.ends == [added]
    codes = growth.quantize(0, values)
    grown = growth.finished([codes], 2)
    assert (grown.length, grown.grid, grown.chunk_length) == (length + added, (length + added,), 16)
    decoded = decode_factor(grown, WIDE)
    np.testing.assert_array_equal(decoded[:, :length], decode_factor(factor, WIDE))
    np.testing.assert_array_equal(decoded[:, length:], growth.decoded(codes, WIDE))
    kept = length // 16
    assert list(grown.chunks)[:kept] == list(factor.chunks)[:kept]
    assert grown.coding_parameters == factor.coding_parameters


@QUANTIZERS
def test_values_that_were_stored_are_coded_as_they_were(quantizer):
    factor = stored(quantizer, 21)
    values = decode_factor(factor, WIDE)
    growth = FixedWidthGrowth(factor, 21)
    np.testing.assert_allclose(growth.decoded(growth.quantize(0, values), WIDE), values, rtol=1e-6)


def test_parts_make_no_difference(monkeypatch):
    factor, values = stored("normal", 21), RNG.standard_normal((3, 50))
    whole = FixedWidthGrowth(factor, 50)
    once = whole.finished([whole.quantize(0, values)], 1)
    monkeypatch.setattr(fixed_width_growth, "_PART", 7)
    growth = FixedWidthGrowth(factor, 50)
    assert growth.ends == [7, 14, 21, 28, 35, 42, 49, 50]
    parts = np.split(values, growth.ends[:-1], axis=1)
    again = growth.finished([growth.quantize(i, part) for i, part in enumerate(parts)], 3)
    assert list(once.chunks) == list(again.chunks)
