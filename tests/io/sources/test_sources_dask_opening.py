"""What workers read from: files that all of them see alike, or an array that is a cluster's."""

from __future__ import annotations

import os

import numpy as np
import pytest
from no_cluster import PLAIN, NoCluster

from lplrcli.errors import ClusterError, InputError
from lplrcli.io import UnfoldingRequest
from lplrcli.io.sources import dask_opening
from lplrcli.io.sources.dask_opening import open_array_on_cluster, open_on_cluster

pytestmark = pytest.mark.usefixtures("here_is_a_worker")

A = np.arange(120.0).reshape(6, 4, 5)


@pytest.fixture
def clusters(monkeypatch):
    """Those that were opened."""
    opened = []

    def cluster(scheduler):
        opened.append(NoCluster(scheduler))
        return opened[-1]

    monkeypatch.setattr(dask_opening, "Cluster", cluster)
    return opened


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "a.npy", A)
    return "a.npy"


def whole(source):
    return np.concatenate(list(source.map_blocks(values)))


def values(block):
    return block.values.copy()


def test_a_path_is_made_absolute_and_its_name_stays(path, clusters):
    with open_on_cluster([path], "tcp://x:1", None, **PLAIN) as source:
        assert source.name == "a.npy"
        os.chdir("/")  # workers have other working folders
        np.testing.assert_array_equal(whole(source), A.reshape(6, 20))
    assert [cluster.scheduler for cluster in clusters] == ["tcp://x:1"]
    assert clusters[0].closed


def test_arguments_of_opening_travel_and_an_unfolding_may_change(path, clusters):
    request = {**PLAIN, "request": UnfoldingRequest(2)}
    with open_on_cluster([path, path], "tcp://x:1", None, **request) as source:
        assert source.name == "a.npy ... a.npy"
        np.testing.assert_array_equal(whole(source), np.concatenate([A, A]).reshape(48, 5))
        assert source.unfolded(1).shape == (12, 20)


@pytest.mark.parametrize("kind", ["-", "fifo", "folder"])
def test_what_no_worker_can_open_is_refused_before_a_cluster_is_asked(kind, tmp_path, clusters):
    name = kind if kind == "-" else str(tmp_path / kind)
    if kind == "fifo":
        os.mkfifo(name)
    elif kind == "folder":
        (tmp_path / kind).mkdir()
    with pytest.raises(InputError, match="only a regular file"):
        open_on_cluster([name], "tcp://x:1", None, **PLAIN)
    assert not clusters


def test_workers_that_see_different_files_are_told_apart(path, clusters, monkeypatch):
    monkeypatch.setattr(NoCluster, "check", lambda *_: {(100,), (200,)})
    with pytest.raises(ClusterError, match="different files") as caught:
        open_on_cluster([path], "tcp://x:1", None, **PLAIN)
    assert "100" in caught.value.found
    assert "200" in caught.value.found
    assert clusters[0].closed


def test_a_cluster_is_left_if_the_file_is_not_there(tmp_path, clusters):
    with pytest.raises(ClusterError, match="No such file"):
        open_on_cluster([str(tmp_path / "none.npy")], "tcp://x:1", None, **PLAIN)
    assert clusters[0].closed


def test_a_cluster_is_left_if_the_array_is_none(clusters):
    da = pytest.importorskip("dask.array")
    with pytest.raises(InputError):
        open_array_on_cluster(da.ones(3), "tcp://x:1", None, UnfoldingRequest())
    assert clusters[0].closed
    with open_array_on_cluster(da.from_array(A), "tcp://x:1", None, UnfoldingRequest(2)) as source:
        assert (source.name, source.shape) == ("array", (24, 5))
        np.testing.assert_array_equal(whole(source), A.reshape(24, 5))
