"""Coders of all entries: by columns for what has no neighbours, as a field for what is smooth."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.io import open_array
from lplrcli.linalg.adjustment import Means
from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.survey import entry_coders
from lplrcli.pipeline.survey.entry_coders import FIELD_TRANSFORMS, EntryCoders

NOISE = np.random.default_rng(0).standard_normal((64, 48)).astype(np.float32)
X, Y = np.ogrid[0:64, 0:48]
SMOOTH = (np.sin(X / 9) * np.cos(Y / 7) + 0.001 * NOISE).astype(np.float32)


def coders(a, transforms=None):
    return EntryCoders.of(Passes(open_array(a)), 1, transforms)


def chosen(a, transforms=None, factors=None):
    found = coders(a, transforms)
    left = np.square(a, dtype=np.float64).sum()
    return found.better(factors, float(left)).layout.transform


def test_noise_is_coded_by_columns():
    assert chosen(NOISE) == "identity"


def test_a_smooth_array_is_coded_by_wavelets():
    assert chosen(SMOOTH) in FIELD_TRANSFORMS


def test_a_field_has_the_axes_of_the_array():
    found = coders(SMOOTH.reshape(8, 8, 48).repeat(2, axis=0))
    assert found["cdf97"].layout.grid == (16, 8, 48)
    assert found["cdf97"].length == 16 * 8 * 48


def test_what_factors_leave_decides_not_the_matrix():
    one, wave = np.ones((1, 64), np.float32), np.ones((1, 48), np.float32)
    whole = NOISE + 0 * SMOOTH
    rest = whole - one.T @ wave
    found = coders(whole)
    left = float(np.square(rest, dtype=np.float64).sum())
    assert found.better((one, wave), left) is found.columns
    smooth = coders((SMOOTH + 1).astype(np.float32))
    left = float(np.square(SMOOTH, dtype=np.float64).sum())
    assert smooth.better((one, wave), left).layout.transform in FIELD_TRANSFORMS


def test_where_nothing_is_left_columns_will_do():
    found = coders(SMOOTH)
    assert found.better(None, 0.0) is found.columns


@pytest.mark.parametrize(
    ("transforms", "tried"),
    [
        (None, {"identity", *FIELD_TRANSFORMS}),
        ((), {"identity"}),
        (("klt",), {"identity"}),
        (("dct",), {"identity", "dct"}),
    ],
)
def test_only_what_is_asked_for_is_tried(transforms, tried):
    found = coders(SMOOTH, transforms)
    for name in ("identity", "dct", *FIELD_TRANSFORMS):
        if name in tried:
            assert found[name].layout.transform == name
        else:
            with pytest.raises(KeyError):
                _ = found[name]


def test_what_is_too_small_or_too_large_is_no_field(monkeypatch):
    with pytest.raises(KeyError):
        _ = coders(SMOOTH[:15, :15])["cdf97"]
    monkeypatch.setattr(entry_coders, "LARGEST_FIELD", SMOOTH.size - 1)
    assert chosen(SMOOTH) == "identity"


def test_coders_over_other_passes_keep_what_they_hold():
    found = coders(NOISE)
    sample = found.columns.sample(None)
    passes = found.columns.passes.with_means(Means(np.zeros(48, np.float32), None))
    other = found.over(passes)
    assert other.columns.passes is passes
    assert found.columns.passes is not passes
    assert other.columns.sample(None) is sample
