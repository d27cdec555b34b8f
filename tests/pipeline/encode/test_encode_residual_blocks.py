"""Parts of a residual: what factors leave of blocks, and which rows samples hold."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.model.source import RowBlock
from lplrcli.pipeline.encode.residual_blocks import (
    first_rows,
    in_row_order,
    pieces_of,
    residual_of,
)

A = np.random.default_rng(0).standard_normal((30, 7))
LEFT = np.random.default_rng(1).standard_normal((30, 3))
RIGHT = np.random.default_rng(2).standard_normal((3, 7))


def test_a_block_less_the_product_of_the_factors():
    block = RowBlock(10, A[10:20], LEFT[10:20].T)
    np.testing.assert_allclose(residual_of(block, RIGHT).T, A[10:20] - LEFT[10:20] @ RIGHT)
    np.testing.assert_array_equal(residual_of(RowBlock(10, A[10:20]), None).T, A[10:20])


def test_rows_one_after_another():
    np.testing.assert_array_equal(in_row_order(A.T), A.reshape(1, -1))


@pytest.mark.parametrize(("start", "taken"), [(0, True), (3, False), (5, True), (8, True)])
def test_a_sample_holds_blocks_with_a_multiple(start, taken):
    # Multiples of 12 lie in rows 0, 12 and 24.
    found = first_rows(RowBlock(start, A[start : start + 8]), None, 4, 12)
    if taken:
        np.testing.assert_array_equal(found.T, A[start : start + 4])
    else:
        assert found is None


@pytest.mark.parametrize(("columns", "rows"), [(3, 40), (3, 5000), (400, 5000), (5000, 640)])
def test_pieces_are_runs_of_rows_from_start_to_end(columns, rows):
    part = np.broadcast_to(np.arange(rows), (columns, rows))
    found = pieces_of(part)
    assert all((np.diff(piece[0]) == 1).all() for piece in found)
    assert (found[0][0, 0], found[-1][0, -1]) == (0, rows - 1)
    assert sum(piece.shape[1] for piece in found) <= rows
