"""Both factors at one step: the error told is that of the product, and steps trade it for bits."""

from __future__ import annotations

import matrices
import numpy as np
import pytest

from lplrcli.io import open_array
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.range_finder import leading_directions
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.factors import FactorCoder, coded_components
from lplrcli.transform.component_layout import Layout

A = matrices.exponential(120, 90, dtype=np.float64)
TOTAL = float(np.square(A).sum())
PLAIN = Layout("identity", (120,)), Layout("identity", (90,))
WIDE = np.dtype(np.float64)


def coder(rank=None, layouts=PLAIN, threads=1, known=90):
    passes = Passes(open_array(A))
    passes.scan()
    found = leading_directions(
        passes, known, sketch="gaussian", sketch_size=known, power_iterations=1, seed=0
    )
    return FactorCoder(found, TOTAL, rank, layouts, threads)


STEPS = [0.3, 0.1, 0.02, 0.004]


@pytest.mark.parametrize("known", [90, 12])
@pytest.mark.parametrize("step", STEPS)
def test_the_error_told_is_that_of_the_product(step, known):
    found = coder(known=known).code(step, 3)
    left, right = found.values
    # What A and the noise of R have beyond the basis is taken for orthogonal.
    exact = 1e-6 if known == 90 else 1e-3
    assert found.squared_error == pytest.approx(np.square(A - left.T @ right).sum(), rel=exact)


@pytest.mark.parametrize("step", STEPS)
def test_a_file_decodes_to_the_values_told(step):
    found = coder().code(step, 3)
    for factor, values in zip(found.encoded(2), found.values, strict=True):
        np.testing.assert_array_equal(decode_factor(factor, WIDE), values)


def test_finer_steps_err_less_and_take_more():
    found = [coder().code(step, 3) for step in STEPS]
    errors = [one.squared_error for one in found]
    sizes = [sum(map(len, [*one.encoded(1)[0].chunks, *one.encoded(1)[1].chunks])) for one in found]
    assert errors == sorted(errors, reverse=True)
    assert sizes == sorted(sizes)
    ranks = [len(one.left_values) for one in found]
    assert ranks == sorted(ranks)


def test_a_rank_is_a_limit():
    for rank in (1, 7):
        assert len(coder(rank).code(0.004, 3).left_values) == rank
    best = matrices.tail_error(np.exp(-np.arange(90) / 50), 7) ** 2 * TOTAL
    found = coder(7).code(1e-5, 3).squared_error
    assert best * (1 - 1e-9) <= found <= 1.001 * best


def test_nothing_is_left_of_what_is_below_the_step():
    found = coder().code(1e3, 3)
    left, right = found.encoded(1)
    assert found.squared_error == TOTAL
    assert (left.components, left.length, right.components, right.length) == (0, 120, 0, 90)


def test_components_are_never_zero():
    for step in np.geomspace(0.4, 0.05, 7):
        found = coder().code(float(step), 3)
        for values in found.values:
            assert values.any(axis=1).all()


def test_threads_change_nothing():
    one, many = (coder(threads=threads).code(0.02, 3) for threads in (1, 3))
    assert one.encoded(1) == many.encoded(3)


@pytest.mark.parametrize("transform", ["identity", "dct", "klt"])
def test_components_are_transformed_and_come_back(transform):
    values = np.random.default_rng(0).standard_normal((3, 120)).cumsum(axis=1)
    layout = Layout(transform, (12, 10))
    found = coded_components(values, 0.05, None, 3, layout, 1)
    assert (found.basis is not None) == (transform == "klt")
    decoded = decode_factor(found.factor(1, 120), WIDE)
    squares = np.square(values - decoded).sum()
    assert found.squared_error == pytest.approx(squares, rel=1e-4)
    assert squares < 0.35 * values.size * 0.05**2


def test_scales_multiply_the_step():
    values = np.random.default_rng(0).standard_normal((2, 4000))
    found = coded_components(values, 0.05, np.array([0, 24]), 3, Layout("identity", (4000,)), 1)
    errors = np.square(values - found.decoded(WIDE)).mean(axis=1)
    assert errors[1] / errors[0] == pytest.approx(64, rel=0.15)  # scales of 1 and 8


def test_steps_too_fine_for_the_codes_are_coarser():
    values = np.random.default_rng(0).standard_normal((1, 500))
    found = coded_components(values, 1e-30, None, 3, Layout("identity", (500,)), 1)
    assert found.quantizer.step == pytest.approx(np.abs(values).max() / 2**28)
