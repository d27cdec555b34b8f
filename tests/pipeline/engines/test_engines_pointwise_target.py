"""The largest error is kept in every entry of what decodes."""

from __future__ import annotations

import matrices
import numpy as np
import pytest
from any_matrix import EXPONENTS, any_matrix, reopened
from hypothesis import assume, given, settings

import lplrcli


@pytest.mark.usefixtures("few_states")
@given(a=any_matrix(), exponent=EXPONENTS)
@settings(deadline=None, max_examples=12)
def test_the_largest_error_is_kept_on_the_decoded_file(a, exponent, tmp_path_factory):
    wide = a.astype(np.float64)
    largest = float(np.abs(wide).max())
    goal = 10.0**exponent * largest
    assume(goal > 0)
    found = lplrcli.compress(a, max_abs_error=goal)
    decoded = reopened(found, tmp_path_factory.getbasetemp())
    assert np.abs(wide - decoded.astype(np.float64)).max() <= goal
    assert found.report.max_abs_error <= goal


@pytest.mark.parametrize("mode", [None, "factors+residual", "direct"])
def test_largest_errors_are_kept_in_every_mode(mode):
    a = matrices.low_rank(300, 200, 5, noise=0.05)
    goal = 0.01 * float(np.abs(a).max())
    found = lplrcli.compress(a, max_abs_error=goal, mode=mode)
    assert found.plan.mode == (mode or "factors+residual")
    assert 0.9 * goal <= np.abs(a - np.asarray(found)).max() <= goal
