"""Sizes: a larger one never leaves a larger error, and files are as large as was asked."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

import lplrcli

SIZES = (0.05, 0.08, 0.1, 0.12, 0.16, 0.2, 0.24)


def ratings(seed, rows=600, columns=300, each=12):
    """Integers from 1 to 5 at a few places of every row, nothing elsewhere."""
    draw = np.random.default_rng(seed)
    i = np.repeat(np.arange(rows), each)
    j = draw.integers(0, columns, len(i))
    values = draw.integers(1, 6, len(i))
    found = sparse.csr_matrix((values, (i, j)), shape=(rows, columns))
    found.data = np.clip(found.data, 1, 5)
    return found


def dense(seed):
    draw = np.random.default_rng(seed)
    low = draw.standard_normal((200, 9)) * 0.8 ** np.arange(9)
    return low @ draw.standard_normal((9, 120)) + 0.05 * draw.standard_normal((200, 120))


def counts(seed):
    return np.random.default_rng(seed).poisson(0.7, (250, 160)).astype(np.int16)


def field(seed):
    y, x = np.mgrid[:120, :150]
    noise = np.random.default_rng(seed).standard_normal(y.shape)
    return (np.sin(x / 13 + seed) * np.cos(y / 19) + 0.01 * noise).astype(np.float32)


def errors_at(a, sizes):
    dense_form = a.toarray() if sparse.issparse(a) else a
    found = []
    for bpc in sizes:
        compressed = lplrcli.compress(a, bpc=bpc)
        assert compressed.size.file_bytes <= bpc * dense_form.size / 8
        found.append(compressed.report.relative_frobenius_error)
    return found


@given(kind=st.sampled_from([ratings, dense, counts, field]), seed=st.integers(0, 99))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_larger_size_never_leaves_a_larger_error(kind, seed):
    sizes = [size * (1 if kind is ratings else 5) for size in SIZES]
    errors = errors_at(kind(seed), sizes)
    # Codings of few values are stairs, and the search of one size may end a stair beside another.
    slack = 1.01 if kind is ratings else 1.0
    assert all(later <= slack * sooner for sooner, later in pairwise(errors))


def test_sizes_between_those_that_a_step_gives_are_filled_by_columns_of_two_steps():
    a = ratings(0, 1000, 500, 20)
    errors = []
    for bpc in (0.08, 0.1, 0.12, 0.14):
        found = lplrcli.compress(a, bpc=bpc)
        assert found.size.file_bytes >= 0.95 * bpc * 500_000 / 8
        errors.append(found.report.relative_frobenius_error)
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.75


@pytest.mark.parametrize("bpc", [0.05, 0.1, 0.2])
def test_what_is_predicted_for_few_values_is_about_what_is_reached(bpc):
    found = lplrcli.compress(ratings(0, 1000, 500, 20), bpc=bpc)
    predicted = found.plan.predictions[found.plan.mode]
    assert predicted == pytest.approx(found.report.relative_frobenius_error, rel=0.15)
