"""The error reported is the error of what decoding gives back, for every input and method."""

from __future__ import annotations

import matrices
import naive
import numpy as np
import pytest
import scipy.sparse as sp
from ml_dtypes import bfloat16

import lplrcli
from lplrcli.errors import InputError, LplrError, NonFiniteError, PlanError
from lplrcli.io import open_array
from lplrcli.pipeline.measure import error, sparse_error

METHODS = ["rate-distortion", "packed", "lplr", "lsvd", "dsvd", "nq"]
METHOD = pytest.mark.parametrize("method", METHODS)


def compress(a, method, rank=6, bits=4, **more):
    if method == "rate-distortion":
        return lplrcli.compress(a, rel_error=0.02, **more)
    return lplrcli.compress(a, None if method == "nq" else rank, bits, method=method, **more)


def scaled(a):
    """In float64, divided by the power of two of its largest entry: no square leaves the range."""
    wide = np.asarray(a).astype(np.float64)
    return wide, int(np.frexp(np.abs(wide).max())[1])


def assert_report_is_true(a, found):
    decoded = np.asarray(found)
    assert decoded.dtype == a.dtype
    assert decoded.shape == a.shape
    wide, exponent = scaled(a)
    original = np.ldexp(wide, -exponent)
    back = np.ldexp(decoded.astype(np.float64), -exponent)
    assert np.all(np.isfinite(back))
    report = found.report
    assert report.exact
    assert report.relative_frobenius_error == pytest.approx(
        naive.relative_error(original, back), rel=1e-4, abs=1e-7
    )
    assert np.ldexp(report.max_abs_error, -exponent) == pytest.approx(
        np.abs(original - back).max(), rel=1e-4, abs=1e-7
    )
    # A norm among the denormals is rounded to a multiple of the smallest.
    norm = np.ldexp(np.linalg.norm(original), exponent)
    assert report.source_norm == pytest.approx(norm, rel=1e-6, abs=1e-323)


def integers(dtype):
    """All of the type's range."""
    limits = np.iinfo(dtype)
    unit = matrices.exponential(60, 40, dtype=np.float64)
    unit = (unit - unit.min()) / (unit.max() - unit.min()) * 0.999
    span = float(limits.max) - float(limits.min)
    return np.floor(unit * span + float(limits.min)).astype(dtype)


BASE = matrices.exponential(60, 40, dtype=np.float64)
UNIT = BASE / np.abs(BASE).max()
ORDINARY = {
    **{str(np.dtype(t)): integers(t) for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")},
    "bool": BASE > 0,
    "float16": BASE.astype(np.float16),
    "bfloat16": BASE.astype(bfloat16),
    "float32": BASE.astype(np.float32),
    "float64": BASE,
    "big endian": BASE.astype(">f8").astype("f8"),
    "zero": np.zeros((30, 20)),
    "constant": np.full((30, 20), 3.0, np.float32),
    "rank 1": np.outer(np.arange(1.0, 31), np.arange(1.0, 21)),
    "duplicated rows": np.repeat(BASE[:3], 20, axis=0),
    "one row": BASE[:1],
    "one column": np.ascontiguousarray(BASE[:, :1]),
    "one entry": np.array([[2.5]]),
    "n < d": np.ascontiguousarray(BASE.T),
    "rank above n and d": BASE[:5, :4].copy(),
}
EXTREME = {
    "float64 1e-30": UNIT * 1e-30,
    "float64 1e30": UNIT * 1e30,
    "float64 1e-300": UNIT * 1e-300,
    "float64 1e300": UNIT * 1e300,
    "float64 denormals": UNIT * 1e-310,
    "float64 smallest denormals": UNIT * 1e-322,
    "float32 1e-30": (UNIT * 1e-30).astype(np.float32),
    "float32 1e30": (UNIT * 1e30).astype(np.float32),
    "float32 3e38": (UNIT * 3e38).astype(np.float32),
    "float32 denormals": (UNIT * 1e-40).astype(np.float32),
    "bfloat16 1e38": (UNIT * 1e38).astype(bfloat16),
    "float16 denormals": (UNIT * 6e-6).astype(np.float16),
    "one huge entry": np.where(np.arange(2400).reshape(60, 40) == 77, 1e200, UNIT),
}
# Where the largest entries fill the type's range, quantized ones come to lie beyond.
FULL = {
    "float16 full range": np.where(BASE > 0, 65504, -65504).astype(np.float16),
    "bfloat16 full range": np.where(BASE > 0, 3.38e38, -3.38e38).astype(bfloat16),
    "float32 full range": np.where(BASE > 0, 3.4e38, -3.4e38).astype(np.float32),
}


@METHOD
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_inputs(name, method):
    a = ORDINARY[name]
    assert_report_is_true(a, compress(a, method))


@METHOD
@pytest.mark.parametrize("name", EXTREME)
def test_extreme_scales(name, method):
    a = EXTREME[name]
    assert_report_is_true(a, compress(a, method, bits=8))


@METHOD
@pytest.mark.parametrize("name", FULL)
def test_entries_at_the_end_of_the_type_stay_finite(name, method):
    a = FULL[name]
    assert_report_is_true(a, compress(a, method, bits=2))


@METHOD
@pytest.mark.parametrize("bits", [1, 4])
def test_the_whole_range_of_float64_works_or_is_refused_in_words(method, bits):
    # The distance of two entries, the norm, and hence the report, leave the range of float64.
    a = np.where(BASE > 0, 1.7e308, -1.7e308)
    try:
        found = compress(a, method, bits=bits)
    except (InputError, PlanError):
        return
    decoded = np.asarray(found)
    assert np.all(np.isfinite(decoded))
    assert found.report.relative_frobenius_error == pytest.approx(
        naive.relative_error(a / 2.0**1020, decoded / 2.0**1020), rel=1e-4
    )
    assert found.size_report.file_bytes > 0  # which demands a report the format can hold


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@METHOD
def test_the_error_does_not_depend_on_the_scale(scale, method):
    # A power of two, so that nothing rounds differently.
    scale = 2.0 ** round(np.log2(scale))
    plain, large = (compress(a, method).report for a in (BASE, BASE * scale))
    assert large.relative_frobenius_error == pytest.approx(plain.relative_frobenius_error, rel=0.01)


@METHOD
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_entries_that_are_not_finite_are_refused(method, wrong, form):
    a = BASE.copy()
    a[41, 7] = a[41, 9] = wrong
    with pytest.raises(NonFiniteError, match=r"2 entries .* row 41, column 7") as caught:
        compress(form(a), method)
    assert caught.value.count == 2
    assert caught.value.position == (41, 7)


@pytest.mark.parametrize("method", ["packed", "lplr", "lsvd", "dsvd"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inner_products_agree_with_comparing_entries(method, dtype, monkeypatch):
    # What a sparse matrix too large to be made dense is measured by.
    a = sp.random_array((1500, 120), density=0.1, rng=0, dtype=dtype).tocsr()
    exact = compress(a, method).report
    monkeypatch.setattr(sparse_error, "DENSE_ENTRIES", 0)
    found = compress(a, method).report
    assert found.exact
    assert found.max_abs_error is None
    assert found.source_norm == pytest.approx(exact.source_norm, rel=1e-12)
    assert found.relative_frobenius_error == pytest.approx(exact.relative_frobenius_error, rel=1e-5)


def test_inner_products_of_integers_are_called_an_estimate(monkeypatch):
    a = sp.random_array((200, 50), density=0.1, rng=0)
    a.data = np.ceil(a.data * 50)
    monkeypatch.setattr(sparse_error, "DENSE_ENTRIES", 0)
    report = compress(a.astype(np.int16), "packed").report
    assert not report.exact


def test_assessing_another_copy_finds_the_same_error():
    found = compress(BASE, "packed")
    with open_array(BASE) as source:
        report = error.assess(source, found.factorization, threads=2)
    assert report.relative_frobenius_error == found.report.relative_frobenius_error
    assert report.passes == 2  # one for the norm, which decides the scale of the sums


def test_assessing_a_matrix_of_another_shape_is_refused():
    found = compress(BASE, "packed")
    with open_array(BASE[:-1]) as source, pytest.raises(InputError, match="shape"):
        error.assess(source, found.factorization, threads=1)


def test_assessing_a_matrix_with_nan_is_refused_with_its_place():
    found = compress(BASE, "packed")
    other = BASE.copy()
    other[50, 3] = np.nan
    with open_array(other) as source, pytest.raises(NonFiniteError) as caught:
        error.assess(source, found.factorization, threads=1)
    assert caught.value.position == (50, 3)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_assessing_a_matrix_of_quite_another_scale(scale):
    found = compress(BASE, "packed")
    with open_array(BASE * scale) as source:
        report = error.assess(source, found.factorization, threads=1)
    assert report.relative_frobenius_error >= 0.99


def test_passes_are_counted():
    assert compress(BASE, "nq").report.passes == 3  # range, codes, measurement
    assert compress(BASE, "lplr").report.passes == 3  # sketch and range, refit, measurement


@pytest.mark.parametrize(
    "options",
    [
        {"method": "best", "rank": 3}, {"rank": None}, {"rank": 0}, {"rank": 3, "bits": 0},
        {"rank": 3, "bits": 17}, {"rank": 3, "bits_right": 17}, {"rank": 3, "sketch": "dct"},
        {"rank": 3, "method": "nq"}, {"method": "nq", "bits_right": 3},
        {"rank": 3, "power_iterations": 0}, {"rank": 3, "method": "lsvd", "power_iterations": 1},
        {"rank": 3, "method": "lplr", "oversampling": 1}, {"rank": 3, "oversampling": -1},
        {"rank": 3, "seed": -1}, {"rank": 3, "seed": 2**64}, {"rank": 3, "threads": 0},
    ],
    ids=str,
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(PlanError) as caught:
        lplrcli.compress(BASE, **options)
    assert isinstance(caught.value, LplrError)
