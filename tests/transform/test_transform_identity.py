"""The transform that changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.transform import identity


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_entries_are_their_own_coefficients(dtype):
    factor = np.random.default_rng(0).standard_normal((2, 12)).astype(dtype)
    assert identity.forward(factor, (3, 4)) is factor
    assert identity.inverse(factor, (3, 4)) is factor
