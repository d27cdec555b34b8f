"""Stages and counts: told to the watcher of the thread, and to no other."""

from __future__ import annotations

import threading

import pytest

from lplrcli.runtime.stages import CHOOSE, CODE, READ, VERIFY, begin, counted, stage, watched_by


class Watcher:
    def __init__(self):
        self.told = []

    def begin(self, stage):
        self.told.append(stage)

    def count(self, done, total, unit):
        self.told.append((done, total, unit))


@pytest.fixture
def watcher():
    return Watcher()


def test_the_outer_stage_goes_on_after_an_inner_one(watcher):
    with watched_by(watcher):
        begin(READ)
        with stage(CODE):
            with stage(CODE), stage(VERIFY):
                pass
            with stage(CHOOSE):
                pass
    # Nothing says that the file is read again: after the last stage its name stays.
    assert watcher.told == [READ, CODE, VERIFY, CODE, CHOOSE, CODE]


def test_an_error_ends_a_stage(watcher):
    with watched_by(watcher), stage(CODE):
        with pytest.raises(ValueError, match="oops"), stage(VERIFY):
            raise ValueError("oops")
        assert watcher.told == [CODE, VERIFY, CODE]


def test_a_function_is_a_stage_each_time(watcher):
    @stage(VERIFY)
    def twice(value):
        return 2 * value

    with watched_by(watcher):
        assert [twice(1), twice(2)] == [2, 4]
    assert watcher.told == [VERIFY, VERIFY]
    assert twice.__name__ == "twice"


def test_results_are_counted_as_they_come(watcher):
    with watched_by(watcher):
        results = counted("abc", 3)
        assert next(results) == "a"
        assert watcher.told == [(1, 3, "chunks")]
        assert list(results) == ["b", "c"]
        assert list(counted("ab", unit="parts")) == ["a", "b"]
    assert watcher.told[1:] == [(2, 3, "chunks"), (3, 3, "chunks"),
                                (1, None, "parts"), (2, None, "parts")]  # fmt: skip


def test_nothing_is_told_without_a_watcher_or_in_another_thread(watcher):
    def work():
        with stage(CODE):
            begin(READ)
            list(counted("ab"))

    work()
    with watched_by(watcher):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    work()
    assert watcher.told == []
