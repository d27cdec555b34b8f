"""Results in the order of their items, a few in flight, and what is lost done again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.io.sources import ordered_work
from lplrcli.io.sources.ordered_work import LostTooOftenError, OrderedWork


class Lost(Exception):  # noqa: N818
    """A worker is gone."""


class Machines:
    """Give the square of a number, unless the next of `losses` says that it is lost."""

    def __init__(self, losses):
        self.losses = iter(losses)
        self.flying, self.most, self.recovered = set(), 0, 0

    def submit(self, item):
        if next(self.losses, False):
            raise Lost
        self.flying.add(item)
        self.most = max(self.most, len(self.flying))
        return item

    def take(self, item):
        if next(self.losses, False):
            raise Lost
        self.flying.discard(item)
        return item * item

    def recover(self):
        self.recovered += 1

    def work(self):
        return OrderedWork(self.submit, self.take, (Lost,), self.recover)


@given(st.integers(0, 20), st.integers(0, 9))
def test_results_come_in_order_with_few_in_flight(count, most):
    machines = Machines([])
    assert list(machines.work().results(range(count), most)) == [i * i for i in range(count)]
    assert machines.most <= most + 1
    assert machines.recovered == 0


@given(st.integers(1, 12), st.integers(0, 4), st.lists(st.booleans(), max_size=4))
def test_what_is_lost_is_done_again(count, most, losses):
    machines = Machines(losses)
    assert list(machines.work().results(range(count), most)) == [i * i for i in range(count)]
    assert machines.recovered <= sum(losses)


def test_the_same_work_is_not_lost_for_ever():
    machines = Machines([True] * 1000)
    with pytest.raises(LostTooOftenError):
        list(machines.work().results(range(3), 1))
    assert machines.recovered == ordered_work.ATTEMPTS


def test_another_error_is_no_loss():
    def failing(item):
        raise KeyError(item)

    work = OrderedWork(str, failing, (Lost,), lambda: None)
    with pytest.raises(KeyError):
        list(work.results([1], 0))
