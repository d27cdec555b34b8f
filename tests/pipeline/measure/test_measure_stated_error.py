"""Whether what a file states of its error is held to be true, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from lplr_samples import factorization

import lplrcli
from lplrcli.io import open_array
from lplrcli.model.report import GAUSSIAN_ROWS
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.measure.error import scan_and_assess
from lplrcli.pipeline.measure.stated_error import disagreements

RNG = np.random.default_rng(0)
A = (RNG.standard_normal((60, 6)) @ RNG.standard_normal((6, 40))).astype(np.float32)


def made(a, **options):
    return lplrcli.compress(a, 4, 3, method="packed", **options).factorization


def keys(compressed, original, **stated):
    """What is refused of a factorization that states this."""
    found = replace(compressed, report=replace(compressed.report, **stated))
    with open_array(original, threads=1) as source:
        scan, report = scan_and_assess(source, found, 1)
    return [error.sentence.split()[2] for error in disagreements(found, scan, report, "x.lplr")]


ORIGINALS = [
    A,
    A.astype(np.float64),
    A.astype(np.float16),
    np.rint(9 * A).astype(np.int8),
    np.rint(9 * A).astype(np.int64),
    A > 0,
    np.zeros((9, 7), np.float32),
    np.zeros((9, 7), np.int16),
    1e300 * A.astype(np.float64),
    sp.csr_array(np.where(np.abs(A) > 2, A, 0)),
]


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda a: f"{type(a).__name__}-{a.dtype}")
def test_what_was_measured_is_true(original):
    made_of_it = made(original)
    assert keys(made_of_it, original) == []
    # Rounding of another machine: the last digits of float32 and of a half.
    true = made_of_it.report
    near = {"relative_frobenius_error": true.relative_frobenius_error * (1 + 1e-7)}
    assert keys(made_of_it, original, **near) == []


@pytest.mark.parametrize("original", [A, A.astype(np.float16), np.rint(9 * A).astype(np.int8)])
@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_what_is_not_true_is_refused(original, factor):
    compressed = made(original)
    report = compressed.report
    for key in ("relative_frobenius_error", "source_norm"):
        assert keys(compressed, original, **{key: getattr(report, key) * factor}) == [
            f"achieved.{key}"
        ]
    if original.dtype.kind != "i":  # one step may be rounding
        wrong = {"max_abs_error": report.max_abs_error * factor}
        assert keys(compressed, original, **wrong) == ["achieved.max_abs_error"]
    wrong = {"max_abs_error": report.max_abs_error + 2}
    assert keys(compressed, original, **wrong) == ["achieved.max_abs_error"]


def test_another_original_is_refused():
    compressed = made(A)
    other = A.copy()
    other[7] *= 1.1
    assert "achieved.relative_frobenius_error" in keys(compressed, other)
    # The same numbers in a wider type are the same original.
    assert keys(compressed, A.astype(np.float64)) == []


def test_lossless_files_have_no_room_for_doubt():
    lossless = factorization((24, 16), mode="direct", quantizer="deadzone", dtype="float64")
    original = np.concatenate(list(Reconstruction(lossless).blocks()))
    true = {"relative_frobenius_error": 0.0, "max_abs_error": 0.0}
    true["source_norm"] = float(np.linalg.norm(original))
    assert keys(lossless, original, **true) == []
    other = original.copy()
    other[3, 4] += 3
    assert keys(lossless, other, **true) == [
        "achieved.source_norm",
        "achieved.relative_frobenius_error",
        "achieved.max_abs_error",
    ]


def test_estimates_are_held_to_their_spread():
    compressed = made(A)
    true = compressed.report.relative_frobenius_error
    estimate = {"exact": False, "max_abs_error": None, "estimator": GAUSSIAN_ROWS}
    for share, refused in ((0.25, False), (1.75, False), (0.15, True), (1.85, True)):
        found = keys(compressed, A, relative_frobenius_error=share * true, **estimate)
        assert bool(found) == refused, share
    unknown = estimate | {"estimator": None}
    assert keys(compressed, A, relative_frobenius_error=9.0, **unknown) == []


def test_an_estimate_of_the_product_is_within_it():
    compressed = made(A, passes=2)
    assert compressed.report.estimator == GAUSSIAN_ROWS
    assert keys(compressed, A) == []


def test_a_refusal_says_both_numbers():
    compressed = made(A)
    wrong = replace(compressed, report=replace(compressed.report, source_norm=1.0))
    with open_array(A, threads=1) as source:
        (error,) = disagreements(wrong, *scan_and_assess(source, wrong, 1), "x.lplr")
    assert (error.section, error.path, error.found) == ("META", "x.lplr", 1.0)
    assert f"{compressed.report.source_norm:.4g}"[:4] in str(error.expected)
