"""Rows that cannot follow those of a file, and what is said where they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from growing import check, grown
from lplr_samples import factorization
from rans_samples import rans_factor

import lplrcli
from lplrcli.errors import (
    InputError,
    NonFiniteError,
    NotAMatrixError,
    PlanError,
)


def test_rows_on_a_grid_come_in_layers():
    a = np.random.default_rng(1).standard_normal((12, 5)).astype(np.float32)
    old = lplrcli.compress(a, rank=2, row_grid=(4, 3)).factorization
    done = grown(old, a[:6])
    assert done.factorization.left.grid == (6, 3)
    with pytest.raises(PlanError, match=r"found 7 rows, expected a multiple of 3.*4 x 3"):
        grown(old, a[:7])


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        (np.ones((3, 23), np.float32), InputError, "found 3 x 23, expected any number x 24"),
        (np.ones((3, 24)), InputError, "found float64, expected float32"),
        (np.ones((3, 4, 6), np.float32), InputError, "found 3 x 4 x 6"),
        (np.full((3, 24), np.nan, np.float32), NonFiniteError, "72 entries"),
        (np.ones(24, np.float32), NotAMatrixError, "1-dimensional"),
    ],
)
def test_rows_that_are_none(rows, error, words):
    old = factorization((19, 24), (3, 3), dtype="float32")
    with pytest.raises(error, match=words):
        grown(old, rows, path="a.lplr")


@pytest.mark.parametrize("name", ["left", "residual", "mean_column"])
def test_factors_that_are_transformed(name):
    old = factorization((24, 7), (3, 3), "factors+residual", "deadzone", means=("row", "column"))
    part = rans_factor(24, old.parts[name].components, "deadzone", 24, transform="dct", context=2)
    if name == "residual":
        part = rans_factor(24 * 7, 1, "deadzone", 24 * 7, transform="dct", context=2)
    old = replace(old, **{name: part})
    text = f"{name.replace('_', ' ')} is transformed.*dct, expected identity\n.*--transform none"
    with pytest.raises(PlanError, match=text):
        grown(old, np.ones((8, 7), np.float32))


def test_a_transformed_right_factor_does_not_matter():
    old = factorization((24, 32), (3, 3), quantizer="deadzone")
    right = rans_factor(32, 2, "deadzone", 32, transform="dct", context=2, grid=(4, 8))
    rows = np.random.default_rng(0).standard_normal((9, 32)).astype(np.float32)
    old = replace(old, right=right)
    check(old, rows, grown(old, rows))


def test_a_residual_that_is_one_run_of_codes():
    old = factorization((24, 7), mode="direct", quantizer="deadzone")
    old = replace(old, residual=rans_factor(24 * 7, 1, "deadzone", 64))
    with pytest.raises(PlanError, match="one run of all rows"):
        grown(old, np.ones((8, 7), np.float32))


def test_arrays_that_have_no_rows_to_follow():
    old = replace(factorization((24, 7)), array_shape=(24, 7), unfold=1)
    column = replace(factorization((1, 24 * 7)), array_shape=(24, 7), unfold=0)
    grown(old, np.ones((8, 7), np.float32))
    with pytest.raises(PlanError, match="0 of 2 axes"):
        grown(column, np.ones((8, 7), np.float32))
