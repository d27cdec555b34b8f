"""Boxes of an array: which entries they hold, and what coding them takes."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.io import open_array
from lplrcli.io.handles.unfolding import UnfoldingRequest
from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.survey import field_sample
from lplrcli.pipeline.survey.field_sample import FieldSample

RNG = np.random.default_rng(0)
NUMBERED = np.arange(40 * 30 * 20, dtype=np.float32).reshape(40, 30, 20)


def sample(a, factors=None, axes=1):
    source = open_array(a, request=UnfoldingRequest(axes))
    passes = Passes(source)
    passes.scan()
    before = passes.count
    found = FieldSample(passes, factors, 1)
    assert passes.count == before + 1
    return found


@pytest.mark.parametrize("axes", [1, 2])
def test_a_small_array_is_one_box(axes):
    found = sample(NUMBERED, axes=axes)
    assert found.box == NUMBERED.shape
    assert found.entries == NUMBERED.size
    np.testing.assert_array_equal(found.matrices[0].reshape(NUMBERED.shape), NUMBERED)


@pytest.mark.parametrize("axes", [1, 2])
def test_boxes_of_a_large_array_are_parts_of_it(axes, monkeypatch):
    monkeypatch.setattr(field_sample, "_ENTRIES", 500)
    found = sample(NUMBERED, axes=axes)
    assert found.box == (8, 8, 8)
    assert len(found.matrices) == 4
    corners = []
    for matrix in found.matrices:
        box = matrix.reshape(found.box)
        place = np.unravel_index(int(box[0, 0, 0]), NUMBERED.shape)
        part = NUMBERED[tuple(slice(start, start + 8) for start in place)]
        np.testing.assert_array_equal(box, part)
        corners.append(place)
    # From all over the array, and not along one diagonal.
    for axis in range(3):
        assert len({corner[axis] for corner in corners}) == 4
    assert [corner[1] for corner in corners] != sorted(corner[1] for corner in corners)


def test_an_axis_shorter_than_the_box_is_taken_whole(monkeypatch):
    monkeypatch.setattr(field_sample, "_ENTRIES", 500)
    found = sample(NUMBERED[:, :, :3])
    assert found.box == (8, 8, 3)


def test_factors_are_subtracted():
    left, right = RNG.standard_normal((3, 40)), RNG.standard_normal((3, 25))
    a = RNG.standard_normal((40, 25))
    found = sample(a, (left, right))
    np.testing.assert_allclose(found.matrices[0], a - left.T @ right, atol=1e-12)


def test_the_error_of_rounding_and_the_order_of_the_codings():
    x, y = np.ogrid[0:64, 0:64]
    smooth = sample(np.sin(x / 11.0) + np.cos(y / 13.0))
    noise = sample(RNG.standard_normal((64, 64)))
    for step in (0.05, 0.2):
        by_columns, as_field = (smooth.coded(name, step, 3) for name in ("identity", "cdf97"))
        assert as_field[0] < by_columns[0]
        by_columns, as_field = (noise.coded(name, step, 3) for name in ("identity", "cdf97"))
        # A trellis leaves a little more than a quarter of the squared step.
        assert 0.2 < by_columns[1] / step**2 < 0.35
        assert by_columns[0] < as_field[0] + 0.3
    fine, coarse = noise.coded("identity", 0.05, 3), noise.coded("identity", 0.2, 3)
    assert fine[0] - coarse[0] == pytest.approx(2.0, abs=0.1)
