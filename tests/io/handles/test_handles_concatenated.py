"""Several files as one matrix: rows, blocks and errors."""

from __future__ import annotations

import itertools

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, NotAMatrixError, PlanError, UnknownFormatError
from lplrcli.io import UnfoldingRequest, open_array, open_source
from lplrcli.io.formats.raw import RawLayout
from lplrcli.model.source import Unfolding

CUBE = np.random.default_rng(1).standard_normal((12, 5, 4))


def blocks(source):
    with source:
        return list(source.map_blocks(lambda block: (block.start, block.values.copy())))


def whole(source):
    return np.concatenate([values for _, values in blocks(source)])


def saved(folder, array, cuts, order="C"):
    paths = []
    for number, part in enumerate(np.split(array, cuts)):
        paths.append(str(folder / f"part-{number}.npy"))
        np.save(paths[-1], np.asarray(part, order=order))
    return paths


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cuts=st.sets(st.integers(1, 11)).map(sorted),
    axes=st.integers(1, 2),
    order=st.sampled_from("CF"),
)
def test_arrays_are_joined_along_the_first_axis(tmp_path, cuts, axes, order):
    paths = saved(tmp_path, CUBE, cuts, order)
    source = open_source(paths, request=UnfoldingRequest(axes))
    assert source.unfolding == Unfolding.of(CUBE.shape, axes)
    np.testing.assert_array_equal(whole(source), CUBE.reshape(source.shape))


def test_it_is_unfolded_in_another_way(tmp_path):
    source = open_source(saved(tmp_path, CUBE, [5]))
    np.testing.assert_array_equal(whole(source.unfolded(2)), CUBE.reshape(60, 4))


def test_grids_are_those_of_the_whole(tmp_path):
    paths = saved(tmp_path, CUBE[:, 0], [5])
    source = open_source(paths, request=UnfoldingRequest(None, (3, 4), None))
    assert source.unfolding.row_grid == (3, 4)
    with pytest.raises(PlanError, match="product of 12"):
        open_source(paths, request=UnfoldingRequest(None, (5,), None))


@pytest.mark.parametrize("cuts", [[1], [100, 101, 2000], [168], [2999]])
def test_blocks_are_those_of_the_one_matrix(tmp_path, cuts):
    a = np.random.default_rng(2).integers(0, 99, (3000, 1500)).astype(np.int64)
    np.save(tmp_path / "a.npy", a)
    found = blocks(open_source(saved(tmp_path, a, cuts), threads=2))
    expected = blocks(open_source(str(tmp_path / "a.npy"), threads=2))
    for (start, values), (wanted, rows) in zip(found, expected, strict=True):
        assert start == wanted
        assert values.flags.c_contiguous
        np.testing.assert_array_equal(values, rows)


@pytest.mark.parametrize("cuts", [[1], [700, 1500, 1501]])
def test_sparse_blocks_are_those_of_the_one_matrix(tmp_path, cuts):
    a = sp.random_array((2500, 30), density=0.1, rng=1, format="csr")
    paths = []
    edges = [0, *cuts, 2500]
    for number, (first, last) in enumerate(itertools.pairwise(edges)):
        paths.append(str(tmp_path / f"{number}"))
        if number % 2:
            with open(paths[-1], "wb") as file:  # noqa: PTH123
                scipy.io.mmwrite(file, a[first:last], precision=17)
        else:
            with open(paths[-1], "wb") as file:  # noqa: PTH123
                sp.save_npz(file, a[first:last])

    def arrays(source):
        assert source.sparse
        return list(source.map_blocks(lambda block: (block.start, block.values)))

    for (start, rows), (wanted, those) in zip(
        arrays(open_source(paths)), arrays(open_array(a)), strict=True
    ):
        assert start == wanted
        assert_same(rows, those)
    # Products sum over the transpose: that of the whole, or their last bits would be others.
    assert_same(open_source(paths).columns(), open_array(a).columns())


def assert_same(found, wanted):
    assert found.shape == wanted.shape
    for field in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(found, field), getattr(wanted, field))


def test_formats_may_differ(tmp_path):
    a = CUBE[:, 0]
    np.save(tmp_path / "a", a[:3])
    np.savez_compressed(tmp_path / "b", a[3:4])
    with h5py.File(tmp_path / "c", "w") as file:
        file["u"] = a[4:]
    paths = [str(tmp_path / name) for name in ("a.npy", "b.npz", "c")]
    source = open_source(paths)
    assert (source.format, source.name) == ("mixed", f"{paths[0]} ... {paths[-1]}")
    np.testing.assert_array_equal(whole(source), a)
    assert open_source([paths[0]] * 2).format == "npy"


def test_raw_files_have_one_layout(tmp_path):
    paths = [str(tmp_path / name) for name in "ab"]
    for path, part in zip(paths, (CUBE[:6], CUBE[6:]), strict=True):
        part.tofile(path)
    source = open_source(paths, layout=RawLayout.of((6, 5, 4), "f8"))
    np.testing.assert_array_equal(whole(source), CUBE.reshape(12, 20))


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        (np.ones((3, 5)), "the shape differs from that of .*0.npy.*rows x 5, expected rows x 4"),
        (np.ones((3, 2, 2)), "found rows x 2 x 2, expected rows x 4"),
        (np.ones((3, 4), np.float32), "the type differs .*: found float32, expected float64"),
    ],
)
def test_what_cannot_be_joined(tmp_path, other, fault):
    paths = [str(tmp_path / f"{number}.npy") for number in range(3)]
    for path, array in zip(paths, (np.ones((2, 4)), np.ones((1, 4)), other), strict=True):
        np.save(path, array)
    with pytest.raises(InputError, match=fault) as caught:
        open_source(paths)
    assert str(caught.value).startswith(paths[2])


def test_sparse_and_dense_are_not_joined(tmp_path):
    paths = [str(tmp_path / "0.npz"), str(tmp_path / "1.npz")]
    sp.save_npz(paths[0], sp.coo_array(np.eye(3)))
    np.savez(paths[1], np.eye(3))
    with pytest.raises(InputError, match=r"storage differs.*found dense, expected sparse"):
        open_source(paths)


def test_an_error_in_a_file_names_it_and_closes_the_others(tmp_path):
    paths = saved(tmp_path, CUBE, [4])
    for content, kind in ((b"hello", UnknownFormatError), (None, InputError)):
        if content is not None:
            (tmp_path / "bad").write_bytes(content)
        else:
            (tmp_path / "bad").unlink()
        with pytest.raises(kind, match="bad"):
            open_source([*paths, str(tmp_path / "bad")])
    np.save(tmp_path / "v.npy", np.ones(3))
    with pytest.raises(NotAMatrixError, match=r"v\.npy: .*1-dimensional"):
        open_source([*paths, str(tmp_path / "v.npy")])
