"""Runs on a dask cluster of real processes: the bytes of one machine, whatever happens.

Ordered by the number of workers needed, as starting one takes longer than most of what is tested.
"""

from __future__ import annotations

import io
import pickle
import sys
from dataclasses import dataclass

import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from clusters import LocalCluster
from matrices import decaying
from scipy.io import mmwrite
from threadpoolctl import threadpool_info, threadpool_limits

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import (
    ClusterError,
    InputError,
    MissingDependencyError,
    NonFiniteError,
    NotAMatrixError,
    PlanError,
)
from lplrcli.io import UnfoldingRequest, open_array, open_source
from lplrcli.io.sources import dask_cluster, dask_source, dask_worker
from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.compress import compress
from lplrcli.pipeline.encode import coefficients

pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    found = LocalCluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """``a.npy`` of one block, ``u.h5`` of three axes, ``s.mtx`` of 33 blocks: five groups."""
    folder = tmp_path_factory.mktemp("inputs")
    np.save(folder / "a.npy", decaying(200, 90))
    with h5py.File(folder / "u.h5", "w") as file:
        file["u"] = decaying(60, 128).reshape(60, 8, 16)
    sparse = sp.random_array((33_000, 40), density=0.02, rng=3, dtype=np.float32)
    mmwrite(folder / "s.mtx", sparse, symmetry="general")
    return folder


def bytes_of(path, *, observer=None, threads=1, scheduler=None, request=None, **asked):
    """The file that compressing gives."""
    opening = {"request": request} if request else {}
    with open_source(
        str(path), threads=threads, observer=observer, scheduler=scheduler, **opening
    ) as source:
        factorization = compress(source, threads=threads, **asked)
    stream = io.BytesIO()
    write_container(stream, [factorization])
    return stream.getvalue()


PACKED = {"rank": 6, "bits": 3}


def same_bytes(scheduler, folder, monkeypatch):
    """See that a sum over five groups is the one of this machine, and so are all others."""
    expected = [bytes_of(folder / "s.mtx", threads=threads, **PACKED) for threads in (1, 2)]
    assert expected[0] == expected[1]
    assert bytes_of(folder / "s.mtx", scheduler=scheduler, **PACKED) == expected[0]
    # One group a section: sums are added here that are otherwise added there.
    monkeypatch.setattr(dask_source, "SECTION", 1)
    assert bytes_of(folder / "s.mtx", scheduler=scheduler, **PACKED) == expected[0]


def test_several_workers_give_the_bytes_of_one_machine(machines, folder, monkeypatch):
    same_bytes(machines.scale(2), folder, monkeypatch)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("a.npy", {"method": "lplr", "rank": 8, "sketch": "srht"}),
        ("a.npy", {"method": "nq", "bits": 3}),
        ("a.npy", {"bpc": 1.0, "center": "both", "mode": "factors+residual"}),
        ("u.h5", {"bpc": 3.0, "mode": "factors", "transform": "dct"}),
    ],
    ids=["lplr", "nq", "residual", "factors"],
)
def test_every_method_and_mode_gives_the_same_bytes(
    machines, folder, name, asked, few_states, monkeypatch
):
    monkeypatch.setattr(coefficients, "_HEAVY", 1)  # every trellis runs on a worker
    scheduler = machines.scale(2)
    expected = bytes_of(folder / name, **asked)
    assert bytes_of(folder / name, scheduler=scheduler, **asked) == expected


def test_a_trellis_runs_on_the_workers(machines, folder, few_states, monkeypatch):
    monkeypatch.setattr(coefficients, "_HEAVY", 1)
    given = []
    mapped = dask_cluster.Cluster.map

    def counted(self, task, items):
        given.append(task.func)
        return mapped(self, task, items)

    monkeypatch.setattr(dask_cluster.Cluster, "map", counted)
    bytes_of(folder / "a.npy", scheduler=machines.scale(2), bpc=1.0, mode="factors")
    assert set(given) == {coefficients._quantized_chunk}


def test_dask_arrays(machines, folder):
    from distributed import Client

    a = np.load(folder / "a.npy")
    chunked = da.from_array(a, chunks=(37, 50))
    cube = da.from_array(a.reshape(20, 10, 90), chunks=(7, 3, 50))
    expected = lplrcli.compress(a, 6, 3)
    alone = lplrcli.compress(chunked, 6, 3)  # no client: computed here
    assert np.array_equal(alone.left, expected.left)
    address = machines.scale(2)
    with Client(address) as client:
        for given, asked in ((chunked, {}), (cube, {"unfold": 2})):
            found = lplrcli.compress(given, 6, 3, **asked)
            assert found.report == expected.report
            assert np.array_equal(found.left, expected.left)
            assert np.array_equal(found.right, expected.right)
        assert isinstance(open_array(chunked), dask_source.DaskSource)
        assert client.status == "running"  # whoever opened it closes it
    asked = lplrcli.compress(chunked, 6, 3, scheduler=address)
    assert np.array_equal(asked.left, expected.left)
    for wrong, message in (
        (chunked[chunked[:, 0] > 0], "shape"),
        (chunked.map_blocks(sp.csr_array), "plain"),
        (chunked.astype(complex), "real"),
    ):
        with pytest.raises(NotAMatrixError, match=message):
            open_array(wrong)
    with pytest.raises(PlanError, match="cluster"):
        lplrcli.compress(a, 6, scheduler=address)


def test_the_command_line(machines, folder, tmp_path, monkeypatch, capsys):
    from lplrcli.cli.main import run

    monkeypatch.chdir(folder)

    def lplr(*arguments):
        monkeypatch.setattr(sys, "argv", ["lplr", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            run()
        return left.value.code, *capsys.readouterr()

    here, there = tmp_path / "here.lplr", tmp_path / "there.lplr"
    scheduler = ("--scheduler", machines.scale(2))
    assert lplr("compress", "a.npy", "-r", 6, "-b", 3, "-o", here)[0] == 0
    assert lplr("compress", "a.npy", "-r", 6, "-b", 3, "-o", there, *scheduler)[0] == 0
    assert there.read_bytes() == here.read_bytes()
    measured = [lplr("inspect", there, "--against", "a.npy", *more)[1] for more in ([], scheduler)]
    assert measured[0] == measured[1]
    assert "measured" in measured[1]
    planned = [lplr("plan", "a.npy", *more)[1] for more in ([], scheduler)]
    assert planned[0] == planned[1]
    assert lplr("inspect", there, *scheduler)[0] == 2
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.3)
    nobody = lplr(
        "compress", "a.npy", "-r", 6, "-o", tmp_path / "x", "--scheduler", "tcp://[::1]:1"
    )
    assert nobody[0] == 1
    assert nobody[2].startswith("lplr: the scheduler tcp://[::1]:1 does not answer")
    assert not (tmp_path / "x").exists()


def test_what_workers_find_wrong_is_said_here(machines, folder, tmp_path, monkeypatch):
    address = machines.scale(2)

    def refusal(kind, path, **options):
        with pytest.raises(kind) as refused, open_source(str(path), scheduler=address) as source:
            compress(source, **PACKED, **options)
        return str(refused.value)

    said = refusal(ClusterError, tmp_path / "absent.npy")
    assert "absent.npy: the worker tcp://127.0.0.1:" in said
    assert "share" in said
    (tmp_path / "text").write_text("not a matrix")
    assert "not a format lplr reads" in refusal(InputError, tmp_path / "text")
    assert "only a regular file" in refusal(InputError, "-")
    assert "only a regular file" in refusal(InputError, tmp_path)
    a = np.load(folder / "a.npy")
    a[70, 3] = np.nan
    np.save(tmp_path / "nan.npy", a)
    assert "row 70, column 3" in refusal(NonFiniteError, tmp_path / "nan.npy")
    monkeypatch.setattr(dask_worker, "__version__", "0.0.0")
    said = refusal(ClusterError, folder / "a.npy")
    assert "another version of lplr" in said
    assert f"found {lplrcli.__version__}, expected 0.0.0" in said
    with pytest.raises(ClusterError, match="another version"):
        open_array(da.ones((4, 3)), scheduler=address)


def test_a_worker_that_dies_in_the_middle_of_a_pass_costs_nothing(machines, folder):
    scheduler = machines.scale(2)
    expected = bytes_of(folder / "s.mtx", **PACKED)
    seen = []

    def observer(done, total):
        seen.append(done)
        # The second pass, of which one group has come: four are with the workers.
        if len(seen) == 33 + 8:
            assert done < total
            machines.kill()

    assert bytes_of(folder / "s.mtx", scheduler=scheduler, observer=observer, **PACKED) == expected
    assert len(machines.workers) == 1
    # Blocks are reported once each, in order, and passes went on afterwards.
    assert seen[:33] == seen[33:66]
    assert len(seen) > 66


def test_one_worker_gives_the_bytes_of_one_machine(machines, folder, monkeypatch):
    same_bytes(machines.scale(1), folder, monkeypatch)


def test_arrays_urls_and_several_files_are_read_as_on_one_machine(machines, folder, tmp_path):
    scheduler = machines.scale(1)
    request = UnfoldingRequest(2)
    expected = bytes_of(folder / "u.h5", request=request, **PACKED)
    found = bytes_of(folder / "u.h5", scheduler=scheduler, request=request, **PACKED)
    assert found == expected
    with open_source(str(folder / "u.h5"), scheduler=scheduler) as source:
        assert source.unfolded(2).shape == (480, 16)
    several = {"a.npy": decaying(200, 90), "b.npy": decaying(60, 90, seed=1)}
    paths = [str(tmp_path / name) for name in several]
    for path, rows in zip(paths, several.values(), strict=True):
        np.save(path, rows)
    with open_source(paths, scheduler=scheduler) as there, open_source(paths) as here:
        assert there.name == here.name
        assert there.shape == (260, 90)
        assert np.array_equal(Passes(there).gram(), Passes(here).gram())
    expected = bytes_of(folder / "a.npy", **PACKED)
    for scheme in ("file", "local"):  # the second is read by ranges, as an object store is
        url = f"{scheme}://{folder}/a.npy"
        assert bytes_of(url, scheduler=scheduler, **PACKED) == expected


def test_work_that_is_lost_again_and_again_ends_the_run(machines):
    from concurrent.futures import CancelledError

    used = dask_cluster.Cluster(machines.scale(1))

    def lost(submitted):
        raise CancelledError

    with pytest.raises(ClusterError, match=f"{machines.address} were lost 5 times"):
        list(used.ordered("ab", str.upper, lost, 1))
    used.close()
    with pytest.raises(ClusterError, match=f"the scheduler {machines.address} is lost"):
        used.map(abs, [-1])


@dataclass(frozen=True)
class Strange(dask_worker.Opening):
    """No worker can import this module, as if lplr was not installed there."""


def test_workers_without_the_package_are_named(machines, folder):
    used = dask_cluster.Cluster(machines.scale(1))
    with pytest.raises(ClusterError, match=r"the worker tcp://127.0.0.1:\d+ cannot run lplr"):
        used.check(Strange((str(folder / "a.npy"),), "a.npy", {}).checked)
    used.close()


def test_the_last_worker_may_die_if_another_comes(machines, folder):
    scheduler = machines.scale(1)
    expected = bytes_of(folder / "s.mtx", **PACKED)
    seen = []

    def observer(done, total):
        seen.append(done)
        if len(seen) == 33 + 8:
            machines.kill()
            machines.start_worker()

    assert bytes_of(folder / "s.mtx", scheduler=scheduler, observer=observer, **PACKED) == expected


def test_no_workers_and_no_package(machines, folder, monkeypatch):
    address = machines.scale(0)
    monkeypatch.setattr(dask_cluster, "WORKER_SECONDS", 0.1)
    with pytest.raises(ClusterError, match=f"the scheduler {address} has no workers"):
        dask_cluster.Cluster(address)
    with pytest.raises(ClusterError, match="does not answer"):
        dask_cluster.Cluster("nonsense")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"lplrcli\[dask\]"):
        open_source(str(folder / "a.npy"), scheduler=address)


def test_products_take_one_thread_until_the_last_task_ends():
    def threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(2, "blas"):
        with dask_worker._one_blas_thread():
            with dask_worker._one_blas_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == {2}


@pytest.mark.parametrize(
    "error", [NonFiniteError(3, (1, 2), path="a"), InputError("x", path="b", found=1, advice="c")]
)
def test_errors_travel(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
