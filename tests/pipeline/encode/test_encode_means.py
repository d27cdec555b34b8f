"""A mean row or column coded: as exact as its step, under the transform that takes least."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.means import NO_MEANS, StoredMeans, encode_mean

X = np.arange(600)
SMOOTH = 5 + np.cos(X / 60) + np.sin(X / 41)
NOISE = np.random.default_rng(0).standard_normal(600)
ANY = ("dct", "cdf97", "klt")


@pytest.mark.parametrize("mean", [SMOOTH, NOISE], ids=["smooth", "noise"])
@pytest.mark.parametrize("step", [0.3, 1e-3])
def test_it_errs_by_less_than_its_step(mean, step):
    factor = encode_mean(mean, (600,), ANY, step, 1)
    assert (factor.components, factor.length) == (1, 600)
    decoded = decode_factor(factor, np.dtype(np.float64))[0]
    assert np.sqrt(np.mean((decoded - mean) ** 2)) < 0.65 * step


def test_the_transform_that_takes_least_is_taken():
    for mean, most in ((SMOOTH, 0.7), (NOISE, 1.0)):
        plain, best = (encode_mean(mean, (600,), names, 0.01, 1) for names in ((), ANY))
        assert plain.transform == "identity"
        assert StoredMeans(best).file_bytes <= most * StoredMeans(plain).file_bytes
    assert encode_mean(SMOOTH, (600,), ANY, 0.01, 1).transform in ("dct", "cdf97")


def test_the_bytes_of_means_are_those_of_their_parts():
    assert (NO_MEANS.file_bytes, NO_MEANS.row, NO_MEANS.column) == (0, None, None)
    row, column = (encode_mean(mean, (600,), (), 0.01, 1) for mean in (SMOOTH, NOISE))
    both = StoredMeans(row, column).file_bytes
    assert both == StoredMeans(row).file_bytes + StoredMeans(None, column).file_bytes
    assert sum(map(len, row.chunks)) < StoredMeans(row).file_bytes
