"""What a target can make use of, on spectra that are known."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from lplrcli.linalg.scan import Scan
from lplrcli.model.plan import Target
from lplrcli.model.source import Unfolding
from lplrcli.pipeline.predict.demand import HEADER_BYTES, TargetDemand
from lplrcli.planning import mode_predictions
from lplrcli.planning.limits import DIRECT_ENTRIES
from lplrcli.planning.spectrum import Spectrum

SHAPE = (400, 300)


def demand(rank=None, **target):
    return TargetDemand(Target("rate-distortion", rank, None, None, **target))


def passes(total, shape=SHAPE, exponent=0):
    """Passes over a matrix of which no more is known than its norm."""
    scan = Scan(-1.0, 1.0, math.sqrt(total), exponent)
    source = SimpleNamespace(unfolding=Unfolding.of(shape))
    return SimpleNamespace(
        shape=shape, exponent=exponent, source=source, scan=lambda: scan, original=lambda: scan
    )


def needed(energies, rank=None, complete=True, total=None, **target):
    energies = np.asarray(energies, float)
    over = passes(energies.sum() if total is None else total)
    return demand(rank, **target).needed(over, energies, complete)


STEEP = 4.0 ** -np.arange(300.0)
FLAT = np.ones(300)


def test_a_steep_spectrum_needs_as_many_directions_as_the_error_says():
    # The tail after r directions is 4**-r of the energy: an error of 1e-3 needs ten of them.
    few = needed(STEEP, relative_error=1e-3, mode="factors", transform="none")
    more = needed(STEEP, relative_error=1e-5, mode="factors", transform="none")
    assert 10 <= few <= 10 + 4 + 8
    assert few + 5 <= more <= few + 10


def test_a_flat_spectrum_needs_all_of_them_for_factors_alone():
    assert needed(FLAT, relative_error=0.1, mode="factors") == 300


def test_a_rank_is_a_limit():
    assert needed(FLAT, 7, relative_error=0.1, mode="factors") == 7
    assert needed(STEEP, 7, size=5000) <= 7


def test_nothing_is_needed_of_nothing():
    assert needed(np.zeros(300), relative_error=0.1) == 0
    assert needed([0.0], total=1.0, relative_error=0.1) == 0


def test_further_directions_are_looked_for_while_they_may_pay():
    strong = np.full(20, 1.0)
    # Half of the energy is unknown: more of such directions would make the error less.
    assert needed(strong, complete=False, total=40.0, size=20000) > 20
    # Hardly any is: none is looked for.
    assert needed(strong, complete=False, total=20.0001, size=1500) == 0
    # Factors alone cannot reach the error with those known, so that there is no choice.
    asked = {"relative_error": 0.1, "mode": "factors"}
    assert needed(strong, complete=False, total=40.0, **asked) == 21


@pytest.mark.parametrize("mode", [None, "factors", "factors+residual"])
def test_the_step_is_that_of_the_better_mode(mode):
    spectrum = Spectrum(SHAPE, STEEP, float(STEEP.sum()))
    asked, over = demand(size=3000, mode=mode), passes(spectrum.total)
    bits = 8.0 * (3000 - HEADER_BYTES)
    found = [mode_predictions.factors_at_size(spectrum, bits)]
    if mode != "factors":
        found.append(mode_predictions.residual_at_size(spectrum, bits))
    assert asked.step(over, spectrum) == min(found, key=lambda one: one.squared_error).step


def test_what_is_allowed():
    assert demand(relative_error=0.5).allowed(passes(16.0)) == 4.0
    assert demand(size=99).allowed(passes(16.0)) == 0.0
    # Uniform within the bound: a third of its square in every entry, but no more than there is.
    assert demand(max_abs_error=0.01).allowed(passes(16.0)) == pytest.approx(400 * 300 * 1e-4 / 3)
    assert demand(max_abs_error=8.0).allowed(passes(16.0)) == 16.0
    scaled = passes(16.0, exponent=3)
    assert demand(max_abs_error=0.08).allowed(scaled) == pytest.approx(400 * 300 * 1e-4 / 3)


LARGE = (DIRECT_ENTRIES, 2)


@pytest.mark.parametrize(
    ("asked", "shape", "alone"),
    [
        ({"size": 1}, SHAPE, False), ({"size": 1}, LARGE, True),
        ({"max_abs_error": 1.0}, LARGE, False), ({"size": 1, "mode": "factors"}, SHAPE, True),
        ({"size": 1, "mode": "direct"}, LARGE, False),
    ],
)  # fmt: skip
def test_large_matrices_have_factors_alone(asked, shape, alone):
    assert demand(**asked).factors_alone(shape) == alone


def test_which_modes_and_transforms_are_allowed():
    assert demand(size=1).may_be_direct and demand(size=1).uses_factors
    assert not demand(3, size=1).may_be_direct
    assert not demand(size=1, mode="factors").may_be_direct
    assert not demand(size=1, mode="direct").uses_factors
    assert demand(size=1, transform="none").transforms == ()
    assert demand(3, size=1).rank == 3


def test_the_basis_of_a_matrix_that_can_have_no_residual_is_bounded():
    shape = 2**24, 2**20
    over, most = passes(1e9, shape), 2**28 // (2**24 + 2**20)
    assert demand(relative_error=0.1).needed(over, np.ones(8), False) == 9
    assert demand(relative_error=0.1).needed(over, np.ones(most + 8), False) == most
