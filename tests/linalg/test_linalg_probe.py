"""The estimator of an error: right in the mean, spread as theory has it, filled by a pass."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
import scipy.sparse as sp

from lplrcli.errors import PlanError
from lplrcli.io import open_array
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.probe import TEST_ROWS, Probe
from lplrcli.linalg.range_finder import leading_directions
from lplrcli.linalg.single_pass import single_pass_directions


def squared_error(a, found):
    return np.square(a - found.projected.astype(float) @ found.row_basis.T).sum()


def test_estimates_are_right_in_the_mean_and_spread_as_chi_squared():
    """Of an error of rank 1, the worst case: variance 2 / q of the squared error."""
    rng = np.random.default_rng(0)
    error = np.outer(rng.standard_normal(70), rng.standard_normal(9))
    ratios = []
    for seed in range(400):
        probe = Probe(seed)
        probe.product = probe.times([error], error.dtype)
        assert probe.squared_distance(probe.product) == 0
        ratios.append(probe.squared_distance(np.zeros((TEST_ROWS, 9))) / np.square(error).sum())
    spread = np.sqrt(2 / TEST_ROWS)
    assert np.mean(ratios) == pytest.approx(1, abs=4 * spread / 20)
    assert np.std(ratios) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_first_pass_fills_the_probe(single, kind):
    a = matrices.with_spectrum(300, 40, 0.8 ** np.arange(40), dtype=np.float64)
    probe = Probe(3)
    expected = probe.times([a[:100], a[100:]], a.dtype)
    given = sp.csr_array(a) if kind == "sparse" else a
    with open_array(given) as source:
        passes = Passes(source, limit=2, probe=probe)
        if single:
            found = single_pass_directions(passes, 4, sketch="gaussian", sketch_size=17, seed=3)
            ratio = found.beyond / squared_error(a, found)
            assert ratio == pytest.approx(1, abs=5 * np.sqrt(2 / TEST_ROWS))
        else:
            leading_directions(
                passes, 4, sketch="gaussian", sketch_size=8, power_iterations=1, seed=3
            )
            assert passes.count == 2
            with pytest.raises(PlanError, match="too low"):
                passes.gram()
    np.testing.assert_allclose(probe.product, expected, atol=1e-10)
