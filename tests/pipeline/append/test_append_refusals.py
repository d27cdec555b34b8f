"""Refusals of rows that do not fit: what was found, what is allowed, and what to do instead."""

from __future__ import annotations

import pytest

from lplrcli.errors import TargetUnreachableError
from lplrcli.pipeline.append import refusals

AGAIN = "Compress all rows again, those of the file and the new ones together."


@pytest.mark.parametrize("batch", [None, 64])
def test_rows_with_too_large_an_error(batch):
    refusal = refusals.misfit("b.npy", 0.123456, 0.1, 0.1119, batch)
    assert isinstance(refusal, TargetUnreachableError)
    for words in ("b.npy", "relative error of 0.1235", "0.1119 of all rows", "at most 0.1"):
        assert words in str(refusal)
    assert refusal.advice.startswith("Allow more" if batch is None else "Append 64 rows or more")
    assert refusal.advice.endswith(f"Allow more with -e (rel_error). {AGAIN}")


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (refusals.misfit_everywhere("b.npy", 0.5, 0.01), ["off by 0.5", "at most 0.01"]),
        (refusals.out_of_scale("b.npy"), ["overflow"]),
    ],
)
def test_other_rows(refusal, words):
    assert isinstance(refusal, TargetUnreachableError)
    for word in ("b.npy", "do not fit", *words):
        assert word in str(refusal)
    assert refusal.advice == AGAIN
