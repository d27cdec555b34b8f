"""Range, norm and entries that are not finite, against NumPy on the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from block_samples import COLUMNS, DTYPES, KINDS, ROWS, block, matrix, passes
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, NonFiniteError
from lplrcli.io import open_array
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.scan import (
    SAFE_EXPONENT,
    checked_scan,
    linear_products_are_safe,
    norm_of,
    range_of,
    safe_exponent,
    scan_block,
)


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, np.nan, np.inf, -np.inf]))
@settings(deadline=None, max_examples=40)
def test_scan_of_zeros_and_duplicates_that_are_stored(seed, wrong):
    generator = np.random.default_rng(seed)
    count = int(generator.integers(0, 60))
    places = generator.integers(0, ROWS, count), generator.integers(0, COLUMNS, count)
    values = generator.integers(-2, 3, count).astype(np.float64)  # zeros among them
    if wrong is not None:
        values[: count // 4] = wrong
    a = sp.coo_array((values, places), (ROWS, COLUMNS))
    with np.errstate(invalid="ignore"):
        dense = a.toarray()
        source = open_array(a)
    bad = np.argwhere(~np.isfinite(dense))
    if len(bad) == 0:
        scan = Passes(source).scan()
        assert (scan.low, scan.high) == (dense.min(), dense.max())
        assert scan.norm == pytest.approx(np.linalg.norm(dense))
        return
    with pytest.raises(NonFiniteError) as caught:
        Passes(source).scan()
    assert caught.value.count == len(bad)
    assert caught.value.position == tuple(bad[0])


@KINDS
@DTYPES
def test_scan_finds_range_and_norm(kind, dtype):
    a = matrix(dtype)
    a.data = a.data + dtype(0.5)  # zeros are not stored, yet count
    scan = passes(kind, a).scan()
    dense = a.toarray()
    assert (scan.low, scan.high) == (dense.min(), dense.max())
    assert scan.norm == pytest.approx(np.linalg.norm(dense.astype(np.float64)), rel=1e-12)
    assert scan.exponent == 0


@KINDS
def test_sparse_rows_without_entries(kind):
    a = sp.coo_array(([2.0], ([57], [3])), (ROWS, COLUMNS))
    found = passes(kind, a)
    assert found.scan().norm == 2
    assert found.gram()[3, 3] == 4


@KINDS
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_extreme_scales_are_brought_near_one_by_a_power_of_two(kind, scale):
    a = matrix() * scale
    found = passes(kind, a)
    scan = found.scan()
    scaled = a.toarray() / 2.0**scan.exponent
    assert 0.5 <= np.abs(scaled).max() <= 1
    assert scan.norm == pytest.approx(np.linalg.norm(scaled), rel=1e-12)
    np.testing.assert_array_equal(found.dense(), scaled)


@KINDS
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted_and_located(kind, wrong):
    a = matrix().toarray()
    a[31, 5] = a[31, 9] = a[77, 0] = wrong
    with pytest.raises(NonFiniteError) as caught:
        passes(kind, sp.csr_array(a)).scan()
    assert caught.value.count == 3
    assert caught.value.position == (31, 5)


@KINDS
@given(st.lists(st.integers(1, ROWS - 1), max_size=8, unique=True))
@settings(max_examples=20)
def test_scans_of_blocks_make_that_of_the_whole(kind, cuts):
    a = matrix()
    places = [0, *sorted(cuts), ROWS]
    scans = [scan_block(block(kind, a, *span)) for span in pairwise(places)]
    dense = a.toarray()
    assert sum(scan.rows for scan in scans) == ROWS
    assert range_of(scans) == (dense.min(), dense.max())
    assert norm_of(scans) == pytest.approx(np.linalg.norm(dense), rel=1e-12)


@given(st.floats(2.0**-1000, 2.0**1000), st.booleans())
def test_the_exponent_is_zero_where_products_of_two_entries_stay_within_float32(largest, negative):
    exponent = safe_exponent(-largest if negative else 0.0, 0.0 if negative else largest)
    if exponent == 0:
        assert 2.0 ** (-SAFE_EXPONENT - 1) <= largest <= 2.0**SAFE_EXPONENT
        assert np.isfinite(np.float32(largest) ** 2) and np.float32(largest) ** 2 > 0
    else:
        assert 0.5 <= largest / 2.0**exponent < 1
        assert not 2.0**-SAFE_EXPONENT <= largest < 2.0**SAFE_EXPONENT


def test_zeros_need_no_scale():
    assert safe_exponent(0.0, 0.0) == 0


@DTYPES
def test_sums_of_a_million_entries_times_gaussians_are_finite_where_linear_products_are_safe(dtype):
    working = np.dtype(dtype)
    exponents = [e for e in range(-2000, 2000) if linear_products_are_safe(e, working)]
    assert exponents == list(range(-exponents[-1], exponents[-1] + 1))
    largest = np.ldexp(working.type(1), exponents[-1])
    assert np.isfinite(largest * working.type(1e6 * 10))
    assert np.ldexp(working.type(1e-6), exponents[0]) >= np.finfo(working).tiny


def test_a_norm_beyond_float64_is_refused():
    assert checked_scan(-1.0, 3.0, 0.5, 1024, "a").source_norm == 2.0**1023
    with pytest.raises(InputError, match="norm of the matrix overflows") as caught:
        checked_scan(-1.0, 3.0, 1.0, 1024, "a")
    assert caught.value.found == "entries from -1 to 3"
