"""Parameters of each quantizer as a file holds them, against those that the quantizers make."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rans_samples import side_for

from lplrcli.container.quantizer_parameters import PARAMETER_LENGTHS, check_parameters, scale_of
from lplrcli.errors import CorruptSectionError
from lplrcli.quantize import CODEBOOKS, QUANTIZERS


@pytest.mark.parametrize("index", [-8176, -8169, -9, -8, -1, 0, 1, 8, 8191])
def test_scales_are_those_of_the_specification(index):
    exponent, eighths = math.floor(index / 8), index % 8
    assert scale_of(index) == (1 + eighths / 8) * 2.0**exponent
    assert scale_of(-8176) == 2.0**-1022
    assert scale_of(8191) == 1.875 * 2.0**1023


def test_every_quantizer_has_a_length():
    assert PARAMETER_LENGTHS.keys() == QUANTIZERS.keys()


@pytest.mark.parametrize("name", CODEBOOKS)
@pytest.mark.parametrize("components", [1, 3])
def test_what_a_quantizer_makes_is_accepted(name, components):
    values = np.random.default_rng(0).standard_normal((components, 50))
    bits = np.full(components, 3, np.uint8)
    side = CODEBOOKS[name].fit(values, bits, threads=1).parameters
    assert len(side) == PARAMETER_LENGTHS[name](components)
    check_parameters("left", name, side, bits.tobytes(), components)
    with pytest.raises(CorruptSectionError, match="length of quantizer parameters of factor left"):
        check_parameters("left", name, side + b"\0", bits.tobytes(), components)


@pytest.mark.parametrize(
    ("low", "step", "bits", "field"),
    [
        (math.nan, 1.0, b"\2\2", "low"),
        (-math.inf, 1.0, b"\2\2", "low"),
        (0.0, -1.0, b"\2\2", "step"),
        (0.0, math.inf, b"\2\2", "step"),
        (0.0, 1.0, b"\2\3", "bits"),
        (1e308, 1e308, b"\2\2", "step"),
    ],
)
def test_a_uniform_quantizer_has_finite_levels_of_one_depth(low, step, bits, field):
    check_parameters("right", "uniform", struct.pack("<dd", -1.5, 0.0), b"\2\2", 2)
    with pytest.raises(CorruptSectionError, match=f"{field} of factor right"):
        check_parameters("right", "uniform", struct.pack("<dd", low, step), bits, 2)


@given(st.integers(0, 2**16 - 1))
def test_scales_of_the_normal_quantizer_are_positive_and_finite(upper):
    (value,) = struct.unpack("<f", struct.pack("<I", upper << 16))
    side = struct.pack("<2H", 0x3F80, upper)
    if value > 0 and math.isfinite(value):
        check_parameters("left", "normal", side, b"\2\2", 2)
    else:
        with pytest.raises(CorruptSectionError, match="component 1"):
            check_parameters("left", "normal", side, b"\2\2", 2)


@pytest.mark.parametrize("name", ["deadzone", "trellis"])
@pytest.mark.parametrize("step", [0.0, -1.0, math.inf, math.nan])
def test_the_step_is_finite_and_positive(name, step):
    with pytest.raises(CorruptSectionError, match="step of factor left"):
        check_parameters("left", name, side_for(2, step), b"", 2)


@given(st.integers(-1100, 1100), st.integers(-8192, 8191))
def test_units_are_neither_subnormal_nor_infinite(exponent, index):
    step = math.ldexp(1.0, min(max(exponent, -1022), 1023))
    side = side_for(2, step, [0 if 2.0**-960 <= step <= 2.0**960 else index, index])
    sound = index >= -8176 and 2.0**-960 <= step * scale_of(index) <= 2.0**960
    if sound:
        check_parameters("left", "deadzone", side, b"", 2)
    else:
        with pytest.raises(CorruptSectionError, match="scale"):
            check_parameters("left", "deadzone", side, b"", 2)
