"""Errors down to the rounding of float64: kept, in files that grow as errors fall."""

import numpy as np
import pytest

import lplrcli
from lplrcli.errors import TargetUnreachableError

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
        sizes.append(found.size.file_bytes)
    assert sizes == sorted(sizes)


def test_what_a_refusal_names_as_the_least_error_can_be_asked_for():
    a = noise()
    with pytest.raises(TargetUnreachableError) as caught:
        lplrcli.compress(a, rel_error=1e-17)
    least = float(str(caught.value.expected).split()[0])
    assert 1e-17 < least < 1e-14
    found = lplrcli.compress(a, rel_error=least)
    assert found.report.relative_frobenius_error <= least
