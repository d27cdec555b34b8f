"""Scales of components: short floats, eight an octave, in two planes of bytes."""

from __future__ import annotations

import numpy as np
import rans_samples
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.model.quantizer_layout import SCALE_INDICES
from lplrcli.quantize.scales import (
    index_of,
    scale_of,
    scales_from_bytes,
    scales_to_bytes,
)


def test_scales_are_eight_an_octave_and_ascend():
    indices = np.array(SCALE_INDICES)
    scales = scale_of(indices)
    assert np.isfinite(scales).all()
    assert scales[0] == np.finfo(float).tiny
    assert (np.diff(scales) > 0).all()
    assert scale_of(np.array([0, 1, 8, -8])).tolist() == [1, 1.125, 2, 0.5]
    np.testing.assert_array_equal(index_of(scales), indices)


@given(st.floats(2.0**-1000, 2.0**1000))
@settings(deadline=None)
def test_the_index_is_of_the_nearest_scale_below(scale):
    index = int(index_of(np.array([scale]))[0])
    below, above = scale_of(np.array([index, index + 1]))
    assert below <= scale < above


@given(st.lists(st.sampled_from(SCALE_INDICES), max_size=20))
@settings(deadline=None)
def test_scales_lie_in_two_planes_of_bytes(indices):
    raw = scales_to_bytes(np.array(indices, int))
    assert raw == rans_samples.scales(indices)
    assert scales_from_bytes(raw).tolist() == indices
