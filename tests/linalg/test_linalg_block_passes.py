"""Passes counted, limited and logged; the first one scans, and is made again at a safe scale."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from block_samples import KINDS, ROWS, matrix, source

from lplrcli.errors import NonFiniteError, PlanError
from lplrcli.linalg import block_tasks
from lplrcli.linalg.block_passes import BlockPasses
from lplrcli.linalg.row_filler import RowFiller

UNSAFE = pytest.mark.parametrize("scale", [2.0**-60, 2.0**60])


def column_sums(passes, keep=lambda kept: None):
    return passes.sum_scaled("sums", block_tasks.row_and_column_sums, keep)[0]


@KINDS
def test_the_first_sum_scans_on_the_way(kind):
    a = matrix().toarray()
    found = BlockPasses(source(kind, matrix()))
    np.testing.assert_allclose(column_sums(found), a.sum(axis=0), rtol=1e-12)
    assert found.count == 1
    scan = found.scan()
    assert found.count == 1
    assert (scan.low, scan.high) == (a.min(), a.max())
    assert scan.norm == pytest.approx(np.linalg.norm(a))
    column_sums(found)
    assert found.count == 2


@KINDS
def test_the_scan_is_a_pass_where_nothing_was_summed(kind):
    found = BlockPasses(source(kind, matrix()))
    assert found.scan() is found.scan()
    assert found.count == 1
    assert found.original() == found.scan()


@KINDS
@UNSAFE
def test_the_first_sum_is_made_again_where_its_scale_was_unsafe(kind, scale):
    a = matrix() * scale
    found = BlockPasses(source(kind, a))
    rows = RowFiller(np.full(ROWS, np.nan))
    total = column_sums(found, rows.take)
    assert found.exponent != 0
    scaled = np.ldexp(a.toarray(), -found.exponent)
    assert 0.5 <= np.abs(scaled).max() < 1
    np.testing.assert_allclose(total, scaled.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(rows.out, scaled.sum(axis=1), rtol=1e-12)
    assert found.count == 3  # the sum, the norm at the safe scale, the sum again
    assert found.scan().source_norm == pytest.approx(np.linalg.norm(a.toarray()))


@KINDS
def test_stored_blocks_are_neither_converted_nor_scaled(kind):
    a = matrix(np.float32) * np.float32(2.0**60)
    found = BlockPasses(source(kind, a))
    found.scan()
    stored = list(found.map_stored("as stored", block_tasks.dense))
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in stored]), a.toarray())
    scaled = list(found.map_scaled("scaled", block_tasks.dense))
    expected = np.ldexp(a.toarray(), -found.exponent)
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in scaled]), expected)


def test_what_a_scanned_task_gives_comes_in_row_order():
    found = BlockPasses(source("dense", matrix(), height=10))
    assert found.scanned("starts", lambda block: block.start) == list(range(0, ROWS, 10))
    assert (found.count, found.scan().high) == (1, matrix().toarray().max())


@KINDS
def test_a_first_sum_refuses_what_is_not_finite(kind):
    a = matrix()
    a.data[:3] = np.nan
    with pytest.raises(NonFiniteError) as caught:
        column_sums(BlockPasses(source(kind, a)))
    assert caught.value.count == 3


def test_no_more_passes_than_are_allowed():
    found = BlockPasses(source("dense", matrix()), limit=2)
    assert found.allows(2) and not found.allows(3)
    column_sums(found)
    column_sums(found)
    assert not found.allows(1)
    with pytest.raises(PlanError, match="limit on passes") as caught:
        column_sums(found)
    assert (caught.value.found, found.count) == (2, 2)


@UNSAFE
def test_an_unsafe_scale_is_refused_where_too_few_passes_are_left(scale):
    found = BlockPasses(source("dense", matrix() * scale), limit=4)
    with pytest.raises(PlanError, match="two passes more"):
        column_sums(found)
    enough = BlockPasses(source("dense", matrix() * scale), limit=5)
    assert np.isfinite(column_sums(enough)).all()


def test_bytes_are_those_of_these_passes_alone():
    read = source("dense", matrix())
    BlockPasses(read).scan()
    found = BlockPasses(read)
    assert found.bytes_read == 0
    found.scan()
    column_sums(found)
    assert found.bytes_read == 2 * matrix().toarray().nbytes


def test_every_pass_is_logged_by_its_name(caplog):
    found = BlockPasses(source("dense", matrix()))
    with caplog.at_level(logging.INFO, "lplrcli.linalg.block_passes"):
        found.scan()
        column_sums(found)
    texts = [record.getMessage() for record in caplog.records]
    assert [text.split(":")[0] for text in texts] == ["pass 1, range and norm", "pass 2, sums"]
