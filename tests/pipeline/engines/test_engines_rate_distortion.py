"""The rate-distortion engine keeps its promises: modes, exactness, the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

import matrices
import numpy as np
import pytest
import scipy.sparse as sp
from any_matrix import MODES, distances, reopened
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import TargetUnreachableError

TESTDATA = Path(__file__).parents[3] / "testdata"


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, "factors", "factors+residual"])
def test_a_rank_is_a_limit(mode):
    a = matrices.exponential(200, 150)
    for goal in ({"rel_error": 0.8}, {"bpc": 1.0}):
        found = lplrcli.compress(a, rank=30, mode=mode, **goal)
        assert found.rank <= 30
        assert found.plan.mode in ("factors", "factors+residual")
    # The residual makes up for the rank.
    if mode != "factors":
        found = lplrcli.compress(a, rank=5, rel_error=0.02, mode=mode)
        assert found.rank <= 5
        assert distances(a, np.asarray(found))[0] <= 0.02


# -- no error at all

LATTICES = {
    "bytes": np.load(TESTDATA / "img_camera.npy")[:60, :50],
    "int8": np.random.default_rng(0).integers(-128, 128, (40, 30), np.int8),
    "int32 of all sizes": np.random.default_rng(0).integers(-(2**27), 2**27, (40, 30), np.int32),
    "bool": np.random.default_rng(0).random((40, 30)) < 0.1,
    "one hot": np.eye(50, dtype=np.float32),
    "halves": np.random.default_rng(0).integers(-9, 9, (40, 30)) / 2,
    "float16 eighths": (np.random.default_rng(0).integers(-9, 9, (40, 30)) / 8).astype(np.float16),
    "bfloat16": np.random.default_rng(0).integers(-99, 99, (40, 30)).astype(bfloat16),
    "zero": np.zeros((20, 10)),
    "constant": np.full((20, 10), 0.1),
    "one entry": np.array([[1e-300]]),
    "huge": np.random.default_rng(0).integers(-9, 9, (40, 30)) * 2.0**1000,
    "denormal": np.random.default_rng(0).integers(-9, 9, (40, 30)) * 5e-324,
}


@pytest.mark.parametrize("name", LATTICES)
def test_multiples_of_a_number_can_be_stored_without_error(name, tmp_path):
    a = LATTICES[name]
    found = lplrcli.compress(a, rel_error=0)
    assert found.report.relative_frobenius_error == 0
    decoded = reopened(found, tmp_path)
    assert decoded.dtype == a.dtype
    np.testing.assert_array_equal(decoded.astype(np.float64), a.astype(np.float64))


@pytest.mark.parametrize("rows", [20, 3000])
def test_lossless_files_are_about_as_small_as_the_entropy(rows):
    a = np.random.default_rng(0).binomial(20, 0.5, (rows, 40)).astype(np.uint8)
    shares = np.unique(a, return_counts=True)[1] / a.size
    entropy = -np.sum(shares * np.log2(shares)) * a.size / 8
    found = lplrcli.compress(a, rel_error=0)
    assert found.size_report.file_bytes <= 1.01 * entropy + 700


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["factors", "factors+residual"])
def test_factors_cannot(dtype, mode):
    a = np.random.default_rng(0).standard_normal((50, 40)).astype(dtype)
    with pytest.raises(TargetUnreachableError, match="without error"):
        lplrcli.compress(a, rel_error=0, mode=mode)


# -- the three modes


@pytest.fixture(scope="module")
def of_mode():
    a = matrices.low_rank(300, 120, 8, noise=0.3, dtype=np.float64)
    return {mode: lplrcli.compress(a, bpc=2, mode=mode) for mode in MODES}


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_that_is_forced_is_taken(mode, of_mode):
    found = of_mode[mode]
    assert found.plan.mode == found.plan.target.mode == mode
    assert (found.rank > 0) == ("factors" in mode)
    assert (found.factorization.residual is not None) == (mode != "factors")
    assert set(found.plan.predictions) == {mode}


def test_the_best_mode_is_chosen():
    a = matrices.low_rank(300, 200, 8, noise=0.3)
    found = {mode: lplrcli.compress(a, bpc=2, mode=mode) for mode in [None, *MODES]}
    errors = {mode: one.report.relative_frobenius_error for mode, one in found.items()}
    assert found[None].plan.mode == "factors+residual"
    assert errors[None] == min(errors.values())
    assert set(found[None].plan.predictions) == set(MODES)
    for mode in MODES:
        assert found[mode].plan.predictions[mode] == pytest.approx(errors[mode], rel=0.15)


def test_white_noise_is_coded_directly():
    a = np.random.default_rng(0).standard_normal((200, 150))
    assert lplrcli.compress(a, bpc=4).plan.mode == "direct"


@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_slices_are_those_of_the_whole(mode, of_mode, data):
    c = of_mode[mode]
    index = tuple(data.draw(st.slices(n) | st.integers(0, n - 1)) for n in c.shape)
    whole = np.asarray(c)
    expected = whole[index]
    assert np.shape(c[index]) == np.shape(expected)
    np.testing.assert_allclose(c[index], expected, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("mode", MODES)
def test_products_are_those_of_the_whole(mode, of_mode):
    c, whole = of_mode[mode], np.asarray(of_mode[mode])
    x = np.random.default_rng(0).standard_normal((120, 3))
    y = np.random.default_rng(1).standard_normal((2, 300))
    np.testing.assert_allclose(c @ x, whole @ x, atol=1e-11 * np.abs(whole @ x).max())
    np.testing.assert_allclose(y @ c, y @ whole, atol=1e-11 * np.abs(y @ whole).max())


# -- ordinary extremes

EXTREMES = {
    "constant": np.full((40, 30), 0.1),
    "zero": np.zeros((40, 30), np.float32),
    "rank 1": np.outer(np.arange(1.0, 41), np.sqrt(np.arange(1.0, 31))),
    "one entry": np.array([[0.1]]),
    "one row": np.random.default_rng(0).standard_normal((1, 500)),
    "one column": np.random.default_rng(0).standard_normal((500, 1)),
    "one entry that is not zero": np.where(np.arange(1200).reshape(40, 30) == 77, 1e-9, 0.0),
}


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_in_every_mode(name, mode):
    a = EXTREMES[name]
    by_error = lplrcli.compress(a, rel_error=0.03, mode=mode)
    assert distances(a, np.asarray(by_error))[0] <= 0.03
    by_size = lplrcli.compress(a, size=1500, mode=mode)
    assert by_size.size_report.file_bytes <= 1500
    assert distances(a, np.asarray(by_size))[0] <= 1.0001


def test_a_zero_matrix_takes_the_smallest_file_there_is():
    found = lplrcli.compress(np.zeros((400, 300)), bpc=1)
    assert found.report.relative_frobenius_error == 0
    assert found.size_report.file_bytes < 700


# -- the same bytes, always


def file_bytes(compressed):
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return stream.getvalue()


def many_blocks():
    """Two blocks of rows and more: something to divide among threads."""
    return matrices.decaying(4400, 120)


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize(
    "options",
    [{"rel_error": 0.1}, {"bpc": 1.5, "mode": "factors+residual"}],
    ids=str,
)
def test_threads_change_no_byte(options):
    a = many_blocks()
    assert len({file_bytes(lplrcli.compress(a, threads=t, **options)) for t in (1, 3)}) == 1


@pytest.mark.usefixtures("few_states")
def test_the_seed_decides_where_a_sketch_is_made():
    a = matrices.exponential(30, 1500)
    first, again, other = (file_bytes(lplrcli.compress(a, bpc=1, seed=s)) for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.usefixtures("few_states")
def test_memory_layout_changes_no_byte():
    a = matrices.exponential(200, 150)
    files = [lplrcli.compress(form, rel_error=0.1) for form in (a, np.asfortranarray(a))]
    assert file_bytes(files[0]) == file_bytes(files[1])


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        (np.float32, {"bpc": 0.8}),
        (np.float64, {"rel_error": 0.3}),
        (np.float32, {"max_abs_error": 0.05}),
    ],
)
def test_sparse_matrices_are_taken(dtype, options):
    a = sp.random_array((400, 80), density=0.05, rng=0, dtype=dtype)
    dense, sparse = (lplrcli.compress(form, **options) for form in (a.toarray(), a.tocsr()))
    assert sparse.plan.mode == dense.plan.mode
    assert sparse.size_report.file_bytes == pytest.approx(
        dense.size_report.file_bytes, rel=0.02, abs=64
    )
    assert distances(a.toarray(), np.asarray(sparse))[0] == pytest.approx(
        dense.report.relative_frobenius_error, rel=0.05
    )


def test_a_sparse_pattern_is_stored_without_error():
    a = sp.random_array((300, 100), density=0.03, rng=0, dtype=np.float32)
    a.data[:] = 1
    found = lplrcli.compress(a, rel_error=0)
    np.testing.assert_array_equal(np.asarray(found), a.toarray())
    assert found.size_report.bits_per_coordinate < 0.5


@pytest.mark.usefixtures("few_states")
def test_a_matrix_too_large_to_hold_its_residual_gives_the_same(monkeypatch):
    # Computed anew for every coding, and sampled from places all over the matrix.
    from lplrcli.pipeline.encode import residual

    a = matrices.low_rank(2000, 60, 4, noise=0.2)
    held = lplrcli.compress(a, bpc=1.5)
    monkeypatch.setattr(residual, "_HELD", 0)
    computed = lplrcli.compress(a, bpc=1.5)
    assert computed.plan.mode == held.plan.mode == "factors+residual"
    assert computed.size_report.file_bytes <= 1.5 * a.size / 8
    assert computed.report.relative_frobenius_error == pytest.approx(
        held.report.relative_frobenius_error, rel=0.02
    )


def test_fewer_states_serve_larger_matrices(request):
    a = matrices.exponential(200, 150)
    many = lplrcli.compress(a, bpc=1, mode="factors")
    request.getfixturevalue("few_states")
    few = lplrcli.compress(a, bpc=1, mode="factors")
    assert (
        few.factorization.left.coding_parameters[0]
        == 3
        < many.factorization.left.coding_parameters[0]
    )
    ratio = few.report.relative_frobenius_error / many.report.relative_frobenius_error
    assert 1 <= ratio < 1.06
