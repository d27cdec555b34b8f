"""Relative errors are kept on what decodes, in files that are no larger than need be."""

from __future__ import annotations

import matrices
import naive
import numpy as np
import pytest
from any_matrix import EXPONENTS, MODES, any_matrix, distances, reopened
from hypothesis import given, settings
from ml_dtypes import bfloat16

import lplrcli
from lplrcli.errors import TargetUnreachableError


@pytest.mark.usefixtures("few_states")
@given(a=any_matrix(), exponent=EXPONENTS)
@settings(deadline=None, max_examples=12)
def test_a_relative_error_is_kept_on_the_decoded_file(a, exponent, tmp_path_factory):
    goal = 10.0**exponent
    found = lplrcli.compress(a, rel_error=goal)
    decoded = reopened(found, tmp_path_factory.getbasetemp())
    assert decoded.dtype == a.dtype
    error, _ = distances(a, decoded)
    assert error <= goal * (1 + 1e-9)
    assert found.report.relative_frobenius_error <= goal


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("goal", [0.3, 0.01, 1e-4])
def test_errors_are_kept_in_every_mode(mode, goal):
    a = matrices.exponential(90, 60, dtype=np.float64)
    found = lplrcli.compress(a, rel_error=goal, mode=mode)
    assert found.plan.mode == mode
    assert 0.9 * goal <= naive.relative_error(a, np.asarray(found)) <= goal


@pytest.mark.usefixtures("few_states")
def test_a_smaller_error_takes_more_bytes():
    a = matrices.harmonic(100, 80)
    sizes = [
        lplrcli.compress(a, rel_error=e).size_report.file_bytes for e in (0.3, 0.1, 0.03, 0.01)
    ]
    assert sizes == sorted(sizes)


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("goal", [1e-8, 1e-13, 1e-300])
def test_errors_at_the_end_of_float64_are_kept_or_refused_in_words(mode, goal):
    # Codes have 29 bits: what is beyond them must not wrap.
    generator = np.random.default_rng(0)
    a = generator.standard_normal((40, 4)) @ generator.standard_normal((4, 30))
    for name in ("rel_error", "max_abs_error"):
        if (name, mode) == ("max_abs_error", "factors"):
            continue
        try:
            found = lplrcli.compress(a, mode=mode, **{name: goal})
        except TargetUnreachableError as refusal:
            assert f"{goal:g}" in str(refusal)
        else:
            error, _ = distances(a, np.asarray(found))
            largest = np.abs(a - np.asarray(found)).max()
            assert (error if name == "rel_error" else largest) <= goal


@pytest.mark.parametrize("goal", [1e-3, 1e-8])
def test_narrow_types_are_rounded_once_so_that_small_errors_are_zero(goal):
    a = np.random.default_rng(0).standard_normal((30, 20)).astype(bfloat16)
    found = lplrcli.compress(a, rel_error=goal)
    assert distances(a, np.asarray(found))[0] <= goal


def test_a_rank_that_allows_no_such_error_is_refused_with_what_it_allows():
    values = 1.0 / np.arange(1, 81)
    a = matrices.with_spectrum(120, 80, values, dtype=np.float64)
    with pytest.raises(TargetUnreachableError) as caught:
        lplrcli.compress(a, rel_error=0.01, rank=10, mode="factors")
    reached = float(str(caught.value.expected).split()[0])
    assert reached == pytest.approx(matrices.tail_error(values, 10), rel=0.2)


ERRORS = (0.5, 1e-1, 1e-2, 1e-4, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12)


def toeplitz(n=120):
    i = np.arange(float(n))
    return 1 / (1 + abs(i[:, None] - i))


def cauchy():
    return 1 / (np.arange(80.0)[:, None] + np.linspace(0.5, 60, 64))


def hilbert():
    i = np.arange(1.0, 61.0)
    return 1 / (i[:, None] + i - 1)


def field():
    y, x = np.mgrid[:64, :90]
    return np.sin(x / 17) * np.cos(y / 11) + 0.3 * np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 300)


def noise():
    return np.random.default_rng(0).standard_normal((90, 60))


@pytest.mark.parametrize("matrix", [toeplitz, cauchy, hilbert, field, noise])
def test_every_error_down_to_rounding_is_kept_and_a_smaller_one_takes_no_fewer_bytes(matrix):
    a, sizes = matrix(), []
    for error in ERRORS:
        found = lplrcli.compress(a, rel_error=error)
        assert np.linalg.norm(np.asarray(found) - a) <= error * np.linalg.norm(a)
        sizes.append(found.size_report.file_bytes)
    assert sizes == sorted(sizes)


def test_what_a_refusal_names_as_the_least_error_can_be_asked_for():
    a = noise()
    with pytest.raises(TargetUnreachableError) as caught:
        lplrcli.compress(a, rel_error=1e-17)
    least = float(str(caught.value.expected).split()[0])
    assert 1e-17 < least < 1e-14
    found = lplrcli.compress(a, rel_error=least)
    assert found.report.relative_frobenius_error <= least
