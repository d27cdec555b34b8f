"""What quantizers of fixed width share."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.quantize.normal import NormalQuantizer
from lplrcli.quantize.uniform import UniformQuantizer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", [1, 3, 8, 9, 16])
@pytest.mark.parametrize("quantizer", [NormalQuantizer, UniformQuantizer])
def test_few_and_many_codes_decode_to_the_same_levels(quantizer, bits, dtype):
    factor = np.random.default_rng(bits).standard_normal((2, 300))
    fitted = quantizer.fit(factor, np.full(2, bits, np.uint8))
    codes = [fitted.encode(i, values) for i, values in enumerate(factor)]
    expected = [fitted.levels(i).astype(dtype)[codes[i]] for i in range(2)]
    for rows in (slice(0, 1), slice(None), slice(7, 90), slice(0, 0)):
        found = np.empty((2, len(range(300)[rows])), dtype)
        fitted.decode(codes, rows, found)
        np.testing.assert_array_equal(found, [values[rows] for values in expected])


def test_no_table_is_kept_that_is_larger_than_the_factor():
    # Thousands of components of a few codes each would ask for gigabytes.
    factor = np.random.default_rng(0).standard_normal((3, 100))
    bits = np.array([4, 8, 16], np.uint8)
    fitted = NormalQuantizer.fit(factor, bits)
    codes = [fitted.encode(i, values) for i, values in enumerate(factor)]
    fitted.decode(codes, slice(None), np.empty((3, 100)))
    assert {component for component, _ in fitted._rounded} == {0}
