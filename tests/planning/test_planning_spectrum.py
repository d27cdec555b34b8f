"""What factors cost: band by band in plain loops, and cheaper the fewer bands the energy is in."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lplrcli.planning.normal_rates import LAGRANGIAN, one_bits_and_distortion
from lplrcli.planning.spectrum import VANISHING, Bands, Spectrum

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


def in_loops(spectrum, step):
    """Bits and squared error of each direction in turn, and how many are worth their bits."""
    total, left, rank = 0.0, spectrum.total - sum(spectrum.energies), 0
    for i, energy in enumerate(spectrum.energies):
        bits = error = 0.0
        peaks = []
        for length, bands in zip(spectrum.shape, spectrum.bands, strict=True):
            counts = [length] if bands is None else bands.counts
            parts = [energy] if bands is None else energy * bands.shares[i]
            for count, part in zip(counts, parts, strict=True):
                each, square = one_bits_and_distortion(math.sqrt(part / count), step)
                bits += count * each
                error += min(count * square, part)
            peaks.append(max(part / count for count, part in zip(counts, parts, strict=True)))
        if min(peaks) > (VANISHING * step) ** 2:
            rank = i + 1
        if error < energy:
            total += bits
        left += min(error, energy)
    return total, left, rank


@ANY
@pytest.mark.parametrize("step", STEPS[::3])
def test_bits_and_error_are_those_of_every_direction_in_turn(spectrum, step):
    bits, error, rank = in_loops(spectrum, step)
    assert spectrum.factors(step) == pytest.approx((bits, error), rel=1e-9)
    assert spectrum.cost(step) == pytest.approx(bits + error / (LAGRANGIAN * step**2), rel=1e-9)
    assert spectrum.rank(step) == rank


def test_many_steps_are_evaluated_as_each_alone(monkeypatch):
    monkeypatch.setattr("lplrcli.planning.spectrum._EVALUATED_AT_ONCE", 7 * len(ENERGIES))
    bits, errors = PLAIN.factors_at(STEPS)
    alone = [PLAIN.factors(step) for step in STEPS]
    assert list(zip(bits, errors, strict=True)) == alone
