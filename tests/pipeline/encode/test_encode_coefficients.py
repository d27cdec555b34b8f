"""Coefficients to codes: how close to the rate-distortion bound, and what is told of the error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.coefficients import (
    CodedCoefficients,
    CoefficientCoder,
    code_coefficients,
    sampled,
)
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout

NORMAL = np.random.default_rng(0).standard_normal((4, 2**15))
STEPS = 2.0 ** np.linspace(-3.9, 0.25, 9)


def coded(values, step, state_bits, plain=False, indices=None, threads=1, chunk=None):
    indices = np.zeros(len(values), int) if indices is None else indices
    deviations = np.sqrt(np.mean(values.astype(np.float64) ** 2, axis=1))
    layout = Layout("identity", values.shape[1:])
    quantizer = SteppedQuantizer(step, indices)
    coder = CoefficientCoder(quantizer, deviations, state_bits, layout, plain)
    starts = range(0, values.shape[1], chunk or values.shape[1])
    length = chunk or values.shape[1]
    chunks = [np.ascontiguousarray(values[:, start : start + length]) for start in starts]
    return code_coefficients(chunks, list(sampled(chunks, layout)), coder, threads)


def rate_and_error(values, step, state_bits):
    """Bits a coefficient, tables and states included, and the mean squared error decoded."""
    found = coded(values, step, state_bits)
    factor = found.factor(1, found.length)
    size = sum(map(len, factor.chunks)) + len(factor.tables)
    error = np.mean((values - decode_factor(factor, np.dtype(np.float64))) ** 2)
    return 8 * size / values.size, float(error)


def curve(state_bits, octaves):
    points = [rate_and_error(NORMAL, 2.0**-k, state_bits) for k in octaves]
    return np.array([rate for rate, _ in points]), np.array([error for _, error in points])


@pytest.mark.parametrize("state_bits", [3, 4, 5, 6, 7, 8])
def test_the_trellis_gains_nine_tenths_of_a_decibel_at_high_rate(state_bits):
    # The scalar quantizer's error at the trellis's rate, on the line through two of its points.
    rates, errors = curve(0, (0.5, 1.5))
    rate, error = rate_and_error(NORMAL, 2.0**-2, state_bits)
    assert 2.5 < rates[0] < rate < rates[1]
    scalar = np.interp(rate, rates, np.log10(errors))
    assert 10 * (scalar - np.log10(error)) >= 0.9


@pytest.mark.parametrize("state_bits", [3, 8])
@pytest.mark.parametrize("step", STEPS)
def test_the_loss_against_the_gaussian_bound_is_at_most_a_tenth_of_a_bit(state_bits, step):
    rate, error = rate_and_error(NORMAL, step, state_bits)
    assert rate - 0.5 * np.log2(1 / error) <= 0.10


def test_these_steps_go_from_seven_tenths_of_a_bit_to_five_bits():
    finest, coarsest = (rate_and_error(NORMAL, step, 3)[0] for step in (STEPS[0], STEPS[-1]))
    assert finest > 4.9
    assert coarsest < 0.72


@pytest.mark.parametrize("state_bits", [0, 3, 5])
@pytest.mark.parametrize("step", [0.1, 1.0, 3.0])
def test_the_error_told_is_that_of_what_decodes(state_bits, step):
    values = NORMAL[:, :3000] * np.array([[5.0], [1.0], [0.3], [0.01]])
    found = coded(values, step, state_bits, indices=np.array([0, 3, -5, 8]), chunk=1000)
    factor = found.factor(2, 3000)
    decoded = decode_factor(factor, np.dtype(np.float64))
    np.testing.assert_array_equal(decoded, found.decoded(np.dtype(np.float64)))
    assert found.squared_error == pytest.approx(np.sum((values - decoded) ** 2), rel=1e-6)


@given(
    st.sampled_from([np.float32, np.float64]),
    st.floats(1e-3, 1e3),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=40)
def test_plain_rounding_is_off_by_half_a_unit_at_most(dtype, step, seed):
    values = np.random.default_rng(seed).standard_normal((5, 33)).astype(dtype)
    found = coded(values, step, 0, plain=True)
    decoded = found.decoded(np.dtype(np.float64))
    assert np.abs(values - decoded).max() <= step / 2 * (1 + 1e-6)


@pytest.mark.parametrize("state_bits", [0, 3])
def test_zeros_cost_nothing_but_the_states(state_bits):
    found = coded(np.zeros((5, 4096)), 1.0, state_bits)
    factor = found.factor(1, 4096)
    assert [len(chunk) for chunk in factor.chunks] == [16]
    assert not decode_factor(factor, np.dtype(np.float64)).any()
    assert found.squared_error == 0


def test_no_components_make_a_factor_of_none():
    factor = CodedCoefficients.empty(77).factor(1, 77)
    assert (factor.components, factor.length, list(factor.chunks)) == (0, 77, [])
    assert decode_factor(factor, np.dtype(np.float32)).shape == (0, 77)


def test_the_number_of_threads_changes_nothing():
    values = NORMAL[:, :5000] * np.exp(-np.arange(4))[:, None]
    factors = [coded(values, 0.2, 3, threads=t, chunk=640).factor(t, 5000) for t in (1, 3)]
    assert factors[0] == factors[1]
    assert len(factors[0].chunks) == 8


def test_components_of_any_deviation_are_quantized():
    # From what vanishes to what needs extra bits in every code.
    values = NORMAL[:1, :500] * 2.0 ** np.arange(-30, 25)[:, None]
    for state_bits in (0, 4):
        found = coded(values, 1.0, state_bits)
        factor = found.factor(1, 500)
        decoded = decode_factor(factor, np.dtype(np.float64))
        error = np.sqrt(np.mean((values - decoded) ** 2, axis=1))
        assert (error <= 1.01 * np.minimum(1.0, np.sqrt(np.mean(values**2, axis=1)))).all()
