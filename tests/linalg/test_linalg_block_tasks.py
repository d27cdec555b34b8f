"""What each task keeps of one block and what it adds, against NumPy."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from block_samples import COLUMNS, KINDS, block, matrix

from lplrcli.linalg import block_tasks
from lplrcli.linalg.operands import Dense
from lplrcli.linalg.scan import scan_block

START, STOP = 20, 61
ROWS = matrix().toarray()[START:STOP]
X = np.random.default_rng(0).standard_normal((COLUMNS, 3))
LEFT = np.random.default_rng(1).standard_normal((4, STOP - START))

TASKS = {
    "times": (partial(block_tasks.times, operand=Dense(X)), ROWS @ X, None),
    "normal times": (
        partial(block_tasks.normal_times, operand=Dense(X), imaged=False),
        None, ROWS.T @ (ROWS @ X),
    ),
    "normal times, with the image": (
        partial(block_tasks.normal_times, operand=Dense(X), imaged=True),
        ROWS @ X, ROWS.T @ (ROWS @ X),
    ),
    "gram": (block_tasks.gram, None, ROWS.T @ ROWS),
    "left times": (block_tasks.left_times, None, LEFT @ ROWS),
    "dense": (block_tasks.dense, ROWS, None),
    "sums": (block_tasks.row_and_column_sums, ROWS.sum(axis=1), ROWS.sum(axis=0)[None]),
}  # fmt: skip


def check(found, expected):
    kept, added = found
    if expected[0] is None:
        assert kept is None
    else:
        np.testing.assert_allclose(kept, expected[0], atol=1e-12)
    if expected[1] is None:
        assert added.shape == (COLUMNS, 0)  # of no columns: nothing to be summed
    else:
        np.testing.assert_allclose(added, expected[1], atol=1e-12)


@KINDS
@pytest.mark.parametrize("name", TASKS)
def test_what_is_kept_and_what_is_added(kind, name):
    task, *expected = TASKS[name]
    check(task(block(kind, matrix(), START, STOP, LEFT)), expected)


@pytest.mark.parametrize("name", TASKS)
def test_tasks_travel_to_other_processes(name):
    task, *expected = TASKS[name]
    check(pickle.loads(pickle.dumps(task))(block("dense", matrix(), START, STOP, LEFT)), expected)


def test_sums_are_of_double_precision():
    ones = matrix(np.float32)
    ones.data[:] = 1 + 2.0**-20
    found = block_tasks.gram(block("dense", ones))[1]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(
        found, ones.toarray().astype("f8").T @ ones.toarray().astype("f8")
    )


def test_least_squares_need_what_lies_beside():
    with pytest.raises(TypeError, match="left factor"):
        block_tasks.left_times(block("dense", matrix()))


@KINDS
def test_a_scan_comes_with_what_a_task_gives(kind):
    here = block(kind, matrix(), START, STOP)
    scan, kept = block_tasks.with_scan(here, lambda one: one.start)
    assert (scan, kept) == (scan_block(here), START)
    (scan, kept), added = block_tasks.sum_with_scan(
        here, partial(block_tasks.times, operand=Dense(X))
    )
    assert scan == scan_block(here)
    check((kept, added), (ROWS @ X, None))


@KINDS
def test_sums_that_overflow_say_nothing_and_are_seen_in_the_scan(kind):
    huge = matrix() * 1e300
    with np.errstate(all="raise"):
        (scan, _), added = block_tasks.sum_with_scan(block(kind, huge), block_tasks.gram)
    assert not np.isfinite(added).all()
    assert scan.high == huge.toarray().max()
