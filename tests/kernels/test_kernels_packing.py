"""Codes to bits, against one big Python integer."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.kernels.packing import pack_codes


@st.composite
def coded(draw):
    bits = draw(st.integers(1, 16))
    codes = draw(st.lists(st.integers(0, 2**bits - 1), max_size=70))
    return bits, np.array(codes, np.uint16)


@given(coded())
@settings(deadline=None)
def test_codes_are_digits_of_a_little_endian_integer(case):
    bits, codes = case
    out = np.full((bits * len(codes) + 7) // 8, 0xFF, np.uint8)
    pack_codes(codes, bits, out)
    assert out.tobytes() == naive.pack_codes(codes, bits)


@pytest.mark.parametrize("bits", range(1, 17))
def test_the_largest_code_fills_its_bits(bits):
    codes = np.full(37, 2**bits - 1, np.uint16)
    out = np.empty((bits * 37 + 7) // 8, np.uint8)
    pack_codes(codes, bits, out)
    assert int.from_bytes(out.tobytes(), "little") == 2 ** (37 * bits) - 1
