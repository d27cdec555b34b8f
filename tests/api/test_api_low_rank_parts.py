"""L, R, means and singular vectors make up what decodes."""

from __future__ import annotations

import matrices
import numpy as np
import pytest

import lplrcli

A = matrices.exponential(90, 50, dtype=np.float64) + 2


@pytest.mark.parametrize("cache_bytes", [0, 2**29])
@pytest.mark.parametrize("center", ["none", "mean-row", "mean-column", "both"])
def test_factors_and_means_add_up_to_the_matrix(center, cache_bytes):
    c = lplrcli.compress(A * 1e200, 12, bpc=5, mode="factors", center=center)
    c.cache_bytes = cache_bytes
    total = np.ldexp(c.left @ c.right, c.plan.exponent)
    if c.mean_row is not None:
        total = total + c.mean_row
    if c.mean_column is not None:
        total = total + c.mean_column[:, None]
    scale = np.abs(np.asarray(c)).max()
    np.testing.assert_allclose(total / scale, np.asarray(c) / scale, atol=1e-12)
    stored = {"none": (False, False), "mean-row": (True, False), "mean-column": (False, True)}
    assert (c.mean_row is not None, c.mean_column is not None) == stored.get(center, (True, True))


def test_what_is_shared_cannot_be_changed_by_accident():
    c = lplrcli.compress(A, 12, bpc=5, mode="factors")
    with pytest.raises(ValueError, match="read-only"):
        c.left[0] = 0
    modes = c.modes(2)
    modes[:] = 0  # a copy
    assert c.modes(2).any()
    np.testing.assert_allclose(
        np.ldexp(c.left @ c.right, c.plan.exponent), c.modes() @ c.coefficients(), atol=1e-10
    )
