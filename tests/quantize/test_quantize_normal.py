"""The packed engine's quantizer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ml_dtypes import bfloat16

from lplrcli.planning.bit_allocation import DISTORTION
from lplrcli.quantize import normal
from lplrcli.quantize.codebooks import normal_levels
from lplrcli.quantize.normal import NormalQuantizer


def depths(*bits):
    return np.array(bits, np.uint8)


def decoded(quantizer, factor):
    return np.stack(
        [quantizer.levels(i)[quantizer.encode(i, values)] for i, values in enumerate(factor)]
    )


@pytest.mark.parametrize("bits", range(1, 11))
def test_normal_samples_cost_what_the_table_says(bits):
    values = np.random.default_rng(bits).standard_normal((1, 200_000)) * 3.7
    quantizer = NormalQuantizer.fit(values, depths(bits))
    error = np.mean((values - decoded(quantizer, values)) ** 2) / 3.7**2
    assert error == pytest.approx(DISTORTION[bits], rel=0.06)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_every_value_gets_its_nearest_level(dtype, data):
    bits = data.draw(st.integers(1, 8))
    width = np.finfo(dtype).bits
    elements = st.floats(-(2.0**30), 2.0**30, width=width, allow_subnormal=False)
    values = data.draw(hnp.arrays(dtype, (1, data.draw(st.integers(1, 30))), elements=elements))
    quantizer = NormalQuantizer.fit(values, depths(bits))
    levels = quantizer.levels(0).astype(np.float64)
    distance = np.abs(values[0] - levels[quantizer.encode(0, values[0])])
    least = np.abs(values[0][:, None] - levels).min(axis=1)
    # Thresholds are float32 at unit scale.
    assert np.all(distance <= least + 1e-6 * (np.abs(values[0]) + quantizer.scales[0]))


@pytest.mark.parametrize("bits", [1, 5, 8, 9, 16])
def test_levels_are_products_rounded_once(bits):
    scale = np.array([0.123456], bfloat16)
    quantizer = NormalQuantizer(depths(bits), scale.view("<u2").tobytes())
    exact = normal_levels(bits).astype(np.float64) * float(scale[0])
    np.testing.assert_array_equal(quantizer.levels(0), exact.astype(np.float32))


def test_rescaled_codes_are_those_of_multiplied_values():
    values = np.random.default_rng(0).standard_normal((3, 50)).astype(np.float32)
    quantizer = NormalQuantizer.fit(values, depths(3, 4, 5))
    other = quantizer.rescaled(np.array([0.5, 4.0, 0.0]))
    for i, factor in enumerate([0.5, 4.0]):
        np.testing.assert_array_equal(other.levels(i), factor * quantizer.levels(i))
    assert 0 < np.abs(other.levels(2)).max() < 1e-36  # scales are positive


def test_scales_are_bfloat16_in_little_endian():
    factor = np.random.default_rng(0).standard_normal((3, 50)) * [[1e-3], [1], [1e3]]
    quantizer = NormalQuantizer.fit(factor, depths(2, 3, 4))
    scales = np.frombuffer(quantizer.parameters, "<u2").view(bfloat16).astype(np.float32)
    np.testing.assert_array_equal(quantizer.scales, scales)
    ratio = scales / np.sqrt(np.mean(factor**2, axis=1))
    assert np.all((ratio > 0.6) & (ratio < 2.5))


@pytest.mark.parametrize("bits", [1, 4, 8, 12, 16])
def test_no_scale_does_much_better(bits):
    # From short tails to long ones; scales are tried on a grid, so a little is left.
    generator = np.random.default_rng(bits)
    shapes = [
        generator.random(3000) - 0.5,
        np.sin(np.linspace(0, 40, 3000)),
        generator.standard_normal(3000),
        generator.laplace(size=3000),
    ]
    for values in shapes:
        found = NormalQuantizer.fit(values[None], depths(bits))
        error = np.mean((values - decoded(found, values[None])[0]) ** 2)
        spread = np.sqrt(np.mean(values**2))
        best = np.inf
        for factor in np.geomspace(0.5, 8, 60):
            side = np.array([spread * factor], bfloat16).view("<u2").tobytes()
            tried = NormalQuantizer(depths(bits), side)
            best = min(best, np.mean((values - decoded(tried, values[None])[0]) ** 2))
        assert error <= 1.35 * best


def test_one_outlier_among_many_is_reached():
    values = np.random.default_rng(0).standard_normal((1, 100_000))
    values[0, 12345] = 50.0
    quantizer = NormalQuantizer.fit(values, depths(12))
    assert decoded(quantizer, values)[0, 12345] == pytest.approx(50, rel=0.1)


def test_a_component_of_zeros_has_a_valid_scale():
    quantizer = NormalQuantizer.fit(np.zeros((2, 9)), depths(1, 16))
    assert np.all(np.isfinite(quantizer.scales) & (quantizer.scales > 0))


@pytest.mark.parametrize("size", [1e-45, 1e-300, 1e37])
def test_scales_stay_positive_and_finite(size):
    quantizer = NormalQuantizer.fit(np.full((1, 9), size), depths(4))
    assert np.isfinite(quantizer.scales[0])
    assert quantizer.scales[0] > 0


def test_the_number_of_threads_changes_nothing():
    factor = np.random.default_rng(0).standard_normal((9, 6000))
    bits = np.arange(1, 10).astype(np.uint8)
    sides = {NormalQuantizer.fit(factor, bits, threads).parameters for threads in (1, 2, 5)}
    assert len(sides) == 1


@pytest.mark.parametrize("length", [4160, 4161, 4200, 9000])
def test_pieces_of_a_long_component_give_the_scale_of_the_whole(length, monkeypatch):
    generator = np.random.default_rng(length)
    values = generator.standard_t(2, (2, length))
    bits = depths(3, 12)
    whole = NormalQuantizer.fit(values, bits)
    monkeypatch.setattr(normal, "_ENTRIES_AT_ONCE", 100)
    np.testing.assert_array_equal(NormalQuantizer.fit(values, bits).scales, whole.scales)
    np.testing.assert_array_equal(
        np.sort(np.abs(normal._largest(values[0]))), np.sort(np.abs(values[0]))[-64:]
    )
