"""Rates and prices of a factor, and the integers chosen by them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lplrcli.coding.code_prices import SCALAR_PRICE, TRELLIS_PRICE
from lplrcli.pipeline.encode.coefficient_coder import CoefficientCoder
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout

VALUES = np.random.default_rng(0).standard_normal((3, 4096)) * np.array([[4.0], [1.0], [1.01]])
LAYOUT = Layout("identity", (4096,))


def coder(step=0.5, state_bits=0, plain=False, layout=LAYOUT):
    deviations = np.sqrt(np.mean(VALUES**2, axis=1))
    quantizer = SteppedQuantizer(step, np.zeros(3, np.int64))
    return CoefficientCoder(quantizer, deviations, state_bits, layout, plain)


@pytest.mark.parametrize("step", [0.01, 0.5, 30.0])
def test_plain_rounding_is_to_the_nearest(step):
    np.testing.assert_array_equal(coder(step, plain=True).quantize(VALUES), np.rint(VALUES / step))


def test_bits_that_cost_are_saved():
    """Codes chosen by their price are smaller, and never further than a unit."""
    plain, priced = coder(plain=True).quantize(VALUES), coder().quantize(VALUES)
    assert np.abs(priced).sum() < np.abs(plain).sum()
    assert (np.abs(priced) <= np.abs(plain)).all()
    assert np.abs(priced - plain).max() <= 1


def test_components_of_like_deviation_share_their_rates():
    classes = coder().classes
    assert classes[1] == classes[2] != classes[0]


def test_the_rate_learnt_is_the_entropy_of_the_codes():
    found = coder(0.5)
    assert found.rate == math.inf
    codes = found.quantize(VALUES)
    found.learn([VALUES], 1)
    entropy = 0.0
    for members in ([0], [1, 2]):
        shares = np.unique(codes[members], return_counts=True)[1] / codes[members].size
        entropy -= len(members) / 3 * np.sum(shares * np.log2(shares))
    assert found.rate == pytest.approx(entropy, rel=0.03)


def test_a_scalar_quantizer_of_equal_worth():
    found = coder(0.5, state_bits=5)
    scalar = found.scalar()
    assert (scalar.state_bits, scalar.layout) == (0, found.layout)
    ratio = scalar.quantizer.step / found.quantizer.step
    assert ratio == pytest.approx(math.sqrt(TRELLIS_PRICE / SCALAR_PRICE))


@pytest.mark.parametrize("state_bits", [3, 8])
def test_a_trellis_errs_less_than_its_step(state_bits):
    found = coder(0.5, state_bits)
    codes = found.quantize(VALUES)
    error = np.mean((VALUES - 0.5 * codes) ** 2)
    assert error < 0.3 * 0.5**2
    np.testing.assert_array_equal(codes, coder(0.5, state_bits).quantize(VALUES, threads=3))


def test_offsets_are_those_of_the_cells():
    found = coder(0.5)
    codes = found.quantize(VALUES)
    off = (VALUES / 0.5 - codes) * np.sign(codes)
    cells = [np.abs(codes) == 1, np.abs(codes) == 2, np.abs(codes) > 2]
    expected = [0.25 * cell.sum() for cell in cells]
    expected += [0.25 * off[cell].sum() for cell in cells]
    expected.append(np.square(VALUES - 0.5 * codes).sum())
    np.testing.assert_allclose(found.offsets(VALUES, codes), expected, rtol=1e-9)


def test_coefficients_of_a_field_have_rates_by_those_around():
    field = coder(layout=Layout("dct", (64, 64)))
    assert set(field.classes) == {0}
    levels = field._levels(VALUES)
    assert len(np.unique(levels)) > 3
