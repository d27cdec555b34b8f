"""Sizes are upper bounds and are filled; what cannot be as small is refused."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import matrices
import naive
import numpy as np
import pytest
from any_matrix import MODES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import TargetUnreachableError

TESTDATA = Path(__file__).parents[3] / "testdata"


GRANULE = 64
"""A file grows in steps of this many bytes."""


SIZED = {
    "exponential": lambda: matrices.exponential(400, 300),
    "harmonic, wide": lambda: matrices.harmonic(200, 300, dtype=np.float64),
    "white": lambda: np.random.default_rng(0).standard_normal((350, 250)).astype(np.float32),
    "low rank and noise": lambda: matrices.low_rank(1000, 200, 20),
    "photograph": lambda: np.load(TESTDATA / "img_camera.npy")[100:400, 50:250],
    "embeddings": lambda: np.load(TESTDATA / "embeddings.npy")[:500],
    "attention weights": lambda: np.load(TESTDATA / "minilm_l0_attn_q.npy")[:300, :200],
}


def file_bytes(compressed):
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return stream.getvalue()


@pytest.fixture(scope="module")
def sized():
    """Matrices, made when first asked for."""
    made = {}
    return lambda name: made.setdefault(name, SIZED[name]())


@pytest.mark.parametrize(
    ("name", "bpc"), list(zip(SIZED, (0.5, 2, 2, 0.5, 0.5, 2, 0.5), strict=True))
)
def test_a_size_is_an_upper_bound_and_is_filled(name, bpc, sized, tmp_path):
    a = sized(name)
    allowed = int(bpc * a.size / 8)
    found = lplrcli.compress(a, bpc=bpc)
    found.save(tmp_path / "a.lplr")
    size = (tmp_path / "a.lplr").stat().st_size
    assert size <= allowed
    # A smaller file may have a smaller error: the least error is taken, not the fullest file.
    assert size >= min(0.97 * allowed, allowed - GRANULE)
    error = naive.relative_error(a, np.asarray(found))
    assert found.report.relative_frobenius_error == pytest.approx(error, rel=1e-5)
    assert error < 1


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("name", ["exponential", "photograph"])
def test_more_bytes_mean_less_error(name, sized):
    a = sized(name)
    errors = [
        lplrcli.compress(a, size=size).report.relative_frobenius_error
        for size in (2500, 5000, 10000)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.7 * errors[0]


@pytest.mark.usefixtures("few_states")
def test_ratio_size_and_bpc_are_the_same_thing(sized):
    a = sized("exponential")
    files = {
        "ratio": lplrcli.compress(a, ratio=16),
        "bpc": lplrcli.compress(a, bpc=2),
        "size": lplrcli.compress(a, size=a.size // 4),
    }
    assert len({file_bytes(found) for found in files.values()}) == 1


def test_a_size_that_holds_all_of_it_gives_a_lossless_file(sized):
    a = sized("photograph")
    found = lplrcli.compress(a, bpc=8)
    assert found.report.relative_frobenius_error == 0
    np.testing.assert_array_equal(np.asarray(found), a)
    assert found.size_report.bits_per_coordinate < 8


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("size", [1, 300])
def test_a_size_below_the_smallest_file_is_refused_and_names_that(mode, size):
    a = matrices.exponential(30, 20)
    with pytest.raises(TargetUnreachableError, match=r"\d+ bytes or more") as caught:
        lplrcli.compress(a, size=size, mode=mode)
    smallest = int(str(caught.value.expected).split()[0])
    found = lplrcli.compress(a, size=smallest, mode=mode)
    assert size < found.size_report.file_bytes <= smallest


@pytest.mark.usefixtures("few_states")
def test_the_name_of_a_matrix_counts():
    # What the file is made of, not only what is coded.
    for size in (1400, 1449, 1500):
        assert lplrcli.compress(matrices.harmonic(60, 50), size=size).size_report.file_bytes <= size


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("size", [1200, 2500, 9000])
@pytest.mark.parametrize("mode", MODES)
def test_sizes_are_kept_and_filled_in_every_mode(mode, size):
    a = matrices.low_rank(120, 80, 6, noise=0.2, dtype=np.float64)
    found = lplrcli.compress(a, size=size, mode=mode)
    written = len(file_bytes(found))
    assert written == found.size_report.file_bytes
    assert 0.5 * size <= written <= size
    assert written >= min(0.984 * size, size - GRANULE) or size == 1200
    assert found.plan.mode == mode
    error = naive.relative_error(a, np.asarray(found))
    assert found.report.relative_frobenius_error == pytest.approx(error, rel=1e-6)


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
        assert compressed.size_report.file_bytes <= bpc * dense_form.size / 8
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
        assert found.size_report.file_bytes >= 0.95 * bpc * 500_000 / 8
        errors.append(found.report.relative_frobenius_error)
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.75


@pytest.mark.parametrize("bpc", [0.05, 0.1, 0.2])
def test_what_is_predicted_for_few_values_is_about_what_is_reached(bpc):
    found = lplrcli.compress(ratings(0, 1000, 500, 20), bpc=bpc)
    predicted = found.plan.predictions[found.plan.mode]
    assert predicted == pytest.approx(found.report.relative_frobenius_error, rel=0.15)
