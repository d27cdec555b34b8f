"""Karhunen-Loève transform of factors: chosen where it pays, and every promise is kept."""

from __future__ import annotations

import io

import naive
import numpy as np
import pytest

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode import klt_bases
from lplrcli.transform.klt import certain_vectors, orthonormal

GRID = (26, 21)
GRANULE = 64
"""A file grows in steps of this many bytes."""


pytestmark = pytest.mark.usefixtures("few_states_throughout")


def chirps(grid=GRID, columns=12, seed=0, noise=1e-4):
    """Sums of products of a few chirps: of low rank along every axis, and smooth along none."""
    generator = np.random.default_rng(seed)
    found = generator.standard_normal((*[3] * len(grid), columns))
    for axis, extent in enumerate(grid):
        lines = np.cos(np.outer([0.1, 0.2, 0.3], np.arange(extent) ** 2) + seed)
        found = np.moveaxis(np.tensordot(lines, found, (0, axis)), 0, axis)
    found += noise * generator.standard_normal(found.shape)
    return found.reshape(-1, columns).astype(np.float32)


CHIRPS = chirps()


def compressed(a=CHIRPS, rel_error=0.02, transform="klt", grid=GRID, **options):
    options = {"mode": "factors", "row_grid": grid, "threads": 1} | options
    return lplrcli.compress(a, rel_error=rel_error, transform=transform, **options)


@pytest.fixture(scope="module")
def sample(few_states_throughout):
    return compressed()


def file_bytes(found):
    stream = io.BytesIO()
    write_container(stream, [found.factorization])
    return len(stream.getvalue())


# -- which transform


def test_it_is_chosen_where_it_takes_the_least_bytes(sample):
    found = compressed(transform=None)
    assert found.factorization.left.transform == "klt"
    assert file_bytes(found) == file_bytes(sample)
    assert file_bytes(found) < 0.7 * file_bytes(compressed(transform="dct"))


@pytest.mark.parametrize("error", [0.3, 0.03])
def test_it_is_not_chosen_for_noise(error):
    a = np.random.default_rng(0).standard_normal((12 * 10, 20)).astype(np.float32)
    assert compressed(a, error, None, (12, 10)).factorization.left.transform == "identity"


def test_it_is_not_chosen_for_what_is_smooth_and_small():
    x, y, t = np.ogrid[0:1:12j, 0:1:10j, 0:1:16j]
    a = np.exp(-4 * ((x - t) ** 2 + (y - t / 2) ** 2)).reshape(120, 16)
    assert compressed(a, 0.1, None, (12, 10)).factorization.left.transform == "dct"


def test_where_it_cannot_be_nothing_is_transformed():
    found = compressed(grid=(1, 546)).factorization
    assert found.left.transform == "identity" and found.left.basis is None


@pytest.mark.parametrize(
    ("grid", "possible"),
    [
        ((26, 21), True), ((546,), False), ((1, 546), False), ((546, 1, 1), False),
        ((2, 1, 2), True), ((1024, 2), True), ((1025, 2), False), ((256, 256, 256), False),
    ],
)  # fmt: skip
def test_fields_of_several_axes_have_bases_unless_they_are_too_large(grid, possible):
    assert klt_bases.may_be_transformed(grid) == possible


# -- promises


@pytest.mark.parametrize(
    ("error", "dtype"), [(0.3, np.float32), (1e-3, np.float32), (0.02, np.float64)]
)
def test_an_error_is_kept_and_told(error, dtype):
    a = CHIRPS.astype(dtype)
    found = compressed(a, error)
    assert found.factorization.left.transform == "klt"
    measured = naive.relative_error(a, np.asarray(found))
    assert measured <= error
    assert found.report.relative_frobenius_error == pytest.approx(measured, rel=1e-4)


def test_both_sides_may_have_bases():
    a = chirps((14, 12), 20) @ chirps((11, 12), 20, 1).T
    found = compressed(a, grid=(14, 12), column_grid=(11, 12))
    parts = found.factorization.parts
    assert {parts[side].transform for side in ("left", "right")} == {"klt"}
    assert {"left_basis", "right_basis"} <= parts.keys()
    assert naive.relative_error(a, np.asarray(found)) <= 0.02


def test_three_axes_and_a_residual():
    a = chirps((9, 8, 7), 16, noise=0.02)
    found = compressed(a, 0.002, grid=(9, 8, 7), mode="factors+residual")
    assert found.factorization.left.transform == "klt"
    assert naive.relative_error(a, np.asarray(found)) <= 0.002


def test_a_size_is_kept():
    found = compressed(rel_error=None, size=1500)
    assert found.factorization.left.transform == "klt"
    assert 1500 - 2 * GRANULE <= file_bytes(found) <= 1500


@pytest.mark.parametrize("scale", [1e-290, 1e290])
def test_extreme_values(scale):
    a = CHIRPS.astype(np.float64)
    found = np.asarray(compressed(a * scale)) / scale
    assert naive.relative_error(a, found) <= 0.02


@pytest.mark.parametrize("grid", [(2, 2), (2, 3), (3, 1, 2), (1, 9)])
def test_tiny_grids(grid):
    a = np.random.default_rng(0).standard_normal((int(np.prod(grid)), 5))
    assert naive.relative_error(a, np.asarray(compressed(a, 0.1, grid=grid))) <= 0.1


# -- bases


@pytest.mark.parametrize("step", [1e-3, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_bases_quantized_are_those_that_are_read(seed, step):
    values = np.random.default_rng(seed).standard_normal((4, 48))
    layout, coded = klt_bases.quantized_bases(values, (6, 8), step, 1)
    stored = decode_factor(coded.factor(1, coded.length), np.dtype(np.float64))
    assert certain_vectors(stored, (6, 8)) == len(stored)
    for read, used in zip(orthonormal(stored, (6, 8)), layout.bases, strict=True):
        np.testing.assert_array_equal(read, used)


def test_doubtful_vectors_are_not_stored(monkeypatch):
    found = iter([3, 2, 2])
    monkeypatch.setattr(klt_bases, "certain_vectors", lambda *_: next(found))
    values = np.random.default_rng(0).standard_normal((4, 48))
    layout, coded = klt_bases.quantized_bases(values, (6, 8), 0.01, 1)
    assert len(coded.classes) == 2 and [b.shape[1] for b in layout.bases] == [2, 2]


# -- decoding


def test_slices_are_those_of_the_whole(sample, tmp_path):
    sample.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as found:
        whole = np.asarray(found)
        for rows in (slice(0, 1), slice(5, 300), slice(100, 100), slice(545, None)):
            for columns in (slice(None), slice(7, 9), slice(11, 12)):
                part = found[rows, columns]
                np.testing.assert_allclose(part, whole[rows, columns], rtol=1e-5, atol=1e-5)


def test_threads_change_no_byte_and_a_file_is_the_same(sample, tmp_path):
    sample.save(tmp_path / "one.lplr")
    compressed(threads=3).save(tmp_path / "three.lplr")
    assert (tmp_path / "one.lplr").read_bytes() == (tmp_path / "three.lplr").read_bytes()
    with lplrcli.open(tmp_path / "one.lplr") as opened:
        np.testing.assert_array_equal(np.asarray(opened), np.asarray(sample))


def test_modes_of_transformed_factors(sample):
    modes, coefficients = sample.modes(), sample.coefficients()
    np.testing.assert_allclose(modes.T @ modes, np.eye(modes.shape[1]), atol=1e-9)
    whole = np.asarray(sample)
    np.testing.assert_allclose(modes @ coefficients, whole, atol=1e-5 * np.abs(whole).max())
