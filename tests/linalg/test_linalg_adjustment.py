"""Rows scaled and centred block by block, against NumPy on the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest
from block_samples import COLUMNS, DTYPES, KINDS, ROWS, block, matrix

from lplrcli.linalg.adjustment import Adjustment, Means, adjusted
from lplrcli.linalg.operands import dense_rows
from lplrcli.model.source import CsrRows

MEANS = pytest.mark.parametrize("sides", ["", "row", "column", "both"])


def means(sides, dtype):
    generator = np.random.default_rng(1)
    row, column = (generator.standard_normal(size).astype(dtype) for size in (COLUMNS, ROWS))
    found = Means(row if sides in ("row", "both") else None,
                  column if sides in ("column", "both") else None)  # fmt: skip
    return found if sides else None


@KINDS
@DTYPES
@MEANS
@pytest.mark.parametrize("exponent", [-30, 0, 7])
def test_blocks_are_scaled_and_centred_rows(kind, dtype, sides, exponent):
    a, subtracted = matrix(), means(sides, dtype)
    expected = (a.toarray().astype(dtype) * 2.0**-exponent).astype(dtype)
    if sides in ("row", "both"):
        expected = expected - subtracted.row
    if sides in ("column", "both"):
        expected = expected - subtracted.column[:, None]
    adjustment = Adjustment(np.dtype(dtype), exponent, subtracted)
    for start, stop in ((0, 40), (40, ROWS)):
        stored = block(kind, a, start, stop)
        found = adjustment.of(stored)
        assert found.start == start
        rows = dense_rows(found.values, np.dtype(dtype))
        assert rows.dtype == dtype
        np.testing.assert_array_equal(rows, expected[start:stop])
        # The block itself is what it was.
        np.testing.assert_array_equal(
            dense_rows(stored.values, np.dtype("f8")), a.toarray()[start:stop]
        )


def test_sparse_rows_stay_sparse_until_means_are_subtracted():
    a = matrix()
    kept = Adjustment(np.dtype("f4"), 3).of(block("sparse", a)).values
    assert isinstance(kept, CsrRows)
    assert kept.data.dtype == np.float32
    assert isinstance(
        Adjustment(np.dtype("f4"), 3, means("row", "f4")).of(block("sparse", a)).values, np.ndarray
    )


def test_a_task_is_given_the_adjusted_block_with_what_lies_beside_it():
    beside = np.arange(2.0 * ROWS).reshape(2, ROWS)
    stored = block("dense", matrix(), beside=beside)
    found = adjusted(
        stored, lambda one: (one.values.sum(), one.beside), Adjustment(np.dtype("f8"), 1)
    )
    assert found[0] == pytest.approx(matrix().toarray().sum() / 2)
    assert found[1] is beside


@pytest.mark.parametrize("exponent", [1000, -1000])
def test_scaling_by_a_power_of_two_is_exact(exponent):
    a = matrix() * 2.0**exponent
    found = Adjustment(np.dtype("f8"), exponent).of(block("dense", a)).values
    np.testing.assert_array_equal(found, matrix().toarray())
