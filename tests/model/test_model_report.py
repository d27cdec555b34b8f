"""What a compression achieved: equal reports are those that files cannot tell apart."""

from __future__ import annotations

import dataclasses

from lplr_samples import factorization, read_all, written

from lplrcli.model.report import GAUSSIAN_ROWS, ErrorReport

REPORT = ErrorReport(0.25, None, False, 12.5, 1, None, GAUSSIAN_ROWS, bytes_read=4000)


def test_bytes_read_are_not_compared_and_not_in_a_file():
    assert dataclasses.replace(REPORT, bytes_read=None) == REPORT
    stored = dataclasses.replace(factorization(), report=REPORT)
    (found,) = read_all(written(stored))
    assert found.report == REPORT
    assert found.report.bytes_read is None


def test_whatever_else_differs_makes_another_report():
    others = {
        "relative_frobenius_error": 0.5, "max_abs_error": 1.0, "exact": True,
        "source_norm": 1.0, "passes": 2, "bound": 0.5, "estimator": None,
    }  # fmt: skip
    assert {field.name for field in dataclasses.fields(REPORT)} - {"bytes_read"} == set(others)
    for name, value in others.items():
        assert dataclasses.replace(REPORT, **{name: value}) != REPORT
