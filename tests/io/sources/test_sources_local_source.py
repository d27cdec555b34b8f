"""Blocks mapped by threads of this process: in order, bounded, and stopped with their reader."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from foreign_samples import tall

from lplrcli.errors import InputError
from lplrcli.io import (
    open_array,
)
from lplrcli.runtime.tree_sum import TreeSum


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_order_bounds_and_observer(threads):
    seen, at_work, most = [], [0], [0]
    lock = threading.Lock()

    def task(block):
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.002 * (block.start % 3))
        return block.start

    source = open_array(tall(), threads=threads, observer=lambda *done: seen.append(done))
    starts = []
    for start in source.map_blocks(task):
        starts.append(start)
        with lock:
            at_work[0] -= 1
    assert starts == list(range(0, 4000, 256))
    assert most[0] <= threads + 1
    assert seen == [(min(start + 256, 4000), 4000) for start in starts]


def test_an_error_in_a_task_comes_through_and_ends_the_pass():
    done = []

    def task(block):
        if block.start:
            raise KeyError("mine")
        done.append(block.start)

    with pytest.raises(KeyError, match="mine"):
        list(open_array(tall(), threads=1).map_blocks(task))
    assert done == [0]
    assert not [t for t in threading.enumerate() if t.name.startswith("lplr-block")]


def test_dropping_the_iterator_stops_the_threads():
    results = open_array(tall(), threads=2).map_blocks(lambda block: block.start)
    assert next(results) == 0
    results.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("lplr-block")]


def test_a_failing_read_is_an_input_error():
    class Failing:
        shape, dtype = (10, 10), np.dtype("f4")

        def __getitem__(self, rows):
            raise OSError("the tape broke")

    with pytest.raises(InputError, match="rows 0 to 9 cannot be read: the tape broke"):
        list(open_array(Failing()).map_blocks(len))


@pytest.mark.parametrize("threads", [1, 3])
def test_rows_are_expected_before_they_are_read(threads, monkeypatch):
    events = []
    source = open_array(tall(), threads=threads)
    monkeypatch.setattr(source._handle, "expect", lambda *rows: events.append(rows))
    starts = list(source.map_blocks(lambda block: block.start))
    ahead = (threads + 1) * 256
    expected = [(start + ahead, min(start + ahead + 256, 4000)) for start in starts]
    assert sorted(events) == [rows for rows in expected if rows[0] < 4000]


def test_columns_of_the_array_beside_come_with_the_rows():
    beside = np.arange(8000.0).reshape(2, 4000)
    source = open_array(tall(), threads=2)
    parts = source.map_blocks(lambda block: (block.start, block.beside), beside)
    for start, part in parts:
        assert np.array_equal(part, beside[:, start : start + part.shape[1]])


@pytest.mark.parametrize("threads", [1, 2])
def test_sums_are_those_of_the_tree_and_what_is_kept_is_in_order(threads):
    source, kept = open_array(tall(), threads=threads), []
    total = source.sum_blocks(
        lambda block: (block.start, block.values.sum(axis=0, keepdims=True)), kept.append
    )
    assert kept == list(range(0, 4000, 256))
    tree = TreeSum()
    for part in open_array(tall()).map_blocks(lambda b: b.values.sum(axis=0, keepdims=True)):
        tree.add(part)
    assert np.array_equal(total, tree.total())
    assert np.allclose(total[0], np.asarray(tall()).sum(axis=0, dtype=float))
