"""Data that lie on a grid: transformed where that pays, and only there; every promise is kept."""

from __future__ import annotations

import io
from pathlib import Path

import naive
import numpy as np
import pytest

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import LplrError

TESTDATA = Path(__file__).parents[2] / "testdata"
GRID = (24, 16)
GRANULE = 64
"""A file grows in steps of this many bytes."""


pytestmark = pytest.mark.usefixtures("few_states_throughout")


def smooth(rows=GRID, columns=60, seed=0, noise=1e-3):
    """A few separable waves over space and time, and some noise."""
    generator = np.random.default_rng(seed)
    lines = [np.arange(extent) for extent in (*rows, columns)]
    field = np.zeros((*rows, columns))
    for k in range(6):
        wave = np.ones(1)
        for line in lines:
            frequency, phase = generator.uniform(0, 0.4), generator.uniform(0, 2 * np.pi)
            wave = np.multiply.outer(wave, np.cos(frequency * line + phase))
        field += 2.0**-k * wave[0]
    return field.reshape(-1, columns) + noise * generator.standard_normal((field.size // columns,
                                                                          columns))  # fmt: skip


def file_bytes(compressed):
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return stream.getvalue()


def transforms(compressed):
    """Of L, Rᵀ and what they leave."""
    found = compressed.factorization
    parts = (found.left, found.right, found.residual)
    return [part.transform if part is not None and part.components else None for part in parts]


def content(compressed):
    """Everything coded, and nothing of the grid."""
    found = compressed.factorization
    parts = (found.left, found.right, found.residual)
    return [
        (p.quantizer_parameters, p.coding_parameters, list(p.chunks))
        for p in parts
        if p is not None
    ]


SMOOTH = smooth().astype(np.float32)


# -- which transform


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_smooth_factors_are_transformed_and_the_error_is_kept(dtype):
    a = SMOOTH.astype(dtype)
    found = lplrcli.compress(a, rel_error=0.01, row_grid=GRID, mode="factors")
    assert transforms(found) == ["dct", "dct", None]
    assert found.factorization.left.grid == GRID
    error = naive.relative_error(a, np.asarray(found))
    assert error <= 0.01
    if dtype != np.float16:  # rounded after the error is measured
        assert found.report.relative_frobenius_error == pytest.approx(error, rel=1e-4)


def test_a_size_is_kept_and_filled_and_the_error_is_less_than_without():
    allowed = 2000
    found = lplrcli.compress(SMOOTH, size=allowed, row_grid=GRID)
    assert allowed - GRANULE <= len(file_bytes(found)) <= allowed
    assert transforms(found)[:2] == ["dct", "dct"]
    # The same matrix, but neighbours are no neighbours any more.
    generator = np.random.default_rng(0)
    mixed = generator.permuted(np.arange(SMOOTH.shape[0])), generator.permuted(np.arange(60))
    without = lplrcli.compress(SMOOTH[np.ix_(*mixed)], size=allowed)
    assert transforms(without)[:2] == ["identity", "identity"]
    errors = [c.report.relative_frobenius_error for c in (found, without)]
    assert errors[0] <= 0.6 * errors[1]


UNSMOOTH = {
    "white": lambda: np.random.default_rng(0).standard_normal((320, 80)).astype(np.float32),
    "embeddings": lambda: np.load(TESTDATA / "embeddings.npy")[:320, :96],
}


@pytest.mark.parametrize("name", UNSMOOTH)
@pytest.mark.parametrize("mode", ["factors", "direct"])
def test_what_is_not_smooth_is_coded_as_if_it_had_no_grid(name, mode):
    a = UNSMOOTH[name]()
    options = {"rel_error": 0.3, "mode": mode}
    gridded = lplrcli.compress(a, row_grid=(20, 16), **options)
    assert set(transforms(gridded)) <= {"identity", None}
    assert content(gridded) == content(lplrcli.compress(a, **options))


@pytest.fixture(scope="module")
def image():
    return np.load(TESTDATA / "img_camera.npy")[64:224, 100:228]


def test_a_photograph_is_coded_directly_by_wavelets(image):
    found = lplrcli.compress(image, bpc=1.0)
    assert transforms(found) == [None, None, "cdf97"]
    assert len(file_bytes(found)) <= image.size / 8
    error = naive.relative_error(image, np.asarray(found))
    assert found.report.relative_frobenius_error == pytest.approx(error, rel=1e-4)


def test_what_factors_leave_of_a_photograph_is_coded_too(image):
    found = lplrcli.compress(image, rel_error=0.05, mode="factors+residual")
    assert None not in transforms(found)
    assert naive.relative_error(image, np.asarray(found)) <= 0.05


def test_an_array_of_three_axes_is_one_field():
    a = smooth().reshape(*GRID, 60)
    found = lplrcli.compress(a, rel_error=0.02, mode="direct")
    # It is smooth along its axes, not across them.
    assert transforms(found) == [None, None, "cdf97-tensor"]
    assert found.factorization.residual.grid == a.shape
    assert np.asarray(found).shape == a.shape
    assert naive.relative_error(a.reshape(-1, 60), np.asarray(found).reshape(-1, 60)) <= 0.02


# -- decoding


@pytest.mark.parametrize("mode", ["factors", "factors+residual", "direct"])
def test_slices_are_those_of_the_whole(mode):
    a = np.concatenate([smooth(), 2 * smooth(seed=1)]).astype(np.float32)
    found = lplrcli.compress(a, rel_error=0.02, mode=mode, row_grid=(48, 16))
    assert {"dct", "cdf97", "cdf97-tensor"} & set(transforms(found))
    whole = np.asarray(found)
    for rows in (slice(0, 1), slice(5, 21), slice(300, 768), slice(100, 100), slice(767, None)):
        for columns in (slice(None), slice(7, 9), slice(59, 60)):
            part = found[rows, columns]
            np.testing.assert_allclose(part, whole[rows, columns], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["factors", "direct"])
def test_threads_and_files_change_no_byte(mode, tmp_path):
    np.save(tmp_path / "a.npy", SMOOTH)
    options = {"rel_error": 0.02, "mode": mode, "row_grid": GRID}
    one = file_bytes(lplrcli.compress(SMOOTH, threads=1, **options))
    assert file_bytes(lplrcli.compress(SMOOTH, threads=3, **options)) == one
    from_file = lplrcli.compress(tmp_path / "a.npy", threads=2, **options)
    assert content(from_file) == content(lplrcli.compress(SMOOTH, threads=1, **options))


@pytest.mark.parametrize("mode", ["factors", "direct"])
def test_saved_and_opened_it_is_the_same(mode, tmp_path):
    found = lplrcli.compress(SMOOTH, rel_error=0.02, mode=mode, row_grid=GRID)
    found.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as opened:
        np.testing.assert_array_equal(np.asarray(opened), np.asarray(found))


# -- types and extremes


def test_integers_are_rounded_to_integers():
    a = np.rint(1000 * smooth()).astype(np.int16)
    found = lplrcli.compress(a, rel_error=0.02, row_grid=GRID, mode="direct")
    assert np.asarray(found).dtype == np.int16
    assert naive.relative_error(a, np.asarray(found)) <= 0.02


def test_integers_come_back_exactly():
    a = np.rint(50 * smooth()).astype(np.int16)
    found = lplrcli.compress(a, rel_error=0, row_grid=GRID)
    np.testing.assert_array_equal(np.asarray(found), a)


def test_largest_errors_are_kept():
    found = lplrcli.compress(SMOOTH, max_abs_error=0.01, row_grid=GRID)
    assert np.abs(np.asarray(found) - SMOOTH).max() <= 0.01


def test_nan_is_refused():
    a = SMOOTH.copy()
    a[100, 3] = np.nan
    with pytest.raises(LplrError, match=r"(?i)nan|finite"):
        lplrcli.compress(a, rel_error=0.1, row_grid=GRID)


@pytest.mark.parametrize("mode", ["factors", "factors+residual", "direct"])
@pytest.mark.parametrize(
    "grid",
    [
        (1, 9),
        (2, 2),
        (1, 1),
        (1, 1, 17),
        (17, 16),
        (2, 1, 1, 3),
    ],
)
def test_tiny_grids(mode, grid):
    a = np.cumsum(np.random.default_rng(1).standard_normal(grid), axis=-1)
    found = np.asarray(lplrcli.compress(a, rel_error=0.1, mode=mode))
    assert found.shape == grid
    assert np.linalg.norm(found - a) <= 0.1 * np.linalg.norm(a)


@pytest.mark.parametrize("grid", [(40, 1), (5, 2, 4)])
def test_thin_row_grids(grid):
    a = smooth((40, 1), 20)
    found = lplrcli.compress(a, rel_error=0.05, row_grid=grid)
    assert naive.relative_error(a, np.asarray(found)) <= 0.05


def test_a_constant_field():
    a = np.full((24, 16, 20), 3.0, np.float32)
    found = np.asarray(lplrcli.compress(a, rel_error=0.001))
    np.testing.assert_allclose(found, a, rtol=0.01)


def test_a_field_of_zeros():
    a = np.zeros((24, 16, 20), np.float32)
    assert not np.asarray(lplrcli.compress(a, rel_error=0.1)).any()
