"""Which transform each factor gets: one that pays, and none for what is not smooth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dct

from lplrcli.pipeline.survey.transform_choice import AUTOMATIC, candidates, chosen_layouts
from lplrcli.planning.spectrum import Spectrum

STEP = 0.01


def waves(length, count=4):
    """Slow orthonormal waves: the first vectors of a cosine basis."""
    return dct(np.eye(length), norm="ortho", axis=0)[:count]


def noise(length, count=4, seed=0):
    generator = np.random.default_rng(seed)
    return np.linalg.qr(generator.standard_normal((length, count)))[0].T


def chosen(left, right, grids=None, transforms=("dct", "cdf97"), step=STEP):
    values = 2.0 ** -np.arange(len(left))[:, None]
    shape = left.shape[1], right.shape[1]
    spectrum = Spectrum(shape, (values[:, 0] ** 2).copy(), float((values**2).sum()))
    grids = grids or [(extent,) for extent in shape]
    sides = values * left, values * right
    return chosen_layouts(spectrum, sides, grids, transforms, lambda _: step)


@pytest.mark.parametrize(
    ("asked", "tried"), [(None, AUTOMATIC), ("none", ()), ("dct", ("dct",)), ("klt", ("klt",))]
)
def test_what_is_tried_is_what_was_asked(asked, tried):
    assert candidates(asked) == tried


def test_waves_are_transformed_and_noise_is_not():
    layouts, bands = chosen(waves(256), noise(256))
    assert [layout.transform for layout in layouts] == ["dct", "identity"]
    assert bands[0] is not None and bands[1] is None
    layouts, _ = chosen(noise(256), waves(256))
    assert [layout.transform for layout in layouts] == ["identity", "dct"]


def test_bands_say_where_the_energy_lies():
    bands = chosen(waves(256), noise(256))[1][0]
    assert bands.counts.sum() == pytest.approx(256)
    np.testing.assert_allclose(bands.shares.sum(axis=1), 1)
    # Four of 256 frequencies hold everything.
    held = np.cumsum(bands.shares.mean(axis=0)) > 0.999
    assert np.cumsum(bands.counts)[held.argmax()] < 32


def test_without_transforms_nothing_is_transformed():
    layouts, bands = chosen(waves(256), waves(256), transforms=())
    assert [layout.transform for layout in layouts] == ["identity"] * 2
    assert bands == (None, None)


def test_layouts_have_the_grids_given():
    grids = [(16, 16), (8, 32)]
    for transforms in ((), ("dct",)):
        layouts, _ = chosen(waves(256), waves(256), grids, transforms)
        assert [layout.grid for layout in layouts] == grids


def test_products_of_few_curves_have_bases_of_their_own():
    """Smooth along no axis, but of rank one along each."""
    rng = np.random.default_rng(0)
    left = np.outer(rng.standard_normal(32), rng.standard_normal(32)).reshape(1, -1)
    left = left / np.linalg.norm(left)
    layouts, _ = chosen(left, noise(256, 1), [(32, 32), (256,)], ("dct", "klt"), 1e-3)
    assert [layout.transform for layout in layouts] == ["klt", "identity"]
    assert len(layouts[0].bases) == 2
