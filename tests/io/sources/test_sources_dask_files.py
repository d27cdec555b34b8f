"""Files that every worker opens: once in a process, and the same everywhere."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from no_cluster import PLAIN

from lplrcli.errors import ClusterError
from lplrcli.io import open_source
from lplrcli.io.sources import dask_files
from lplrcli.io.sources.base import Description
from lplrcli.io.sources.dask_files import Opening, SharedFile
from lplrcli.io.sources.dask_worker import (
    described,
)
from lplrcli.model.source import Unfolding

pytestmark = pytest.mark.usefixtures("here_is_a_worker")

A = np.random.default_rng(0).standard_normal((50, 6))


@pytest.fixture
def opening(tmp_path):
    np.save(tmp_path / "a.npy", A)
    return Opening((str(tmp_path / "a.npy"),), "called so", PLAIN)


def test_a_file_is_opened_once_and_not_before_it_travelled(opening):
    file = SharedFile(opening)
    source = file.source()
    assert file.source() is source
    assert source.name == "called so"
    again = pickle.loads(pickle.dumps(file))
    assert again.opening == opening
    assert again.source() is not source
    with open_source(opening.paths[0]) as expected:
        assert described(again) == Description.of(expected)
    assert described(again).unfolding == Unfolding.of(A.shape)


def test_files_are_the_same_everywhere(opening, tmp_path):
    (size,) = opening.checked()
    assert size == (tmp_path / "a.npy").stat().st_size
    there = Opening(opening.paths, "a", {}, lengths=(size + 1,))
    with pytest.raises(ClusterError, match="sees another file") as caught:
        there.checked()
    assert (caught.value.found, caught.value.expected) == (f"{size} bytes", f"{size + 1}")
    absent = Opening((str(tmp_path / "none"),), "a", {})
    with pytest.raises(ClusterError, match="cannot open it: No such file"):
        absent.checked()
    others = Opening(("s3://bucket/a.npy", str(tmp_path)), "a", {})
    assert others.checked() == (None, None)


def test_versions_are_the_same_everywhere(here_is_a_worker):
    expected = dask_files.versions()
    assert expected["numpy"] == np.__version__
    assert dask_files.check_versions(expected) == here_is_a_worker
    with pytest.raises(ClusterError, match="another version of numba") as caught:
        dask_files.check_versions({**expected, "numba": "0.0"})
    assert caught.value.found == expected["numba"]
