"""Products with a matrix in compressed form, against the array of the reference decoder."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import matrices
import numpy as np
import pytest
from reference import decoded

import lplrcli
from lplrcli.api.decoded_parts import DecodedParts

ROWS, COLUMNS = 60, 40
A = matrices.exponential(ROWS, COLUMNS, dtype=np.float64) + np.arange(COLUMNS) / 40
KINDS = {
    "factors": {"rank": 8, "bits": 6},
    "means": {"rank": 8, "bpc": 4, "mode": "factors", "center": "both"},
    "residual": {"bpc": 5, "rank": 6, "mode": "factors+residual"},
    "direct": {"method": "nq", "bits": 6},
}
ANY = pytest.mark.parametrize("kind", KINDS)
SCALES = pytest.mark.parametrize("scale", [1.0, 2.0**900])


@functools.cache
def made(kind, scale=1.0):
    """Parts of a compressed matrix, and the array that the reference decoder makes of it."""
    compressed = lplrcli.compress(A * scale, **KINDS[kind])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.lplr")
        compressed.save(path)
        (matrix,) = decoded(path.read_bytes(), Path(folder))
    return DecodedParts(compressed.factorization, 1, "a"), matrix.array, compressed


def assert_close(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


@ANY
@SCALES
@pytest.mark.parametrize("count", [None, 3])
def test_products_from_both_sides(kind, scale, count):
    parts, array, _ = made(kind, scale)
    generator = np.random.default_rng(0)
    x = generator.standard_normal(COLUMNS if count is None else (COLUMNS, count))
    y = generator.standard_normal(ROWS if count is None else (count, ROWS))
    assert_close(parts.times(x), array @ x)
    assert_close(parts.left_times(y), y @ array)


@ANY
@SCALES
def test_blocks_are_all_rows_in_order(kind, scale):
    parts, array, _ = made(kind, scale)
    assert_close(np.concatenate(list(parts.blocks())), array)


@SCALES
@pytest.mark.parametrize("kind", ["factors", "means"])
def test_factors_and_means_make_the_matrix(kind, scale):
    parts, array, compressed = made(kind, scale)
    left, right = parts.factors
    whole = left @ right
    row, column = parts.means
    assert (row is not None, column is not None) == (kind == "means", kind == "means")
    if kind == "means":
        whole = whole + row + column[:, None]
    assert_close(np.ldexp(whole, compressed.plan.exponent), array)
    assert parts.factors[0] is left  # decoded once


@SCALES
def test_the_decomposition_is_that_of_the_product_of_the_factors(scale):
    parts, _, compressed = made("means", scale)
    left, right = parts.factors
    found = parts.decomposition
    expected = np.linalg.svd(left @ right, compute_uv=False)[: left.shape[1]]
    np.testing.assert_allclose(
        found.singular_values, np.ldexp(expected, compressed.plan.exponent), rtol=1e-9
    )


def test_a_matrix_coded_entry_by_entry_has_no_factors():
    with pytest.raises(ValueError, match="no factors"):
        _ = made("direct")[0].factors


def test_narrow_integers_do_not_wrap():
    compressed = lplrcli.compress(np.full((30, 20), 200, np.uint8), method="nq", bits=8)
    parts = DecodedParts(compressed.factorization, 1, None)
    np.testing.assert_allclose(parts.times(np.ones(20, np.uint8)), 4000)
    assert all(block.dtype == np.float32 for block in parts.blocks())


@ANY
@pytest.mark.parametrize("shape", [(), (COLUMNS + 1,), (COLUMNS + 1, 2), (2, COLUMNS, 3)])
def test_what_does_not_fit_is_refused(kind, shape):
    parts, _, _ = made(kind)
    with pytest.raises(ValueError, match="cannot multiply a 60 x 40 matrix"):
        parts.times(np.ones(shape))
    with pytest.raises(ValueError, match="cannot multiply a 60 x 40 matrix"):
        parts.left_times(np.ones((*shape[:-1], ROWS + 1) if shape else ()))
