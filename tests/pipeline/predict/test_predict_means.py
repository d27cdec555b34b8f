"""Means stored apart: what they are, and that every promise is kept with them."""

from __future__ import annotations

import importlib.util
import io

import numpy as np
import pytest
from around_means import CENTERS, COLUMNS, MODES, ROWS, centered, error, strong
from hypothesis import given, settings
from hypothesis import strategies as st

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import PlanError, TargetUnreachableError
from lplrcli.io import UnfoldingRequest, open_array
from lplrcli.linalg.adjustment import Means
from lplrcli.linalg.passes import Passes
from lplrcli.runtime.format_files import format_folder

pytestmark = pytest.mark.usefixtures("few_states_throughout")


# -- passes


@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-150])
def test_passes_over_what_means_leave(scale):
    a = scale * strong(300, 40, np.float64)
    source = open_array(a, request=UnfoldingRequest(), threads=2)
    passes = Passes(source)
    over_rows, over_columns = passes.sums()
    b = np.ldexp(a, -passes.exponent)
    np.testing.assert_allclose(over_rows, b.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(over_columns, b.sum(axis=1), rtol=1e-12)
    assert passes.sums()[0] is over_rows
    rest, row, column = centered(b, "both")
    left = passes.centered(Means(row, column))
    np.testing.assert_allclose(left.gram(), rest.T @ rest, rtol=1e-9, atol=1e-9)
    assert np.isclose(left.scan().norm, np.linalg.norm(rest))
    assert np.isclose(left.original().source_norm, np.linalg.norm(a))
    assert left.exponent == passes.exponent and passes.means is None
    assert np.isclose(passes.scan().norm, np.linalg.norm(b))


# -- what is stored


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("center", CENTERS)
def test_the_means_are_those_of_numpy(center, mode):
    a = strong(dtype=np.float64)
    c = lplrcli.compress(a, rel_error=0.01, center=center, mode=mode)
    assert error(c, a) <= 0.01
    assert np.isclose(c.report.relative_frobenius_error, error(c, a))
    _, row, column = centered(a, center)
    for found, expected in ((c.mean_row, row), (c.mean_column, column)):
        assert (found is None) == (expected is None)
        if expected is not None:
            assert np.linalg.norm(found - expected) < 0.005 * np.linalg.norm(expected)
    assert (c.plan.mode, c.plan.target.center) == (mode, center)


def test_no_mean_by_default():
    for center in (None, "none"):
        c = lplrcli.compress(strong(), rel_error=0.1, center=center)
        assert (c.mean_row, c.mean_column, c.plan.target.center) == (None, None, None)
        assert c.factorization.means == (None, None)


def test_the_error_of_a_mean_is_a_small_part():
    a = strong(dtype=np.float64)
    for goal in ({"rel_error": 0.05}, {"bpc": 2}):
        c = lplrcli.compress(a, center="both", **goal)
        _, row, column = centered(a, "both")
        squares = ROWS * np.square(c.mean_row - row).sum()
        squares += COLUMNS * np.square(c.mean_column - column).sum()
        assert squares < 0.03 * np.square(np.asarray(c) - a).sum()


def test_modes_are_those_of_the_fluctuation():
    a = strong(dtype=np.float64, noise=0.001)
    c = lplrcli.compress(a, rel_error=1e-4, center="mean-column", mode="factors")
    rest, _, column = centered(a, "mean-column")
    np.testing.assert_allclose(c.mean_column, column, rtol=0, atol=0.01)
    expected = np.linalg.svd(rest, compute_uv=False)[:5]
    np.testing.assert_allclose(c.singular_values[:5], expected, rtol=0.01)
    rebuilt = c.mean_column[:, None] + c.modes() @ c.coefficients()
    np.testing.assert_allclose(rebuilt, np.asarray(c), atol=1e-9)


# -- promises


def reference_decoder():
    spec = importlib.util.spec_from_file_location("decode", format_folder() / "decode.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


decode = reference_decoder()


@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 999),
    center=st.sampled_from([*CENTERS, "auto"]), mode=st.sampled_from([None, *MODES]),
    goal=st.sampled_from([{"rel_error": 0.3}, {"rel_error": 0.01}, {"max_abs_error": 0.2}]),
    dtype=st.sampled_from([np.float32, np.float64, np.int16]),
    scale=st.sampled_from([0.0, 0.01, 1.0]),
)  # fmt: skip
def test_errors_are_kept(tmp_path_factory, rows, columns, seed, center, mode, goal, dtype, scale):
    g = np.random.default_rng(seed)
    a = scale * g.standard_normal((rows, columns)) + g.integers(-9, 9) * g.standard_normal(columns)
    a = (10 * a).astype(dtype)
    if mode == "factors" and "max_abs_error" in goal:
        return
    try:
        c = lplrcli.compress(a, center=center, mode=mode, **goal)
    except TargetUnreachableError:
        # Entries of an integer type are rounded, which only codes of all entries can heed.
        assert dtype == np.int16 and mode is not None
        return
    found = np.asarray(c)
    if "rel_error" in goal:
        assert not a.any() or error(found, a) <= goal["rel_error"]
    else:
        assert np.abs(found.astype(np.float64) - a).max() <= goal["max_abs_error"]
    path = tmp_path_factory.mktemp("a") / "a.lplr"
    c.save(path)
    (matrix,) = decode.decode_file(path)
    np.testing.assert_allclose(
        matrix.array.astype(np.float64), found, rtol=1e-5, atol=1e-4 * np.abs(found).max()
    )


@pytest.mark.parametrize(("center", "size"), [("mean-row", 1500), ("both", 4000), ("auto", 4000)])
def test_sizes_are_kept(center, size):
    c = lplrcli.compress(strong(), size=size, center=center)
    stream = io.BytesIO()
    write_container(stream, [c.factorization])
    assert len(stream.getvalue()) == c.size_report.file_bytes <= size
    assert c.size_report.file_bytes >= 0.9 * size
    assert np.isclose(c.report.relative_frobenius_error, error(c, strong()), rtol=1e-4)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
@pytest.mark.parametrize("mode", MODES)
def test_entries_of_any_scale(scale, mode):
    a = scale * strong(dtype=np.float64)
    c = lplrcli.compress(a, rel_error=0.02, center="both", mode=mode)
    assert c.plan.exponent != 0
    assert error(np.asarray(c) / scale, a / scale) <= 0.02
    np.testing.assert_allclose(c.mean_row / scale, (a / scale).mean(axis=0), atol=0.2)
    x = np.linspace(-1, 1, COLUMNS)
    np.testing.assert_allclose(c @ x / scale, np.asarray(c) / scale @ x, atol=1e-6)


@pytest.mark.parametrize("center", CENTERS)
def test_a_constant_matrix_is_its_mean(center):
    a = np.full((40, 30), 2.7)
    c = lplrcli.compress(a, rel_error=1e-3, center=center)
    assert c.rank == 0 and error(c, a) <= 1e-3


def test_the_bytes_do_not_depend_on_threads():
    one, two = (
        lplrcli.compress(strong(90, 40), bpc=5, center="both", threads=threads).factorization
        for threads in (1, 2)
    )
    streams = io.BytesIO(), io.BytesIO()
    for stream, factorization in zip(streams, (one, two), strict=True):
        write_container(stream, [factorization])
    assert streams[0].getvalue() == streams[1].getvalue()


# -- refusals


@pytest.mark.parametrize("method", ["packed", "lplr", "lsvd", "dsvd", "nq"])
def test_other_methods_store_no_means(method):
    rank = None if method == "nq" else 3
    with pytest.raises(PlanError, match=f"{method} stores no means"):
        lplrcli.compress(strong(), rank, 4, method=method, center="both")
    assert lplrcli.compress(strong(), rank, 4, method=method, center="none").mean_row is None


def test_an_unknown_choice_is_refused():
    with pytest.raises(PlanError, match="mean-row or mean-column"):
        lplrcli.compress(strong(), rel_error=0.1, center="rows")
