"""Bounds by reverse water-filling: against brute force, against the engine's own model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.planning.mode_predictions import factors_at_size, residual_at_size
from lplrcli.planning.rate_bounds import least_bits, least_error
from lplrcli.planning.spectrum import Spectrum

MODES = ["factors", "factors+residual", "direct"]
SHAPE = (200, 100)
ENTRIES = 200 * 100
VALUES = {
    "exponential": np.exp(-np.arange(100) / 10),
    "harmonic": 1 / np.arange(1, 101),
    "flat": np.ones(100),
    "rank 5": np.r_[np.ones(5), np.zeros(95)],
    "knee": np.r_[np.ones(5), np.full(95, 0.1)],
}


def spectrum_of(name, known=100):
    energies = VALUES[name] ** 2
    return Spectrum(SHAPE, energies[:known], float(energies.sum()))


def water_filled(variances, counts, bits):
    """Cover and Thomas, Theorem 10.3.3, by bisection of the level; `counts` of each variance."""
    low, high = 1e-30, variances.max()
    for _ in range(100):
        level = np.sqrt(low * high)
        spent = 0.5 * np.log2(np.maximum(variances / level, 1)) @ counts
        low, high = (level, high) if spent > bits else (low, level)
    return level


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("bpc", [0.1, 2.0])
def test_factors_by_brute_force(name, bpc):
    spectrum, (n, d) = spectrum_of(name), SHAPE
    bits = bpc * ENTRIES
    best = spectrum.total
    for rank in range(1, 101):
        kept = spectrum.energies[:rank]
        if kept[-1] == 0:
            break
        variances = np.concatenate([kept / n, kept / d])
        level = water_filled(variances, np.repeat([n, d], rank), bits)
        if level <= kept[-1] / n:  # else a direction less is better anyhow
            best = min(best, rank * (n + d) * level + spectrum.total - kept.sum())
    assert least_error(spectrum, "factors", bits) == pytest.approx(best, rel=1e-6)


def test_direct_is_six_decibels_a_bit():
    spectrum = spectrum_of("flat")
    for bpc in (0.5, 1, 3):
        found = least_error(spectrum, "direct", bpc * ENTRIES)
        assert found == pytest.approx(spectrum.total * 4.0**-bpc)
        assert least_bits(spectrum, "direct", found) == pytest.approx(bpc * ENTRIES)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("mode", MODES)
def test_bits_and_error_are_inverse(name, mode):
    spectrum = spectrum_of(name)
    for bpc in (0.2, 1, 4):
        error = least_error(spectrum, mode, bpc * ENTRIES)
        if error < 0.999 * spectrum.total:
            assert least_bits(spectrum, mode, error) == pytest.approx(bpc * ENTRIES, rel=1e-3)
    assert least_bits(spectrum, mode, spectrum.total) == 0


@given(st.sampled_from(list(VALUES)), st.floats(0.01, 10), st.sampled_from([3, 40, 100]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_more_freedom_and_more_bits_never_hurt(name, bpc, known):
    spectrum, bits = spectrum_of(name, known), bpc * ENTRIES
    errors = {mode: least_error(spectrum, mode, bits) for mode in MODES}
    assert errors["factors+residual"] <= min(errors.values()) * (1 + 1e-12)
    for mode, error in errors.items():
        assert 0 < error <= spectrum.total
        assert least_error(spectrum, mode, 1.1 * bits) <= error
        assert error <= least_error(spectrum_of(name, max(1, known // 2)), mode, bits) * (1 + 1e-9)


@pytest.mark.parametrize(
    "name", ["exponential", "harmonic", "flat", "knee"]
)  # all coded at half a bit
@pytest.mark.parametrize("bpc", [0.5, 1.0, 4.0])
def test_predictions_stay_above(name, bpc):
    spectrum, bits = spectrum_of(name), bpc * ENTRIES
    predicted = {
        "factors": factors_at_size(spectrum, bits).squared_error,
        "factors+residual": residual_at_size(spectrum, bits).squared_error,
    }
    for mode, error in predicted.items():
        bound = least_error(spectrum, mode, bits)
        assert bound <= error * (1 + 1e-9)
        assert error < 1.6 * bound


def test_a_tail_that_no_direction_reaches():
    spectrum = spectrum_of("flat", known=10)
    assert least_bits(spectrum, "factors", 0.5 * spectrum.total) is None
    assert least_bits(spectrum, "factors+residual", 0.5 * spectrum.total) > 0
