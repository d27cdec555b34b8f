"""Factors whose energy lies in bands: as without where it is flat, cheaper where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lplrcli.planning.spectrum import Bands, Spectrum

SHAPE = (600, 400)
ENERGIES = np.exp(-np.arange(50) / 10.0)
PLAIN = Spectrum(SHAPE, ENERGIES, float(ENERGIES.sum()) + 1e-3)
COUNTS = {length: np.array([1.0, 3.0, 50.0, length - 54.0]) for length in SHAPE}
STEPS = 2.0 ** np.arange(-14, 1)


def flat(length):
    """Every coefficient of like size, so that a band has the share of its coefficients."""
    return Bands(COUNTS[length], np.tile(COUNTS[length] / length, (len(ENERGIES), 1)))


def smooth(length):
    """Nearly all energy in few coefficients."""
    shares = np.tile([0.7, 0.2, 0.09, 0.01], (len(ENERGIES), 1))
    return Bands(COUNTS[length], shares)


FLAT = replace(PLAIN, bands=(flat(600), flat(400)))
SMOOTH = replace(PLAIN, bands=(smooth(600), smooth(400)))
ONE_SIDE = replace(PLAIN, bands=(smooth(600), None))
ANY = pytest.mark.parametrize("spectrum", [PLAIN, FLAT, SMOOTH, ONE_SIDE])


@pytest.mark.parametrize("bands", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("step", STEPS)
def test_flat_bands_change_nothing(bands, step):
    spectrum = replace(PLAIN, bands=tuple(FLAT.bands[i] if i in bands else None for i in range(2)))
    assert spectrum.factors(step) == pytest.approx(PLAIN.factors(step), rel=1e-9)
    assert spectrum.cost(step) == pytest.approx(PLAIN.cost(step), rel=1e-9)
    assert spectrum.rank(step) == PLAIN.rank(step)


@ANY
def test_finer_steps_take_more_bits_and_leave_less_error(spectrum):
    bits, errors = np.transpose([spectrum.factors(step) for step in STEPS])
    assert (np.diff(bits) <= 0).all()
    assert (np.diff(errors) >= -1e-12).all()
    assert (np.diff([spectrum.rank(step) for step in STEPS]) <= 0).all()


@pytest.mark.parametrize("step", STEPS[:8])
def test_smooth_factors_cost_less(step):
    assert SMOOTH.cost(step) < ONE_SIDE.cost(step) < PLAIN.cost(step)


def test_the_error_is_never_less_than_the_tail_nor_more_than_everything():
    for step in STEPS:
        assert SMOOTH.tail <= SMOOTH.factors(step)[1] <= SMOOTH.total * (1 + 1e-12)
