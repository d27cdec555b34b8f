"""A cluster of no machine: what is submitted is done at once, on copies that pickle made."""

from __future__ import annotations

import pickle

from lplrcli.io import UnfoldingRequest
from lplrcli.io.sources.dask_cluster import Shared

PLAIN = {"dataset": None, "layout": None, "request": UnfoldingRequest()}
"""Arguments of opening, none of which asks for anything."""


class Client:
    """Scatters by pickle, and computes graphs of dask here."""

    def scatter(self, values, *, broadcast, hash):  # noqa: A002
        return [pickle.loads(pickle.dumps(value)) for value in values]

    def get(self, graph, keys, *, sync):
        import dask

        return dask.get(graph, keys)


class NoCluster:
    """Stands for `lplrcli.io.sources.dask_cluster.Cluster`; futures are results."""

    in_flight = 2
    losses = 0

    def __init__(self, scheduler=None):
        self.scheduler = scheduler
        self.client = Client()
        self.closed = False
        self.submitted = []

    def submit(self, task, *arguments):
        self.submitted.append(task)
        return task(*arguments)

    def result(self, future):
        return future

    def ordered(self, items, submit, take, most):
        for item in items:
            yield take(submit(item))

    def map(self, task, items):
        shared = Shared(self, task)
        return (shared.future(item) for item in items)

    def check(self, look, *arguments):
        return {look(*arguments)}

    def close(self):
        self.closed = True
