"""What a worker does: blocks read and tasks run as on one machine, without any cluster."""

from __future__ import annotations

import numpy as np
import pytest
from no_cluster import PLAIN
from threadpoolctl import threadpool_info, threadpool_limits

from lplrcli.io.sources import dask_worker
from lplrcli.io.sources.dask_files import Opening, SharedFile
from lplrcli.io.sources.dask_worker import Span, map_group, run_task, sum_group
from lplrcli.runtime.tree_sum import TreeSum

pytestmark = pytest.mark.usefixtures("here_is_a_worker")

A = np.random.default_rng(0).standard_normal((50, 6))
BESIDE = np.arange(100.0).reshape(2, 50)


@pytest.fixture
def opening(tmp_path):
    np.save(tmp_path / "a.npy", A)
    return Opening((str(tmp_path / "a.npy"),), "called so", PLAIN)


def seen(block):
    return block.start, block.values.copy(), block.beside


def summed(block):
    return block.start, block.beside @ block.values


def spans(height, group):
    for start in range(0, 50, group * height):
        stop = min(start + group * height, 50)
        yield Span(start, stop, height, BESIDE[:, start:stop])


def rows_for(kind, opening, span):
    return SharedFile(opening) if kind == "file" else A[span.start : span.stop]


KINDS = pytest.mark.parametrize("kind", ["file", "array"])


@KINDS
@pytest.mark.parametrize(("height", "group"), [(8, 8), (7, 3), (50, 1), (1, 4)])
def test_blocks_come_with_what_lies_beside_them_and_their_bytes(kind, height, group, opening):
    found = [
        one
        for span in spans(height, group)
        for one in map_group(seen, rows_for(kind, opening, span), span)
    ]
    assert [start for _, (start, _, _) in found] == list(range(0, 50, height))
    assert sum(count for count, _ in found) == A.nbytes
    np.testing.assert_array_equal(np.concatenate([values for _, (_, values, _) in found]), A)
    np.testing.assert_array_equal(
        np.concatenate([beside for *_, (_, _, beside) in found], axis=1), BESIDE
    )


@KINDS
def test_the_sum_of_a_group_is_that_of_the_tree(kind, opening):
    (span,) = spans(7, 8)
    kept, total = sum_group(summed, rows_for(kind, opening, span), span)
    tree = TreeSum()
    for start, stop in span.blocks():
        tree.add(BESIDE[:, start:stop] @ A[start:stop])
    assert [start for _, start in kept] == [start for start, _ in span.blocks()]
    np.testing.assert_array_equal(total, tree.total())


def test_other_work_takes_one_thread_too():
    def threads(_):
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(2, "blas"):
        assert run_task(threads, None) == {1}
        assert threads(None) == {2}


def test_products_take_one_thread_until_the_last_task_ends():
    def threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(2, "blas"):
        with dask_worker._one_blas_thread():
            with dask_worker._one_blas_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == {2}
