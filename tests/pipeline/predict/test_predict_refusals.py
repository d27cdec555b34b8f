"""Refusals of targets: each names the matrix, what was asked, and what would do."""

from __future__ import annotations

import math

import pytest

from lplrcli.errors import PlanError, TargetUnreachableError
from lplrcli.pipeline.predict import refusals

UNREACHABLE = {
    "not lossless": (refusals.not_lossless("a.npy"), ["-e 0", "-e 1e-6"]),
    "too small": (refusals.too_small("a.npy", 77, 612), ["77 bytes", "612 bytes or more"]),
    "too exact": (refusals.too_exact("a.npy", 1e-9, 1e-7), ["-e 1e-09", "1e-07 or more"]),
    "too exact everywhere": (
        refusals.too_exact_everywhere("a.npy", 1e-9, 0.25),
        ["--max-abs-error 1e-09", "0.25 or more"],
    ),
    "out of passes": (refusals.out_of_passes("a.npy", 0.1, 0.1001), ["0.1 or less", "0.1001"]),
}


@pytest.mark.parametrize("name", UNREACHABLE)
def test_targets_that_cannot_be_met(name):
    refusal, words = UNREACHABLE[name]
    assert isinstance(refusal, TargetUnreachableError)
    for word in ("a.npy", *words):
        assert word in str(refusal)


@pytest.mark.parametrize("refused", [refusals.too_exact, refusals.too_exact_everywhere])
@pytest.mark.parametrize("reached", [0.0, math.inf])
def test_what_was_not_reached_at_all_is_not_told(refused, reached):
    refusal = refused("a.npy", 1e-3, reached)
    assert refusal.expected is None
    assert refusal.advice


def test_plans_for_sparse_matrices():
    centered = refusals.centered_sparse("a.npz", "both")
    entries = refusals.entry_by_entry("a.npz", (9, 7), "-e 0")
    assert isinstance(centered, PlanError) and isinstance(entries, PlanError)
    assert "--center both" in str(centered) and "none or auto" in str(centered)
    assert "-e 0, 9 x 7" in str(entries) and "Factors alone" in str(entries)
