"""Matrices at the ends of their types: every error stated is true, every one asked for is kept.

Errors are computed here in long double, of whose exponents no square of a float64 leaves the range
and whose mantissa holds all 64-bit integers. `benchmarks/error_targets.py` does the same for
thousands of random matrices.
"""

from __future__ import annotations

import math
import warnings

import matrices
import numpy as np
import pytest
import scipy.linalg
from ml_dtypes import bfloat16, finfo

import lplrcli
from lplrcli.errors import InputError, TargetUnreachableError
from lplrcli.pipeline.encode.coefficients import GREATEST

pytestmark = pytest.mark.usefixtures("few_states_throughout")

MODES = ["factors", "factors+residual", "direct"]
METHODS = ["packed", "lplr", "lsvd", "dsvd", "nq"]
FLOATS = [np.dtype(name) for name in ("float16", "float32", "float64", bfloat16)]
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]

RNG = np.random.default_rng(7)
WHITE = RNG.standard_normal((9, 7))
WHITE /= np.abs(WHITE).max()
SCALES = 10.0 ** np.linspace(-200, 200, 9)


def at_scale(scale, dtype=np.float64):
    return (WHITE * scale).astype(dtype)


def with_an_outlier(dtype, most):
    a = WHITE.astype(dtype)
    a[4, 3] = most
    return a


def next_to(dtype, end):
    """Integers within a thousand of one end of their type."""
    limits = np.iinfo(dtype)
    away = RNG.integers(0, min(1000, limits.max // 2), (9, 7)).astype(np.uint64)
    if end == "max":
        return (np.uint64(limits.max) - away).astype(dtype)
    return (np.int64(limits.min) + away.astype(np.int64)).astype(dtype)


MATRICES = {
    **{f"float64 of {scale:g}": at_scale(scale) for scale in (1e-300, 1e-160, 1e160, 1e300)},
    **{f"largest {t.name}": at_scale(float(finfo(t).max), t) for t in FLOATS if t != np.float64},
    **{f"least normal {t.name}": at_scale(float(finfo(t).smallest_normal), t) for t in FLOATS},
    **{
        f"denormal {t.name}": (np.rint(9 * WHITE) * float(finfo(t).smallest_subnormal)).astype(t)
        for t in FLOATS
    },
    **{f"outlier in {t.name}": with_an_outlier(t, finfo(t).max / 2) for t in FLOATS},
    **{f"end of {name}": next_to(name, "max") for name in INTEGERS},
    "start of int64": next_to("int64", "min"),
    "all of int64": RNG.integers(-(2**63), 2**63 - 1, (9, 7)),
    "all of uint64": RNG.integers(0, 2**64 - 1, (9, 7), np.uint64),
    "bool": WHITE > 0,
    "constant": np.full((9, 7), -math.pi),
    "rank 1": np.outer(WHITE[:, 0], WHITE[0]),
    "zero": np.zeros((9, 7), np.float32),
    "minus zero": -np.zeros((9, 7)),
    "equal rows, zero columns": WHITE[[0, 0, 1, 1, 1, 2, 2, 2, 2]] * (np.arange(7) % 2),
    "scales by row": WHITE * SCALES[:, None],
    "scales by column": WHITE * SCALES[:7],
    "Hilbert": scipy.linalg.hilbert(9),
    "Vandermonde": np.vander(np.linspace(0, 30, 9), 9),
    "orthogonal": scipy.linalg.qr(WHITE)[0],
    "1 x d": WHITE[:1] * 1e-250,
    "n x 1": WHITE[:, :1] * 1e250,
    "1 x 1": np.array([[5e-324]]),
    "of three axes": (WHITE[:6, :6] * 1e-30).astype(np.float32).reshape(2, 3, 6),
}


def true_errors(a, decoded):
    """Relative Frobenius error and largest error, in long double."""
    assert decoded.dtype == a.dtype
    assert decoded.shape == a.shape
    wide, found = a.astype(np.longdouble), decoded.astype(np.longdouble)
    assert np.isfinite(found).all()
    off = np.abs(wide - found)
    squares = np.sum(off * off)
    if squares == 0:
        return 0.0, 0.0
    return float(np.sqrt(squares / np.sum(wide * wide))), float(off.max())


def tried(a, **options):
    """True errors of what compressing gives, once they are those stated."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lplrcli.compress(a, threads=1, **options)
    relative, largest = true_errors(a, np.asarray(found))
    report = found.report
    assert report.exact
    assert report.relative_frobenius_error == pytest.approx(relative, rel=1e-9, abs=1e-17)
    most = float(np.abs(a.astype(np.longdouble)).max())
    assert report.max_abs_error == pytest.approx(largest, rel=1e-9, abs=1e-16 * most)
    return relative, largest


@pytest.mark.parametrize(("number", "name"), list(enumerate(MATRICES)))
def test_errors_are_kept_and_true_at_the_ends_of_every_type(number, name):
    a = MATRICES[name]
    goal = (0.3, 1e-3)[number % 2]
    assert tried(a, rel_error=goal, mode=MODES[number % 3])[0] <= goal
    most = float(np.abs(a.astype(np.float64)).max())
    assert tried(a, max_abs_error=0.01 * most)[1] <= 0.01 * most
    method = METHODS[number % 5]
    rank = {} if method == "nq" else {"rank": 2}
    tried(a, method=method, bits=1 + number % 16, **rank)


@pytest.mark.parametrize("name", ["all of int64", "all of uint64", "scales by row", "orthogonal"])
def test_errors_far_below_what_one_code_holds_are_kept(name):
    # One code has 29 bits: factors are the leading digits, the residual the others.
    assert tried(MATRICES[name], rel_error=1e-12)[0] <= 1e-12


@pytest.mark.parametrize("options", [{}, {"mode": "direct"}, {"rank": 3}, {"center": "both"}])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint64])
def test_the_smallest_errors_are_kept_or_refused(dtype, options):
    a = np.abs(WHITE * np.iinfo(np.int64).max).astype(dtype)
    for goal in (1e-9, 1e-17):
        try:
            assert tried(a, rel_error=goal, **options)[0] <= goal
        except TargetUnreachableError as refusal:
            assert f"{goal:g}" in str(refusal)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
@pytest.mark.parametrize("bound", [1, 200, 600, 5000])
def test_large_integers_are_measured_without_rounding_them(dtype, bound):
    # Above 2**53 neighbours are one float64, and differences of those were taken for zero.
    for end in ("max", "min") if dtype == "int64" else ("max",):
        try:
            assert tried(next_to(dtype, end), max_abs_error=bound)[1] <= bound
        except TargetUnreachableError as refusal:
            assert bound < 5000, refusal


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("float16", {}),
        ("float16", {"center": "mean-row"}),
        (bfloat16, {"mode": "factors+residual"}),
        ("int8", {"mode": "factors+residual"}),
        ("uint16", {"rank": 2}),
    ],
)
def test_rounding_to_a_narrow_type_restores_what_no_step_could_promise(dtype, options):
    a = np.abs(WHITE * (100 if np.dtype(dtype).kind in "iu" else 1)).astype(dtype)
    for goal in ({"rel_error": 1e-11}, {"max_abs_error": 1e-9}):
        assert tried(a, **goal, **options) == (0.0, 0.0)


def test_no_error_at_all_is_refused_where_a_step_would_have_to_vanish():
    # The smallest numbers of float64: one is off by a unit, and half of that is nothing.
    a = np.zeros((16, 2))
    a[0] = -2.67e-322, -4.94e-322
    with pytest.raises(TargetUnreachableError, match=r"found --max-abs-error 0, expected \d"):
        tried(a, max_abs_error=0, mode="factors+residual")


@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("size", [1300, 30000])
def test_bytes_to_spare_do_no_harm(mode, size):
    # Steps that would make codes too long for the format once gave a matrix of cut codes.
    assert tried(WHITE, size=size, mode=mode)[0] < 8 * 9 / GREATEST


def test_a_rank_without_factors_worth_having_leaves_the_residual():
    a = np.zeros((2, 28), np.float32)
    a[0, 3], a[1, 17] = 1.0, -1.1
    assert tried(a, rel_error=0.1, rank=1)[0] <= 0.1
    assert tried(a, max_abs_error=0.1, rank=1)[1] <= 0.1


@pytest.mark.parametrize("mode", [None, "factors"])
@pytest.mark.parametrize("size", [540, 720])
def test_a_file_without_room_for_codes_is_one_of_zeros_or_refused(mode, size):
    a = WHITE[:3].astype(np.float32)
    for options in ({"center": "auto"}, {"center": "mean-row"}):
        try:
            found = lplrcli.compress(a, size=size, mode=mode, **options)
        except TargetUnreachableError as refusal:
            assert "bytes or more" in str(refusal)
        else:
            assert found.size_report.file_bytes <= size


def test_factors_grow_until_they_reach_the_error():
    # More columns than a Gram matrix is formed of, and a spectrum so flat that twice the first
    # basis does not reach it either.
    a = matrices.with_spectrum(150, 1100, np.exp(-np.arange(150) / 500))
    assert tried(a, rel_error=0.1, mode="factors")[0] <= 0.1


def test_a_norm_beyond_float64_is_refused():
    with pytest.raises(InputError, match="overflows"):
        lplrcli.compress(np.full((9, 7), 1.7e308), rel_error=0.1)
