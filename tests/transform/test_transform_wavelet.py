"""The wavelet transform: perfect reconstruction, the right filters, nearly orthonormal."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pywt

from lplrcli.kernels.lifting import split_lines
from lplrcli.transform import tensor_wavelet, wavelet


@pytest.mark.parametrize("length", range(1, 41))
def test_every_length_comes_back(length):
    factor = np.random.default_rng(length).standard_normal((2, length))
    found = wavelet.inverse(wavelet.forward(factor, (length,)), (length,))
    np.testing.assert_allclose(found, factor, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 21, 64])
@pytest.mark.parametrize("columns", [1, 2, 8, 15, 33])
@pytest.mark.parametrize("planes", [(), (1,), (11,)])
@pytest.mark.parametrize("transform", [wavelet, tensor_wavelet])
def test_every_grid_comes_back(rows, columns, planes, transform):
    grid = (*planes, rows, columns)
    factor = np.random.default_rng(0).standard_normal((2, math.prod(grid)))
    found = transform.inverse(transform.forward(factor, grid), grid)
    np.testing.assert_allclose(found, factor, atol=1e-12)


@pytest.mark.parametrize("grid", [(7,), (3, 7), (1, 1)])
def test_short_axes_are_left_alone(grid):
    factor = np.random.default_rng(0).standard_normal((2, math.prod(grid)))
    np.testing.assert_array_equal(wavelet.forward(factor, grid), factor)


def ours_once(line):
    """Low and high part after one level."""
    parts = line.copy()
    split_lines(parts, np.zeros(1, np.int64), 1, len(line), wavelet.FACTORS, wavelet.GAINS[0])
    middle = -(-len(line) // 2)
    return parts[:middle], parts[middle:]


def matched(ours, theirs):
    """Whether one run is, somewhere, the other times one factor; compares interiors."""
    run = ours[10:-10]
    starts = range(len(theirs) - len(run) + 1)
    return any(
        np.allclose(theirs[s : s + len(run)] * (run[0] / theirs[s]), run, atol=1e-9) for s in starts
    )


def test_low_and_high_parts_are_those_of_the_biorthogonal_wavelet_4_4():
    line = np.random.default_rng(0).standard_normal(120)
    for ours, theirs in zip(ours_once(line), pywt.dwt(line, "bior4.4"), strict=True):
        assert matched(ours, theirs)


@pytest.mark.parametrize("grid", [(64,), (200,), (16, 24), (33, 20)])
@pytest.mark.parametrize("transform", [wavelet, tensor_wavelet])
def test_the_inverse_nearly_keeps_the_norm_of_white_noise(grid, transform):
    noise = np.random.default_rng(0).standard_normal((200, math.prod(grid)))
    squares = np.square(transform.inverse(noise, grid)).mean()
    assert squares == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("length", [64, 200, 256])
def test_single_coefficients_nearly_have_the_norm_of_what_they_make(length):
    norms = np.linalg.norm(wavelet.inverse(np.eye(length), (length,)), axis=1)
    # But for the few of the coarsest levels, those at the ends above all.
    assert np.mean(np.abs(norms - 1) < 0.15) > 0.93
    assert (np.abs(norms - 1) < 0.4).all()


def test_polynomials_leave_nothing_in_the_high_parts():
    line = np.polynomial.polynomial.polyval(np.linspace(-1, 1, 100), [1, -2, 0.5, 3])
    _, high = ours_once(line)
    np.testing.assert_allclose(high[4:-4], 0, atol=1e-9)
