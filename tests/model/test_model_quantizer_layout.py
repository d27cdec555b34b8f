"""Bytes of quantizers' parameters, against those that tests write field by field."""

from __future__ import annotations

import struct
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.model.quantizer_layout import (
    SCALE_BYTES,
    SCALE_INDICES,
    STEPPED_HEAD,
    UNIFORM_HEAD,
    scale_of,
)


def test_numbers_of_a_uniform_quantizer_are_two_of_binary64():
    assert UNIFORM_HEAD.pack(-1.5, 0.25) == struct.pack("<d", -1.5) + struct.pack("<d", 0.25)


def test_the_step_comes_first_and_the_shifts_are_signed_bytes():
    raw = STEPPED_HEAD.pack(0.5, -1, 2, -128)
    assert raw == struct.pack("<d", 0.5) + bytes([0xFF, 0x02, 0x80])


@given(st.sampled_from(SCALE_INDICES))
def test_a_scale_is_eighths_of_a_power_of_two(index):
    eighths = 8 + index % 8
    assert Fraction(scale_of(index)) == Fraction(eighths, 8) * Fraction(2) ** (index // 8)


def test_indices_are_those_of_normal_numbers():
    assert scale_of(SCALE_INDICES[0]) == sys.float_info.min
    assert scale_of(SCALE_INDICES[-1]) <= sys.float_info.max
    assert scale_of(SCALE_INDICES[0] - 1) < sys.float_info.min
    with pytest.raises(OverflowError):
        scale_of(SCALE_INDICES[-1] + 1)


def test_every_index_fits_its_bytes():
    for index in (SCALE_INDICES[0], SCALE_INDICES[-1]):
        raw = index.to_bytes(SCALE_BYTES, "little", signed=True)  # refuses what is too large
        assert int.from_bytes(raw, "little", signed=True) == index
