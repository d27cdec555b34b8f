"""Work in order, by threads of this process or by whoever takes it."""

from __future__ import annotations

from threading import Thread

import pytest

from lplrcli.runtime.parallel import heavy_map, work_mapped_by


def test_heavy_work_goes_to_the_mapper_and_stays_here_without_one():
    asked = []

    def mapper(task, items):
        asked.append(task)
        return (10 * task(item) for item in items)

    assert list(heavy_map(abs, [-1, -2], 2)) == [1, 2]
    with work_mapped_by(mapper):
        assert list(heavy_map(abs, [-1, -2], 2)) == [10, 20]
        with work_mapped_by(None):
            assert list(heavy_map(abs, iter([-3]), 1)) == [3]
        there = []
        thread = Thread(target=lambda: there.extend(heavy_map(abs, [-4], 1)))
        thread.start()
        thread.join()
        assert there == [4]  # threads that are not the caller's do their own work
    assert list(heavy_map(abs, [-1], 1)) == [1]
    assert asked == [abs]


def test_the_mapper_is_gone_after_an_error():
    with pytest.raises(ZeroDivisionError), work_mapped_by(lambda task, items: iter([])):
        raise ZeroDivisionError
    assert list(heavy_map(abs, [-1], 1)) == [1]
