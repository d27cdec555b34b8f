"""What is named on the command line, opened: which matrix is meant, and what is told meanwhile."""

from __future__ import annotations

import io
import logging
from types import SimpleNamespace

import numpy as np
import pytest
from lplr_samples import factorization, written

from lplrcli.cli import opened
from lplrcli.cli.inputs import Inputs
from lplrcli.errors import InputError, NotLplrError, PlanError
from lplrcli.io import UnfoldingRequest
from lplrcli.kernels import loading


def holding(count):
    return SimpleNamespace(count=count, path="a.lplr")


def test_the_only_matrix_need_not_be_named():
    assert opened.chosen_matrix(holding(1), None) == 0
    assert [opened.chosen_matrix(holding(3), i) for i in range(3)] == [0, 1, 2]
    with pytest.raises(PlanError, match="several") as caught:
        opened.chosen_matrix(holding(3), None)
    assert "--matrix" in str(caught.value)
    with pytest.raises(PlanError, match="no such matrix"):
        opened.chosen_matrix(holding(3), 3)


def test_a_container_is_closed_with_its_file(tmp_path):
    path = tmp_path / "a.lplr"
    path.write_bytes(written(factorization()))
    with opened.opened_container(str(path)) as container:
        assert container.path == str(path)
        chunks = container.factorization().left.chunks
    with pytest.raises((ValueError, OSError)):
        chunks[0]


def test_what_is_no_file_or_no_container_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(InputError), opened.opened_container(str(path)):
        raise AssertionError("not reached")
    np.save(path, np.eye(3))
    with opened.opened_file(str(path)) as (file, name):
        assert (file.read(6), name) == (b"\x93NUMPY", str(path))
    assert file.closed
    with pytest.raises(NotLplrError), opened.opened_container(str(path)):
        raise AssertionError("not reached")


def test_a_source_is_read_as_the_options_say(tmp_path):
    path = tmp_path / "a.npy"
    array = np.arange(24.0).reshape(2, 3, 4)
    np.save(path, array)
    options = {"threads": 1, "memory_limit": None, "progress": False}
    inputs = Inputs((str(path),), None, None)
    with opened.opened_source(inputs, "reading", request=UnfoldingRequest(2), **options) as source:
        assert source.shape == (6, 4)
        rows = [block.values for block in source.map_blocks(lambda block: block)]
    np.testing.assert_array_equal(np.concatenate(rows), array.reshape(6, 4))


def test_kernels_are_loaded_before_a_matrix_is_worked_on(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.eye(3))
    loaded = []
    monkeypatch.setattr(loading, "load_kernels", lambda: loaded.append(True))
    options = {"threads": 1, "memory_limit": None, "progress": False}
    inputs = Inputs((str(tmp_path / "a.npy"),), None, None)
    with opened.opened_matrix(inputs, "reading", request=UnfoldingRequest(), **options):
        assert loaded == [True]


def test_a_cluster_is_silent():
    names = ("distributed", "distributed.client", "tornado")
    before = {name: logging.getLogger(name).level for name in names}
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    try:
        opened._silence_dask()
        for name in names:
            logging.getLogger(name).addHandler(handler)
            logging.getLogger(name).critical("lost")
            logging.getLogger(name).removeHandler(handler)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
    assert stream.getvalue() == ""
