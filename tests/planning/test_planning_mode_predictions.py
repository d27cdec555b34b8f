"""Predictions of the three modes: monotone, consistent, and right about which is best where."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
from scipy.linalg import svdvals

from lplrcli.planning.mode_predictions import (
    factors_at_error,
    factors_at_size,
    residual_at_error,
    residual_at_size,
)
from lplrcli.planning.normal_rates import (
    residual_error,
    residual_step,
)
from lplrcli.planning.spectrum import Spectrum

SHAPE = (600, 400)
ENTRIES = SHAPE[0] * SHAPE[1]
WHITE = np.random.default_rng(0).standard_normal(SHAPE) / np.sqrt(ENTRIES)


def spectrum(values):
    energies = np.square(np.asarray(values, float))
    return Spectrum(SHAPE, energies, float(energies.sum()))


SPECTRA = {
    "exponential": spectrum(np.exp(-np.arange(400) / 50)),
    "harmonic": spectrum(1 / np.arange(1, 401)),
    "low rank and noise": spectrum(svdvals(matrices.low_rank(*SHAPE, 20, noise=0.05))),
    "white": spectrum(svdvals(WHITE)),
    "rank 1": spectrum([3.0]),
    "part of a spectrum": Spectrum(SHAPE, np.exp(-np.arange(40) / 20.0), 30.0),
}
ANY = pytest.mark.parametrize("name", SPECTRA)
RATES = 2.0 ** np.arange(-6, 4)


@ANY
@pytest.mark.parametrize("at_size", [factors_at_size, residual_at_size])
def test_more_bits_never_mean_more_error(name, at_size):
    errors = [at_size(SPECTRA[name], rate * ENTRIES).squared_error for rate in RATES]
    assert all(np.diff(errors) <= 1e-12 * errors[0])
    assert errors[0] <= SPECTRA[name].total * (1 + 1e-9)


@ANY
def test_less_error_never_means_fewer_bits(name):
    found = SPECTRA[name]
    allowed = found.total * 4.0 ** -np.arange(1, 9)
    for at_error in (factors_at_error, residual_at_error):
        predictions = [at_error(found, error) for error in allowed]
        bits = [one.bits for one in predictions if one is not None]
        assert all(np.diff(bits) >= -1e-9 * ENTRIES)
        # Once out of reach, always out of reach.
        assert [one is None for one in predictions] == sorted(one is None for one in predictions)


@ANY
def test_size_and_error_are_two_views_of_one_curve(name):
    found = SPECTRA[name]
    for rate in (0.1, 1.0, 3.0):
        for at_size, at_error in (
            (factors_at_size, factors_at_error),
            (residual_at_size, residual_at_error),
        ):
            there = at_size(found, rate * ENTRIES)
            assert there.bits <= rate * ENTRIES * (1 + 1e-6)
            back = at_error(found, there.squared_error * (1 + 1e-9))
            assert back.bits <= 1.02 * rate * ENTRIES


def test_factors_cannot_have_less_error_than_the_directions_unknown():
    part = SPECTRA["part of a spectrum"]
    assert part.tail == pytest.approx(30 - part.energies.sum())
    assert factors_at_error(part, 0.9 * part.tail) is None
    assert factors_at_size(part, 1e9).squared_error >= part.tail
    assert residual_at_error(part, 0.9 * part.tail).squared_error <= 0.9 * part.tail


def test_low_rank_and_noise_want_factors_with_a_residual():
    found, bits = SPECTRA["low rank and noise"], 2.0 * ENTRIES
    both = residual_at_size(found, bits).squared_error
    assert both < 0.5 * factors_at_size(found, bits).squared_error
    direct = residual_error(found.total / ENTRIES, ENTRIES, residual_step(1 / ENTRIES, ENTRIES, 1))
    assert both < 0.1 * direct


def test_white_noise_wants_no_factors():
    found, bits = SPECTRA["white"], 2.0 * ENTRIES
    step = residual_step(found.total / ENTRIES, ENTRIES, bits)
    direct = residual_error(found.total / ENTRIES, ENTRIES, step)
    assert direct < 0.5 * factors_at_size(found, bits).squared_error
    # The best residual is that of almost no factors.
    assert residual_at_size(found, bits).squared_error == pytest.approx(direct, rel=0.02)


def test_a_decaying_spectrum_wants_factors_at_low_rates():
    found, bits = SPECTRA["exponential"], 0.25 * ENTRIES
    factors = factors_at_size(found, bits).squared_error
    assert factors < residual_at_size(found, bits).squared_error


@ANY
def test_a_coarser_step_keeps_fewer_directions(name):
    found = SPECTRA[name]
    steps = np.sqrt(found.energies[0] / SHAPE[0]) * 2.0 ** np.arange(-8, 4)
    ranks = [found.rank(step) for step in steps]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[-1] == 0
    assert ranks[0] >= 1
