"""What factors leave: its chunks, samples and deviations, and the error of what is coded."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.io import open_array
from lplrcli.linalg.adjustment import Means
from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode import residual
from lplrcli.pipeline.encode.residual import ResidualCoder, chunk_rows

RNG = np.random.default_rng(0)
A = RNG.standard_normal((700, 30))
FACTORS = RNG.standard_normal((2, 700)), RNG.standard_normal((2, 30))
LEFT = A - FACTORS[0].T @ FACTORS[1]
WIDE = np.dtype(np.float64)


def coder(a=A, transform="identity", threads=1):
    passes = Passes(open_array(a))
    passes.scan()
    return ResidualCoder(passes, threads, transform)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 64 rows."""
    monkeypatch.setattr(residual, "_CHUNK", 1)
    monkeypatch.setattr(residual, "_LARGE_CHUNK", 1)
    monkeypatch.setattr(residual, "_LEAST_ROWS", 64)


@pytest.mark.parametrize(
    ("shape", "rows"),
    [((10, 5), 16), ((5000, 100), 2624), ((5000, 5000), 256), ((10**6, 100), 10488)],
)
def test_rows_of_a_chunk(shape, rows):
    assert chunk_rows(shape) == rows


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("factors", [None, FACTORS])
@pytest.mark.parametrize("held", [True, False])
def test_chunks_are_the_columns_of_what_is_left(factors, held, monkeypatch):
    if not held:
        monkeypatch.setattr(residual, "_HELD", 0)
    found = coder()
    chunks = list(found.chunks(factors))
    assert [chunk.shape for chunk in chunks] == [(30, 64)] * 10 + [(30, 60)]
    whole = A if factors is None else LEFT
    np.testing.assert_allclose(np.concatenate(chunks, axis=1).T, whole, atol=1e-12)
    before = found.passes.count
    list(found.chunks(factors))
    assert found.passes.count == before + (0 if held else 1)


def test_deviations_are_those_of_the_columns():
    found = coder().deviations(FACTORS)
    np.testing.assert_allclose(found, np.sqrt(np.mean(LEFT**2, axis=0)), rtol=1e-9)


def test_a_matrix_too_large_to_be_held_is_sampled_all_over(monkeypatch):
    monkeypatch.setattr(residual, "_HELD", 0)
    sample = coder().sample(None)
    assert all(part.shape[0] == 30 for part in sample)
    np.testing.assert_allclose(coder().deviations(None), 1.0, atol=0.3)


@pytest.mark.parametrize("transform", ["identity", "cdf97"])
@pytest.mark.parametrize("state_bits", [0, 3])
def test_the_error_told_is_that_of_what_decodes(transform, state_bits):
    found = coder(transform=transform)
    coded = found.code(0.3, state_bits, FACTORS)
    decoded = decode_factor(coded.factor(1, found.length), WIDE)
    decoded = decoded.T if transform == "identity" else decoded.reshape(LEFT.shape)
    assert coded.squared_error == pytest.approx(np.square(LEFT - decoded).sum(), rel=1e-4)


@pytest.mark.parametrize("step", [0.01, 1.0])
def test_plain_codes_are_off_by_half_a_step_at_most(step):
    coded = coder().code(step, 0, FACTORS, plain=True)
    assert np.abs(coded.decoded(WIDE).T - LEFT).max() <= step / 2 * (1 + 1e-9)


@pytest.mark.parametrize("transform", ["identity", "cdf97-tensor"])
def test_a_sample_tells_what_all_of_it_takes(transform):
    found = coder(transform=transform)
    rate, error = found.code_sample(0.3, 3, None)
    coded = found.code(0.3, 3, None)
    assert rate == pytest.approx(coded.token_bits() / A.size, rel=0.03)
    assert error == pytest.approx(coded.squared_error / A.size, rel=0.03)


def test_a_field_is_coded_once_for_one_step():
    found = coder(transform="cdf97")
    first = found.code(0.3, 3, None)
    assert found.code(0.3, 3, None) is first
    assert found.code(0.2, 3, None) is not first


def test_steps_too_fine_for_the_codes_are_coarser_unless_they_are_plain():
    found = coder()
    finest = np.abs(A).max() / 2**28
    assert found.code(1e-30, 0, None).quantizer.step == pytest.approx(finest)
    assert found.code(1e-3, 0, None, plain=True).quantizer.step == 1e-3


@pytest.mark.usefixtures("small_chunks")
def test_threads_change_nothing():
    one, many = (coder(threads=threads).code(0.3, 3, FACTORS) for threads in (1, 3))
    assert one.factor(1, 700) == many.factor(3, 700)


def test_over_other_passes_it_holds_what_it_held():
    found = coder()
    first = found.sample(None)
    passes = found.passes.with_means(Means(np.zeros(30), None))
    other = found.over(passes)
    assert other.passes is passes and found.passes is not passes
    assert other.sample(None) is first
    assert passes.count == found.passes.count
