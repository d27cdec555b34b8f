"""dask arrays as groups of blocks: the rows of the array, whatever its chunks."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import scipy.sparse as sp
from no_cluster import NoCluster

from lplrcli.errors import NotAMatrixError
from lplrcli.io import UnfoldingRequest, open_array
from lplrcli.io.sources.dask_array import ArrayRows, active_client, check_dask_array, is_dask_array
from lplrcli.io.sources.dask_source import DaskSource

da = pytest.importorskip("dask.array")

A = np.random.default_rng(0).standard_normal((700, 30, 40)).astype(np.float32)


def source_of(array, axes=1):
    cluster = NoCluster()
    return DaskSource(cluster, ArrayRows(cluster, array, UnfoldingRequest(axes)), name="array")


def values(block):
    return block.values.copy()


@pytest.mark.parametrize("chunks", [(700, 30, 40), (64, 30, 40), (50, 7, 40), (13, 30, 11)])
@pytest.mark.parametrize("axes", [1, 2])
def test_blocks_are_those_of_the_array_in_memory(chunks, axes):
    found = source_of(da.from_array(A, chunks=chunks), axes)
    expected = open_array(A, request=UnfoldingRequest(axes))
    assert (found.shape, found.unfolding) == (expected.shape, expected.unfolding)
    for ours, theirs in zip(found.map_blocks(values), expected.map_blocks(values), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_it_unfolds_in_another_way():
    found = source_of(da.from_array(A, chunks=(100, 30, 40))).unfolded(2)
    np.testing.assert_array_equal(np.concatenate(list(found.map_blocks(values))), A.reshape(-1, 40))


def test_the_type_is_the_native_one_of_the_chunks():
    found = source_of(da.from_array(A[:5].astype(">f4")))
    assert found.dtype == np.float32
    assert found.dtype.isnative
    np.testing.assert_array_equal(np.concatenate(list(found.map_blocks(values)))[:, 7], A[:5, 0, 7])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (lambda a: a[a[:, 0, 0] > 0], "shape of the dask array is not known"),
        (lambda a: a[:, 0].map_blocks(sp.csr_array), "not plain NumPy arrays"),
        (lambda a: da.ma.masked_greater(a, 0), "not plain NumPy arrays"),
    ],
    ids=["unknown", "sparse", "masked"],
)
def test_arrays_of_another_make_are_refused_with_advice(array, words):
    with pytest.raises(NotAMatrixError, match=words) as caught:
        check_dask_array(array(da.from_array(A)))
    assert caught.value.advice


def test_what_is_none_is_told_without_loading_dask(monkeypatch):
    assert is_dask_array(da.ones(3))
    assert not is_dask_array(A)
    for name in ("dask.array", "distributed"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert not is_dask_array(A)
    assert active_client() is None
    assert "dask.array" not in sys.modules


def test_without_a_client_none_is_active():
    pytest.importorskip("distributed")
    assert active_client() is None
