"""Factors in codes of fixed width, against their definition."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.fixed_width import encode_factor
from lplrcli.quantize import CODEBOOKS

VALUES = np.random.default_rng(0).standard_normal((3, 77)) * np.array([[9.0], [1.0], [0.01]])
BITS = {"normal": np.array([5, 1, 3], np.uint8), "uniform": np.full(3, 4, np.uint8)}
QUANTIZERS = pytest.mark.parametrize("quantizer", ["normal", "uniform"])


@QUANTIZERS
def test_chunks_are_codes_side_by_side(quantizer):
    bits = BITS[quantizer]
    factor = encode_factor(VALUES, bits, quantizer, 32, 1)
    assert (factor.length, factor.components, factor.chunk_length) == (77, 3, 32)
    assert [len(chunk) for chunk in factor.chunks] == [
        sum(-(-int(depth) * rows // 8) for depth in bits) for rows in (32, 32, 13)
    ]
    fitted = CODEBOOKS[quantizer].of(factor)
    for number, start in enumerate(range(0, 77, 32)):
        expected = b"".join(
            naive.pack_codes(fitted.encode(i, part[start : start + 32]), int(bits[i]))
            for i, part in enumerate(VALUES)
        )
        assert factor.chunks[number] == expected


@QUANTIZERS
def test_values_are_rounded_to_the_nearest_level(quantizer):
    factor = encode_factor(VALUES, BITS[quantizer], quantizer, 32, 1)
    decoded = decode_factor(factor, np.dtype(np.float64))
    for values, found in zip(VALUES, decoded, strict=True):
        levels = np.unique(found)
        nearest = np.abs(values[:, None] - levels).min(axis=1)
        np.testing.assert_allclose(np.abs(values - found), nearest, rtol=1e-5, atol=1e-9)


@QUANTIZERS
def test_threads_change_no_byte(quantizer):
    one, many = (encode_factor(VALUES, BITS[quantizer], quantizer, 8, t) for t in (1, 3))
    assert one == many


def test_no_components_have_no_chunks():
    factor = encode_factor(np.empty((0, 77)), np.empty(0, np.uint8), "normal", 32, 1)
    assert (factor.components, list(factor.chunks), factor.coding_parameters) == (0, [], b"")
