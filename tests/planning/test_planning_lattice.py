"""Which matrices are multiples of one number: found with the step, or left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

from lplrcli.planning.lattice import lattice_step, on_lattice

TESTDATA = Path(__file__).parents[2] / "testdata"
GENERATOR = np.random.default_rng(0)
SMALL = GENERATOR.integers(-40, 41, 500)

# What the entries are, and the largest step of which they are multiples.
LATTICES = {
    "integers": (SMALL, 1),
    "even integers": (2 * SMALL, 2),
    "large integers": (GENERATOR.integers(0, 10**8, 500), 1),
    "very many integers": (GENERATOR.integers(-(10**8), 10**8, 10**5), 1),
    "very many integers as floats": (np.arange(0, 10**7, 100).astype(np.float32) + 1, 1),
    "bytes": (GENERATOR.integers(0, 256, 500, np.uint8), 1),
    "bool": (GENERATOR.random(500) < 0.5, 1),
    "one hot": (np.eye(20, dtype=np.float32).ravel(), 1),
    "a pattern of one value": (0.3 * (GENERATOR.random(500) < 0.1), 0.3),
    "integers as floats": (SMALL.astype(np.float32), 1),
    "halves": (SMALL / 2, 0.5),
    "ratings": (GENERATOR.integers(1, 11, 500) / 2, 0.5),
    "float32 image": (GENERATOR.integers(0, 256, 500).astype(np.float32) / 255, 1 / 255),
    "float16 eighths": ((SMALL / 8).astype(np.float16), 0.125),
    "bfloat16 integers": (SMALL.astype(bfloat16), 1),
    "one decimal": (np.array([0.5, 0.1, 0.2]), 0.1),
    "two decimals in float32": ((SMALL / 100).astype(np.float32), 0.01),
    "tiny": (SMALL * 2.0**-900, 2.0**-900),
    "huge": (SMALL * 2.0**900, 2.0**900),
}


@pytest.mark.parametrize("name", LATTICES)
def test_the_step_of_a_lattice_is_found(name):
    entries, step = LATTICES[name]
    found = lattice_step(entries)
    assert found == pytest.approx(step, rel=1e-6)
    assert on_lattice(entries, found)


def test_the_camera_image_is_a_lattice():
    image = np.load(TESTDATA / "img_camera.npy")
    assert lattice_step(image.ravel()) == pytest.approx(1 / 255, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_random_floats_are_none(dtype, scale):
    assert lattice_step((scale * GENERATOR.standard_normal(3000)).astype(dtype)) is None


@pytest.mark.parametrize("divisor", [255, 100, 10**4])
def test_float64_fractions_are_none(divisor):
    # The nearest number to 3/10 is not the product of 3 and the nearest number to 1/10, and
    # what decodes is that product.
    entries = np.arange(1, 1000) / divisor
    assert lattice_step(entries) is None
    assert not on_lattice(entries, 1 / divisor)


def test_integers_that_codes_cannot_hold_are_none():
    assert lattice_step(np.array([1, 2**28 - 1])) == 1
    assert lattice_step(np.array([1, 2**28])) is None
    assert lattice_step(np.array([1, 2**62 + 1], np.uint64)) is None


def test_embeddings_are_none():
    assert lattice_step(np.load(TESTDATA / "embeddings.npy")[:10].ravel()) is None


@pytest.mark.parametrize("dtype", [np.float32, np.int8, bool])
def test_zeros_are_none(dtype):
    assert lattice_step(np.zeros(9, dtype)) is None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
@settings(deadline=None)
def test_a_step_that_is_found_restores_every_entry(entries):
    entries = np.array(entries)
    step = lattice_step(entries)
    if step is not None:
        multiples = np.rint(entries / step)
        np.testing.assert_array_equal(multiples * step, entries)
        assert np.abs(multiples).max() < 2**24


@given(
    st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=30).filter(any),
    st.sampled_from([1.0, 0.5, 0.125, 3.0, 2.0**-30]),
)
@settings(deadline=None)
def test_multiples_of_a_number_are_recognised(multiples, unit):
    # Whether with the largest step or with a part of it.
    assert lattice_step(np.array([*multiples, 1]) * unit) is not None


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=6).filter(any))
@settings(deadline=None)
def test_integers_are_restored_by_rounding(entries):
    # As they are decoded: 5 times 100/12 is 42, not 41.
    entries = np.array(entries, np.int8)
    step = lattice_step(entries)
    np.testing.assert_array_equal(np.rint(np.rint(entries / step) * step), entries)


def test_one_entry_beside_the_lattice_is_seen():
    entries = SMALL.astype(np.float64)
    assert on_lattice(entries, 1.0)
    entries[7] += 1e-9
    assert not on_lattice(entries, 1.0)
