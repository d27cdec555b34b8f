"""A source on a cluster visits the blocks of one machine, and adds sums in the same order."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from no_cluster import PLAIN, NoCluster

from lplrcli.io import UnfoldingRequest, open_array, open_source
from lplrcli.io.handles import base
from lplrcli.io.sources import dask_source
from lplrcli.io.sources.dask_files import Opening
from lplrcli.io.sources.dask_opening import FileRows
from lplrcli.io.sources.dask_source import DaskSource

pytestmark = pytest.mark.usefixtures("here_is_a_worker")

A = np.random.default_rng(0).standard_normal((1000, 10, 8))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 8 rows: 125 of them, 16 groups."""
    monkeypatch.setattr(base, "BLOCK_BYTES", 8 * A[0].nbytes)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "a.npy"
    np.save(path, A)
    return str(path)


def there(path, observer=None, **arguments):
    cluster = NoCluster()
    rows = FileRows(cluster, Opening((path,), path, PLAIN | arguments))
    return DaskSource(cluster, rows, name=path, observer=observer)


def starts(block):
    return block.start, block.values.shape[0], block.values.sum()


def products(block):
    return block.start, block.beside @ block.values


def test_it_says_what_the_matrix_on_one_machine_says(path):
    with there(path) as found, open_source(path) as expected:
        for name in ("shape", "unfolding", "dtype", "name", "format", "sparse", "bytes_read"):
            assert getattr(found, name) == getattr(expected, name), name
        assert found.columns() is None
        other, same = found.unfolded(2), expected.unfolded(2)
        assert (other.shape, other.unfolding) == (same.shape, same.unfolding)
        assert list(other.map_blocks(starts)) == list(same.map_blocks(starts))


def test_blocks_come_in_order_and_are_counted(path):
    seen, expected = [], []
    with (
        there(path, observer=lambda *done: seen.append(done)) as found,
        open_source(path, threads=1, observer=lambda *done: expected.append(done)) as source,
    ):
        assert list(found.map_blocks(starts)) == list(source.map_blocks(starts))
        assert found.bytes_read == source.bytes_read == A.nbytes
    assert seen == expected
    assert len(seen) == 125


@pytest.mark.parametrize("section", [1, dask_source.GROUP, dask_source.SECTION_GROUPS])
def test_sums_are_those_of_one_machine_to_the_last_bit(path, section, monkeypatch):
    monkeypatch.setattr(dask_source, "SECTION_GROUPS", section)
    beside = np.random.default_rng(1).standard_normal((3, 1000))
    kept, expected = [], []
    with there(path) as found, open_source(path, threads=1) as source:
        total = found.sum_blocks(products, kept.append, beside)
        np.testing.assert_array_equal(total, source.sum_blocks(products, expected.append, beside))
    assert kept == expected
    np.testing.assert_allclose(total, beside @ A.reshape(1000, -1), atol=1e-9)


def test_columns_of_a_sparse_matrix_come_here_once(tmp_path):
    a = sp.random_array((5000, 30), density=0.01, rng=0)
    sp.save_npz(tmp_path / "s.npz", a.tocsr())
    with there(str(tmp_path / "s.npz")) as found:
        columns = found.columns()
        assert found.columns() is columns
    with open_array(a.tocsr()) as source:
        expected = source.columns()
    np.testing.assert_array_equal(columns.indptr, expected.indptr)
    np.testing.assert_array_equal(columns.indices, expected.indices)
    np.testing.assert_array_equal(columns.data, expected.data)


def test_other_work_goes_to_the_cluster_and_leaving_it_is_its_affair(path):
    source = there(path, request=UnfoldingRequest(1))
    assert list(source.distribute(abs, [-1, 2, -3])) == [1, 2, 3]
    with source:
        assert not source._cluster.closed
    assert source._cluster.closed
