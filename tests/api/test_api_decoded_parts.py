"""What is decoded is kept: products and slices share it, within a bound."""

from __future__ import annotations

import matrices
import numpy as np
import pytest

import lplrcli
from lplrcli.api.matrix import CompressedMatrix
from lplrcli.pipeline.decode import factors

ROWS, COLUMNS = 400, 60
X, Y = (np.random.default_rng(extent).standard_normal(extent) for extent in (COLUMNS, ROWS))
ASKED = {
    "factors": {"rank": 6},
    "factors+residual": {"rank": 6},
    "direct": {"rank": None},
}
MODE = pytest.mark.parametrize("mode", ["packed", *ASKED, "lattice", "means"])


@pytest.fixture(scope="module")
def made():
    a = matrices.exponential(ROWS, COLUMNS, dtype=np.float32)
    found = {mode: lplrcli.compress(a, bpc=4, mode=mode, **more) for mode, more in ASKED.items()}
    found["packed"] = lplrcli.compress(a, 6, 5)
    found["means"] = lplrcli.compress(a + 3, 6, bpc=4, mode="factors+residual", center="both")
    integers = np.round(a / np.abs(a).max() * 100).astype(np.int16)
    found["lattice"] = lplrcli.compress(integers, rel_error=0)
    return {mode: c.factorization for mode, c in found.items()}


@pytest.fixture
def decodings(monkeypatch):
    """Every chunk that is decoded: which factor's, and its number."""
    calls = []
    decode = factors._decode_chunk

    def counted(factor, *arguments):
        calls.append((id(factor.chunks), arguments[-1]))
        return decode(factor, *arguments)

    monkeypatch.setattr(factors, "_decode_chunk", counted)
    return calls


@MODE
def test_after_a_product_nothing_is_decoded_again(made, mode, decodings):
    c = CompressedMatrix(made[mode])
    first = c @ X
    assert decodings
    assert len(set(decodings)) == len(decodings)
    decodings.clear()
    np.testing.assert_array_equal(c @ X, first)
    _ = Y @ c, c.T @ Y, c[7], c[3:50, 2], c[[4, 2]], np.asarray(c)
    assert decodings == []


@MODE
def test_after_a_slice_it_is_not_decoded_again(made, mode, decodings):
    c = CompressedMatrix(made[mode])
    part = c[7]
    assert decodings or mode == "packed"
    decodings.clear()
    np.testing.assert_array_equal(c[7], part)
    _ = c[7, 3:9], c[[7]]
    assert decodings == []
    whole = np.asarray(c)
    decodings.clear()
    np.testing.assert_array_equal(np.asarray(c), whole)
    _ = c @ X, Y @ c
    assert decodings == []


@MODE
@pytest.mark.parametrize("most", [0, 1000, 20_000, 150_000, 10**9])
def test_the_bound_holds_and_changes_no_value(made, mode, most):
    reference = np.asarray(CompressedMatrix(made[mode], cache_bytes=0))
    wide = reference.astype(np.float64)
    c = CompressedMatrix(made[mode], cache_bytes=most)
    slack = {"rtol": 1e-4, "atol": 1e-4 * np.abs(wide).max() * ROWS**0.5}
    if mode == "lattice":
        slack = {"rtol": 1e-9}
    for _ in range(2):
        for found, expected in [
            (c @ X, wide @ X), (Y @ c, Y @ wide), (c.T @ Y, wide.T @ Y), (X @ c.T, wide @ X)
        ]:  # fmt: skip
            np.testing.assert_allclose(found, expected, **slack)
            assert found.dtype == np.float64
        assert c._decoded.kept.held <= most
        for index in (5, (slice(20, 300, 7), slice(None, None, -1)), ([3, 399, 3], [0, 59, 1])):
            np.testing.assert_allclose(
                c[index].astype(float), wide[index], rtol=1e-6, atol=1e-6 * np.abs(wide).max()
            )
            assert c[index].dtype == reference.dtype
        assert c._decoded.kept.held <= most


def test_what_has_no_room_is_decoded_each_time(made, decodings):
    c = CompressedMatrix(made["direct"], cache_bytes=1000)
    c @ X
    once = len(decodings)
    c @ X
    assert len(decodings) == 2 * once


@MODE
def test_parts_are_arrays_of_their_own(made, mode):
    c = CompressedMatrix(made[mode])
    for multiplied in (False, True):
        if multiplied:
            c @ X
        before = c[:]
        for index in (slice(None), 3, [3], (slice(2, 5), None)):
            c[index][...] = 0
        np.testing.assert_allclose(c[:].astype(float), before.astype(float), rtol=1e-5)
        before[...] = 0
        assert c[:].any()


def test_factors_that_take_longer_than_the_matrix_are_multiplied_once(made, decodings):
    full = np.random.default_rng(0).standard_normal((40, 40))
    c = lplrcli.compress(full, 40, 8)
    assert c.rank == 40
    expected = np.asarray(CompressedMatrix(c.factorization)) @ X[:40]
    c @ X[:40]
    decodings.clear()
    np.testing.assert_allclose(c @ X[:40], expected)
    assert c._decoded.kept.held >= full.nbytes
    assert decodings == []
    c.cache_bytes = 1000  # no room: the factors then
    np.testing.assert_allclose(c @ X[:40], expected)


def test_threads_share_one_decoding(made, decodings):
    from concurrent.futures import ThreadPoolExecutor

    c = CompressedMatrix(made["direct"])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: c @ X, range(8)))
    assert len(set(decodings)) == len(decodings)
    for each in found:
        np.testing.assert_array_equal(each, found[0])


def test_products_of_lattices_keep_the_type_of_the_working_precision(made):
    c = CompressedMatrix(made["lattice"])
    assert (c @ X.astype(np.float32)).dtype == np.float32
    assert (c @ np.ones(COLUMNS, np.int8)).dtype == np.float32
    assert (Y @ c).dtype == np.float64


@MODE
def test_single_points_need_no_box_of_all_their_combinations(made, mode, monkeypatch):
    rng = np.random.default_rng(0)
    index = rng.integers(-ROWS, ROWS, (50, 2)), rng.integers(0, COLUMNS, 2)
    whole = np.asarray(CompressedMatrix(made[mode]))
    slack = {"rtol": 1e-5, "atol": 1e-6 * float(np.abs(whole).max())}
    c = CompressedMatrix(made[mode], cache_bytes=0)
    boxes = []
    part = c._decoded.part
    monkeypatch.setattr(c._decoded, "part", lambda box: boxes.append(box.shape) or part(box))
    monkeypatch.setattr("lplrcli.api.decoded_parts._BOX_ENTRIES", 60)
    for _ in range(2):
        found = c[index]
        np.testing.assert_allclose(found.astype(float), whole[index].astype(float), **slack)
        np.testing.assert_array_equal(c.T[index[::-1]], found)
    mask = whole > np.median(whole)
    np.testing.assert_allclose(c[mask].astype(float), whole[mask].astype(float), **slack)
    assert max(map(np.prod, boxes)) <= 60
